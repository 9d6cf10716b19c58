"""The content of compressed files: one loop over the members in a row, whatever the format of each.

All content that the stored bytes hold comes out before an error does. What the `open` functions of the libraries
drop at an error is had here in two ways. A member that the end of the file cuts has given all it has when it asks
for more input. A damaged member is decompressed a second time up to the last good byte, and from there in the
smallest steps.

Between members there may be zeros (padding of tapes and blocks) and skippable frames. Anything else there is
an error.

After damage the error says where the next whole member begins, if there is one and the file can be sought in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ndstream.logs._archives.archive_input import BLOCK_SIZE, ArchiveInput
from ndstream.logs._archives.content_map import ContentMap
from ndstream.logs._archives.damaged_member import content_before_damage
from ndstream.logs._archives.decompressors import decompress, make_decompressor
from ndstream.logs._archives.formats import HEAD_SIZE, Compression, compression_of, may_become_member, skippable_size
from ndstream.logs._archives.member_error import MemberError
from ndstream.logs._archives.next_member import find_next_member
from ndstream.logs._errors import LogFileError, LogFileTruncatedError
from ndstream.logs._files.positions import Member, Position
from ndstream.logs._files.stored_bytes import Stored

_FIRST_STEP = 1024


class Archive:
    """Decompresses a file.

    Args:
        stored: The file, from its start or, if `start` is given, from the start of that member.
        head: What was read of it already.
        compression: The format of its first member.
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
        compression: Compression,
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
        self._input = ArchiveInput(stored, head)
        self._members = 0
        self._format = compression
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
        self._content_map.note_chunk_end(self._offset, self._input.consumed)
        return chunk

    def _pieces(self) -> Iterator[bytes]:
        """The content; b"" before each read that may have to wait."""
        source = self._input
        while True:
            if self._waits and source.at_hand < HEAD_SIZE:
                yield b""
            head = source.peek(HEAD_SIZE)
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
                if source.consume(size) < size:
                    raise self._truncated("a skippable frame")
            elif head[0] == 0 and source.consumed:
                source.consume_zeros()
            elif may_become_member(head):
                source.consume(len(head))
                raise self._truncated("the header of a member")
            else:
                raise self._garbage(head)

    def _member(self, compression: Compression, head: bytes) -> Iterator[bytes]:
        """The content of the member that begins here."""
        self._members += 1
        self._format = compression
        source = self._input
        begin, content_begin = source.consumed, self._offset
        self._content_map.note_member(content_begin, begin)
        try:
            decompressor = make_decompressor(compression, head, self._max_window)
            # A member may be tiny, and each copy of what follows it costs as much as that is long.
            step = _FIRST_STEP
            while not decompressor.eof:
                data = b""
                if decompressor.needs_input:
                    if self._waits and not source.at_hand:
                        yield b""
                    data = source.take(step)
                    step = min(2 * step, BLOCK_SIZE)
                    if not data:
                        raise MemberError("truncated", "it goes on beyond the end of the file")
                piece = decompress(decompressor, data, self._room)
                if piece:
                    self._offset += len(piece)
                    yield piece
        except MemberError as error:
            at = source.consumed
            rest = None
            if self._stored.seekable and error.reason in ("corrupt", "checksum", "truncated"):
                # isal gives a byte only once it has some bytes after it.
                if error.reason != "truncated" or compression == "gzip":
                    yield from self._before_damage(compression, head, begin, self._offset - content_begin)
                rest = self._place_after(compression, begin, at)
            if error.reason == "truncated" and rest is None:
                raise self._truncated(f"member {self._members}") from None
            raise self._described(error, at, rest) from error
        source.give_back(decompressor.unused_data or b"")

    def _before_damage(self, compression: Compression, head: bytes, begin: int, delivered: int) -> Iterator[bytes]:
        """The content between what was delivered and the damage, which the failed call has swallowed."""
        content = content_before_damage(
            self._stored, begin, compression, head, self._max_window, delivered, self._chunk_size
        )
        if content:
            self._offset += len(content)
            yield content

    def _place_after(self, compression: Compression, begin: int, at: int) -> Position | None:
        """Where the archive goes on after damage; its content follows what came out so far.

        Args:
            compression: The format.
            begin: Where the damaged member begins.
            at: How much of the file had been read when the damage was noticed.
        """
        place = find_next_member(self._stored, begin + 1, compression, self._max_window)
        self._stored.seek(at)
        self._input = ArchiveInput(self._stored)
        return None if place is None else Position(self._offset, place, Member(self._offset, place))

    # Errors.

    def _truncated(self, what: str) -> LogFileTruncatedError:
        at = self._input.consumed
        return LogFileTruncatedError(
            f"{self._name} ends inside {what}, at byte {at:,}: it was cut, or is still being written; "
            f"all {self._offset:,} bytes of content before that were read",
            **self._facts("truncated_archive", at),
        )

    def _garbage(self, head: bytes) -> LogFileError:
        at = self._input.consumed
        rest = self._place_after(self._format, at, at) if self._stored.seekable else None
        what = f"{self._name}, byte {at:,}: what is here is neither a member nor padding: {head!r}"
        if rest is None:
            return LogFileError(f"{what}; the members before it are complete", **self._facts("trailing_garbage", at))
        return LogFileError(f"{what}; members follow it", **self._facts("corrupt", at), rest=rest)

    def _described(self, error: MemberError, at: int, rest: Position | None) -> LogFileError:
        advice = {
            "window_too_large": "; pass a larger max_window, or None for no limit",
            "dictionary": "; decompress it with that dictionary first",
        }.get(error.reason, f"; {self._offset:,} bytes of content before that were read")
        # A member that goes on beyond the end of the file, though others follow it, was not cut: its sizes are wrong.
        reason = "corrupt" if error.reason == "truncated" else error.reason
        return LogFileError(
            f"{self._name}, member {self._members} ({self._format}), before byte {at:,}: {error}{advice}",
            **self._facts(reason, at),
            rest=rest,
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
