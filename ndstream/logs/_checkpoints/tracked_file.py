"""A file while it is read line by line: its chunks go to a decoder, and a cursor can be had at any moment.

A place is committed when the caller asks for what follows it: only then was the last line dealt with. The cursor is
that of the committed place, so that a line whose handling was interrupted comes again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from itertools import chain
from typing import Any, Protocol

from ndstream._core import NDJSONDecoder
from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._containers.unfinished_line import UnfinishedLine
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.fingerprint import ANCHOR_SIZE, HEAD_SIZE, ContentTracker, digest
from ndstream.logs._files.opened_file import OpenedFile, open_file
from ndstream.logs._files.positions import Position


class PlacedFile(Protocol):
    """What a cursor needs to know of a file."""

    @property
    def path(self) -> str | None: ...
    @property
    def format(self) -> str: ...
    def position(self, offset: int, /) -> Position: ...


class TrackedFile:
    """How far a file was read.

    Args:
        file: The file.
        offset: Where the first chunk begins in the content, which is the beginning of a line.
        line: How many lines precede it.
        head: The first bytes of the content, if the file is not read from its beginning.
        anchor: The bytes before the first chunk, likewise.
        delivered: How many bytes of a last line without a LF were delivered already, if nothing follows them.

    Attributes:
        offset: The committed place.
        line: How many lines precede it.
        unfinished: The lines that waited for their last part there.
    """

    def __init__(
        self,
        file: PlacedFile,
        *,
        offset: int = 0,
        line: int = 0,
        head: bytes = b"",
        anchor: bytes = b"",
        delivered: int = 0,
    ) -> None:
        self.file = file
        self.offset = offset
        self.line = line
        self.delivered = delivered
        self.unfinished: tuple[UnfinishedLine, ...] = ()
        self._unfinished_now: Callable[[], tuple[UnfinishedLine, ...]] = tuple
        self._position = file.position(offset)
        self._tracker = ContentTracker(head, offset, anchor)
        self._device = self._inode = 0
        if file.path is not None:
            with suppress(OSError):
                status = os.stat(file.path)
                self._device, self._inode = status.st_dev, status.st_ino

    def keep_unfinished(self, unfinished: Callable[[], tuple[UnfinishedLine, ...]]) -> None:
        """Keep with each committed place what was unfinished there, as the callable says."""
        self._unfinished_now = unfinished
        self.unfinished = unfinished()

    def add(self, chunk: bytes) -> None:
        """Take note of the next chunk, before it is fed to the decoder."""
        self._tracker.add(chunk)

    def commit(self, decoder: NDJSONDecoder[Any]) -> None:
        """Take note that all that the decoder gave so far was dealt with."""
        self.offset, self.line = decoder.offset, decoder.line
        self._position = self.file.position(self.offset)
        self._tracker.keep(self.offset)
        self.unfinished = self._unfinished_now()

    def commit_end(self, decoder: NDJSONDecoder[Any]) -> None:
        """The same once the decoder has finished."""
        if decoder.unterminated:
            # The line may go on later, so that its beginning stays the place to resume from.
            self.delivered = decoder.offset - self.offset

    @property
    def head(self) -> bytes:
        """The first bytes of the content, as far as they were read."""
        return self._tracker.head

    def cursor(self) -> Cursor:
        """The committed place."""
        position = self._position
        mark = self._tracker.fingerprint(self.offset, position.member.offset)
        return Cursor(
            self.file.path or "", self.file.format, position, self.line, self.delivered,
            self._device, self._inode, mark, self.unfinished,
        )  # fmt: skip


def resume(
    cursor: Cursor, path: str, open_file: Callable[..., OpenedFile] = open_file
) -> tuple[OpenedFile, TrackedFile] | None:
    """Open a file at the place of a cursor that was made in the same content, under whatever name and compression.

    Args:
        cursor: The cursor.
        path: The file to try.
        open_file: Opens a file as `open_file` does, maybe with options of its own.

    Returns:
        The file; None if its content is another one, or ends before that place.

    Raises:
        OSError: It cannot be read.
    """
    mark = cursor.fingerprint
    with_head = open_file(path, ahead=0)
    try:
        head = _read(with_head, mark.head_size)
    finally:
        with_head.close()
    if digest(head[: mark.head_size]) != mark.head:
        return None
    start = cursor.offset - mark.anchor_size
    # In another form of the file, members lie elsewhere.
    same_form = with_head.format == cursor.format
    position = cursor.position._replace(offset=start) if same_form else Position(start, start)
    file = open_file(path, start=position)
    try:
        content = _read(file, mark.anchor_size + cursor.delivered + 2)
        anchor, rest = content[: mark.anchor_size], content[mark.anchor_size :]
        if len(anchor) < mark.anchor_size or digest(anchor) != mark.anchor or len(rest) < cursor.delivered:
            file.close()
            return None
        offset, line, delivered = cursor.offset, cursor.line, cursor.delivered
        chunks = chain([rest], file.chunks) if rest else file.chunks
        if delivered and len(rest) == delivered:
            # Its last line was delivered, and nothing follows it.
            chunks = iter(())
        elif delivered:
            delivered = 0
            line_end = next((end for end in (b"\n", b"\r\n") if rest.startswith(end, cursor.delivered)), b"")
            if line_end:
                skipped = cursor.delivered + len(line_end)
                anchor = (anchor + rest[:skipped])[-ANCHOR_SIZE:]
                offset, line = offset + skipped, line + 1
                chunks = chain([rest[skipped:]], file.chunks)
        file.chunks, file.offset = chunks, offset
        return file, TrackedFile(
            file, offset=offset, line=line, head=head[:HEAD_SIZE], anchor=anchor, delivered=delivered
        )
    except BaseException:
        file.close()
        raise


def holds(cursor: Cursor, path: str) -> bool:
    """Whether a file holds what a cursor was made in.

    Raises:
        OSError: It cannot be read.
    """
    found = resume(cursor, path)
    if found is not None:
        found[0].close()
    return found is not None


def _read(file: OpenedFile, size: int) -> bytes:
    """At least so many bytes of content if there are, up to the damage if it is damaged."""
    content = b""
    with suppress(LogFileError):
        while len(content) < size and (chunk := next(file.chunks, b"")):
            content += bytes(chunk)
    return content
