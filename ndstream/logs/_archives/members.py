"""The content of compressed files: one loop over the members in a row, whatever the format of each.

All content that the stored bytes hold comes out before an error does. What the `open` functions of the libraries
drop at an error is had here in two ways. A member that the end of the file cuts has given all it has when it asks
for more input. A damaged member is decompressed a second time up to the last good byte, and from there in the
smallest steps.

Between members there may be zeros (padding of tapes and blocks) and skippable frames. Anything else there is
an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ndstream.logs._archives.content_map import ContentMap
from ndstream.logs._archives.decompressors import Decompressor, decompress, make_decompressor
from ndstream.logs._archives.formats import HEAD_SIZE, Compression, compression_of, may_become_member, skippable_size
from ndstream.logs._archives.member_error import MemberError
from ndstream.logs._archives.next_member import find_next_member
from ndstream.logs._errors import LogFileError, LogFileTruncatedError
from ndstream.logs._files.positions import Member, Position
from ndstream.logs._files.stored_bytes import Stored

BLOCK_SIZE = 256 * 1024
_FIRST_STEP = 1024


class Archive:
    """Decompresses a file.

    Args:
        stored: The file, from its start or, if `start` is given, from the start of that member.
        head: What was read of it already.
        start: Where the content is to begin.
        chunk_size: The size of chunks of content, in bytes; they are smaller if more would have to be waited for.
        max_window: How much memory the window of a member may take, in bytes; None for no limit.

    Attributes:
        content_map: How far content and stored bytes have got.
    """

    def __init__(
        self,
        stored: Stored,
        head: bytes,
        start: Position,
        chunk_size: int,
        max_window: int | None,
        content_map: ContentMap,
    ) -> None:
        self._stored = stored
        self._chunk_size = chunk_size
        # How much the chunk that is being made has room for.
        self._room = chunk_size
        self._max_window = max_window
        self._content_map = content_map
        self._waits = not stored.seekable
        # The input at hand: block[index:].
        self._block = head
        self._index = 0
        self._members = 0
        self._format: Compression = "gzip"
        self._offset = start.member.offset
        self._skip = start.offset - start.member.offset

    def chunks(self) -> Iterator[bytes]:
        """The content, in chunks."""
        pieces: list[bytes] = []
        try:
            for piece in self._pieces():
                if piece:
                    pieces.append(piece)
                    self._room -= len(piece)
                if pieces and (not piece or self._room <= 0):
                    yield self._joined(pieces)
        except LogFileError:
            if pieces:
                yield self._joined(pieces)
            raise
        if pieces:
            yield self._joined(pieces)

    def _joined(self, pieces: list[bytes]) -> bytes:
        chunk = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._room = self._chunk_size
        self._content_map.note_chunk_end(self._offset, self._consumed)
        return chunk

    @property
    def _consumed(self) -> int:
        """How many stored bytes were given to decompressors."""
        return self._stored.offset - (len(self._block) - self._index)

    def _pieces(self) -> Iterator[bytes]:
        """The content; b"" before each read that may have to wait."""
        while True:
            if self._waits and self._at_hand < HEAD_SIZE:
                yield b""
            head = self._peek(HEAD_SIZE)
            if not head:
                return
            if (compression := compression_of(head)) is not None:
                for piece in self._member(compression, head):
                    if self._skip:
                        skipped = min(self._skip, len(piece))
                        self._skip -= skipped
                        yield piece[skipped:]
                    else:
                        yield piece
            elif (size := skippable_size(head)) is not None:
                if self._consume(size) < size:
                    raise self._truncated("a skippable frame")
            elif head[0] == 0 and self._consumed:
                self._consume_zeros()
            elif may_become_member(head):
                self._consume(len(head))
                raise self._truncated("the header of a member")
            else:
                raise self._error(
                    "trailing_garbage",
                    f"what follows its last member is neither another one nor padding: {head!r}; the members before it "
                    "are complete",
                )

    def _member(self, compression: Compression, head: bytes) -> Iterator[bytes]:
        """The content of the member that begins here."""
        self._members += 1
        self._format = compression
        begin, content_begin = self._consumed, self._offset
        self._content_map.note_member(content_begin, begin)
        try:
            decompressor = make_decompressor(compression, head, self._max_window)
            # A member may be tiny, and each copy of what follows it costs as much as that is long.
            step = _FIRST_STEP
            while not decompressor.eof:
                data = b""
                if decompressor.needs_input:
                    if self._waits and not self._at_hand:
                        yield b""
                    data = self._take(step)
                    step = min(2 * step, BLOCK_SIZE)
                    if not data:
                        if compression == "gzip" and self._stored.seekable:
                            # isal gives a byte only once it has some bytes after it.
                            delivered = self._offset - content_begin
                            yield from self._rest_of_damaged_member(compression, head, begin, delivered)
                        raise self._truncated(f"member {self._members}")
                piece = decompress(decompressor, data, self._room)
                if piece:
                    self._offset += len(piece)
                    yield piece
        except MemberError as error:
            at = self._consumed
            described = None
            if self._stored.seekable and error.reason in ("corrupt", "checksum"):
                yield from self._rest_of_damaged_member(compression, head, begin, self._offset - content_begin)
                described = self._described(error, at)
                described.rest = self._place_after(compression, begin)
            raise described or self._described(error, at) from error
        self._return(decompressor.unused_data or b"")

    def _rest_of_damaged_member(
        self, compression: Compression, head: bytes, begin: int, delivered: int
    ) -> Iterator[bytes]:
        """The content between what was delivered and the damage, which the failed call has swallowed."""
        rest, safe = b"", 0
        # The smallest steps are slow: they are taken for the last of it, once the first run has found where that is.
        for step in (_FIRST_STEP, 1):
            self._stored.seek(begin)
            self._block, self._index = b"", 0
            decompressor = make_decompressor(compression, head, self._max_window, exact=True)
            rest, safe = self._content_in_steps(decompressor, step, safe, delivered)
        if rest:
            self._offset += len(rest)
            yield rest

    def _place_after(self, compression: Compression, begin: int) -> Position | None:
        """Where the archive goes on after a damaged member; its content follows what came out so far."""
        place = find_next_member(self._stored, begin + 1, compression, self._max_window)
        return None if place is None else Position(self._offset, place, Member(self._offset, place))

    def _content_in_steps(self, decompressor: Decompressor, step: int, safe: int, skip: int) -> tuple[bytes, int]:
        """What comes after the first ``skip`` bytes of content, and how much input precedes the step that fails.

        Up to ``safe`` bytes of input, steps are of `_FIRST_STEP`.
        """
        content = bytearray()
        taken = before = 0
        with suppress(MemberError, LogFileError):
            while len(content) < self._chunk_size and not decompressor.eof:
                data = b""
                if decompressor.needs_input:
                    data = self._take(_FIRST_STEP if taken < safe else step)
                    if not data:
                        break
                    before = taken
                    taken += len(data)
                piece = decompress(decompressor, data, self._chunk_size if taken <= safe else step)
                content += piece[skip:]
                skip -= min(skip, len(piece))
        return bytes(content), before

    # The input.

    @property
    def _at_hand(self) -> int:
        return len(self._block) - self._index

    def _peek(self, size: int) -> bytes:
        """The next bytes, so many unless the file ends before."""
        while self._at_hand < size and (more := self._stored.read(BLOCK_SIZE)):
            self._block = self._block[self._index :] + more
            self._index = 0
        return self._block[self._index : self._index + size]

    def _take(self, size: int) -> bytes:
        """At least one byte and at most so many; b"" at the end of the file."""
        if not self._at_hand:
            self._block, self._index = self._stored.read(BLOCK_SIZE), 0
        begin = self._index
        self._index = min(begin + size, len(self._block))
        return self._block if self._index - begin == len(self._block) else self._block[begin : self._index]

    def _return(self, unused: bytes) -> None:
        """Give back what a decompressor did not use."""
        if len(unused) <= self._index:
            self._index -= len(unused)
        else:
            self._block, self._index = unused + self._block[self._index :], 0

    def _consume(self, size: int) -> int:
        """Pass over so many bytes; how many there were."""
        left = size
        while left and (data := self._take(left)):
            left -= len(data)
        return size - left

    def _consume_zeros(self) -> None:
        while data := self._take(BLOCK_SIZE):
            if rest := data.lstrip(b"\x00"):
                self._return(rest)
                return

    # Errors.

    def _truncated(self, what: str) -> LogFileTruncatedError:
        return LogFileTruncatedError(
            f"{self._name} ends inside {what}, at byte {self._consumed:,}: it was cut, or is still being written; "
            f"all {self._offset:,} bytes of content before that were read",
            **self._facts("truncated_archive", self._consumed),
        )

    def _error(self, reason: str, words: str) -> LogFileError:
        return LogFileError(f"{self._name}, byte {self._consumed:,}: {words}", **self._facts(reason, self._consumed))

    def _described(self, error: MemberError, at: int) -> LogFileError:
        advice = {
            "window_too_large": "; pass a larger max_window, or None for no limit",
            "dictionary": "; decompress it with that dictionary first",
        }.get(error.reason, f"; {self._offset:,} bytes of content before that were read")
        return LogFileError(
            f"{self._name}, member {self._members} ({self._format}), before byte {at:,}: {error}{advice}",
            **self._facts(error.reason, at),
        )

    @property
    def _name(self) -> str:
        return self._stored.path or "the file"

    def _facts(self, reason: str, at: int) -> dict[str, Any]:
        return {
            "reason": reason,
            "path": self._stored.path,
            "format": self._format,
            "member": self._members,
            "compressed_offset": at,
            "decompressed_offset": self._offset,
        }
