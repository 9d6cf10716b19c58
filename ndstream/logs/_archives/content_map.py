"""How content and stored bytes correspond, for the part of a file that was read and is still needed.

Whoever decompresses writes it, maybe in a thread that is ahead; whoever takes the chunks reads it.
"""

from __future__ import annotations

from collections import deque

from ndstream.logs._files.positions import Member, Position

_MIN_DISTANCE = 64 * 1024
"""Members nearer than this to the last one noted are not noted, so that tiny ones cannot fill the memory."""


class ContentMap:
    """The members and the ends of chunks that lie ahead of what was asked for last.

    Args:
        start: Where reading begins.
        stop_member: Where the member begins whose offset in the content is wanted, in bytes as stored; None for none.

    Attributes:
        stop_offset: Where the content of that member begins, or of the first one after it if there is no member;
            None until it was reached, which is before any of its content comes out.

    Example:
        >>> content_map = ContentMap(Position())
        >>> content_map.note_chunk_end(1000, 90)
        >>> content_map.position(10)
        Position(offset=10, compressed_offset=90, member=Member(offset=0, compressed_offset=0))
    """

    def __init__(self, start: Position, stop_member: int | None = None) -> None:
        self._stop_member = stop_member
        self.stop_offset: int | None = None
        self._members = deque([start.member])
        self._ends = deque([(start.offset, start.compressed_offset)])

    def note_member(self, offset: int, compressed_offset: int) -> None:
        """A member begins here."""
        if self.stop_offset is None and self._stop_member is not None and compressed_offset >= self._stop_member:
            self.stop_offset = offset
        if offset - self._members[-1].offset >= _MIN_DISTANCE:
            self._members.append(Member(offset, compressed_offset))

    def note_chunk_end(self, offset: int, compressed_offset: int) -> None:
        """A chunk of content ends here, for which so much was read."""
        self._ends.append((offset, compressed_offset))

    def position(self, offset: int) -> Position:
        """The place of this byte of content. Offsets must not go backwards from call to call."""
        while len(self._members) > 1 and self._members[1].offset <= offset:
            self._members.popleft()
        while len(self._ends) > 1 and self._ends[0][0] < offset:
            self._ends.popleft()
        return Position(offset, self._ends[0][1], self._members[0])
