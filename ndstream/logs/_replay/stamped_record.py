"""Records with their times, and their places in their files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from orjson import loads as orjson_loads

from ndstream.logs._stamps.stamp_error import MIN_TIME, StampError
from ndstream.logs._stamps.stamp_reader import StampReader


class ReplayedRecord(NamedTuple):
    """A record as it is delivered, and where it is from.

    Attributes:
        value: Its value.
        time: When it was written, in nanoseconds since 1970; None if it has no usable stamp.
        path: The path of its file; None if that has none.
        offset: Where its line begins, in bytes of the file's content. Of a text in envelopes: where its first part was.
        line: The 1-based number of that line.
    """

    value: Any
    time: int | None
    path: str | None
    offset: int
    line: int


class Place(NamedTuple):
    """Where a record is from, as in `ReplayedRecord`."""

    path: str | None
    offset: int
    line: int


class StampedRecord(NamedTuple):
    """A record and when it was written.

    Attributes:
        order: What it is sorted by: its time; without one, that of the record before it in its log.
        time: Its time in nanoseconds since 1970; None if it has no usable stamp.
        content: Its value, or its line if the stamp in it is to be replaced.
        stamps: What can replace it.
        place: Where it is from, if that was asked for.
    """

    order: int
    time: int | None
    content: Any
    stamps: StampReader
    place: Place | None = None


class RecordDecoder:
    """Decodes the lines of one log.

    Args:
        stamps: Reads the times.
        loads: A callable from a line to a value.
        keeps_line: Whether a record's content is its line. It is decoded all the same, to know that it can be.
        requires_stamp: Whether a line without a usable stamp is a bad line.
    """

    def __init__(
        self, stamps: StampReader, loads: Callable[[bytes], Any], keeps_line: bool, requires_stamp: bool
    ) -> None:
        self._stamps = stamps
        self._loads = loads
        self._keeps_line = keeps_line
        self._requires_stamp = requires_stamp
        self._order = MIN_TIME

    def __call__(self, line: bytes) -> StampedRecord:
        """The record of a line.

        Raises:
            StampError: It has no usable stamp.
            ValueError: It cannot be decoded.
        """
        parsed = orjson_loads(line)
        value = parsed if self._loads is orjson_loads else self._loads(line)
        content = line if self._keeps_line else value
        try:
            time = self._stamps.read(parsed)
            if self._keeps_line:
                # A stamp that cannot be written is of no use either, and that is told of its line.
                self._stamps.replace(line, time)
        except StampError:
            if self._requires_stamp:
                raise
            return StampedRecord(self._order, None, content, self._stamps)
        self._order = time
        return StampedRecord(time, time, content, self._stamps)
