"""Which bytes of NDJSON can be copied as they are: lines are decoded, and their values dropped.

A value is written as it was read, so that all there is to know of a line is whether it is good. Ranges of good lines
are copied as a whole, which costs next to nothing beside decoding. Only what a line of output may not hold is taken out
of a range: a byte order mark at the start, carriage returns, and blank lines.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ndstream._core import NDJSONDecoder
from ndstream._errors import StreamError

_BLANK_LINES = re.compile(rb"^[ \t]*(?:\n|\Z)", re.MULTILINE)
_SENTINEL = re.compile(rb"^[ \t]*\[DONE\][ \t]*\n?\Z", re.MULTILINE)


class Target(Protocol):
    """Where good lines go."""

    def copy(self, start: int, stop: int, pieces: Sequence[bytes | memoryview]) -> None:
        """Take a range of the content as it is; `pieces` are its bytes."""

    def write(self, data: bytes) -> None:
        """Take lines that differ from the content."""


class GoodLines:
    """The good lines of one content, on their way from its chunks to a target.

    Args:
        decoder: Decodes the lines. It raises errors, and selects nothing.
        target: Where they go.
        on_error: Is called with each bad line, once the good ones before it are with the target. It may raise.
    """

    def __init__(self, decoder: NDJSONDecoder[Any], target: Target, on_error: Callable[[StreamError], object]) -> None:
        self._decoder = decoder
        self._target = target
        self._on_error = on_error
        # What was fed, and is neither copied nor dropped yet, and the offset of its first byte.
        self._pieces: deque[bytes] = deque()
        self._offset = decoder.offset
        self._has_return = False
        self._is_in_bad_line = False
        self._lines, self._frames = decoder.line, decoder.frames

    def feed(self, chunk: bytes) -> None:
        """Check the next chunk, and copy the good lines that end in it."""
        self._decoder.feed(chunk)
        if chunk:
            self._pieces.append(chunk)
        # A search for an integer is the fast one.
        self._has_return = self._has_return or chunk.find(13) >= 0
        if self._is_in_bad_line:
            self._drop_line()
        self._drain()

    def finish(self) -> None:
        """Check and copy the last line, which may have no line end."""
        self._decoder.finish()
        self._drain()
        if self._decoder.unterminated:
            self._target.write(b"\n")

    def _drain(self) -> None:
        decoder = self._decoder
        while True:
            try:
                deque(decoder, 0)
                break
            except StreamError as error:
                self._end_at(error)
                self._on_error(error)
        self._copy(decoder.offset, decoder.line)

    def _end_at(self, error: StreamError) -> None:
        """Copy what precedes a bad line, and drop that."""
        assert error.line is not None
        self._copy(error.offset, error.line - 1)
        self._drop_line()
        self._lines = error.line

    def _copy(self, stop: int, lines: int) -> None:
        """Copy all before an offset, which so many lines precede."""
        frames = self._decoder.frames
        if stop > self._offset:
            start, is_clean = self._offset, lines - self._lines == frames - self._frames and not self._has_return
            pieces = self._take(stop - start)
            if is_clean and (start or not _begins_with_mark(pieces)):
                self._target.copy(start, stop, pieces)
            else:
                self._target.write(_clean(b"".join(pieces), self._decoder.done))
        self._lines, self._frames = lines, frames

    def _take(self, size: int) -> list[bytes | memoryview]:
        self._offset += size
        taken: list[bytes | memoryview] = []
        while size:
            piece = self._pieces.popleft()
            if len(piece) > size:
                self._pieces.appendleft(piece[size:])
                # Without copying what may be a large chunk but for a part of a line at its end.
                taken.append(memoryview(piece)[:size])
                break
            taken.append(piece)
            size -= len(piece)
        self._has_return = self._has_return and any(piece.find(13) >= 0 for piece in self._pieces)
        return taken

    def _drop_line(self) -> None:
        """Drop what is there up to the next line end; if there is none, also what follows up to it."""
        self._is_in_bad_line = True
        while self._is_in_bad_line and self._pieces:
            piece = self._pieces.popleft()
            end = piece.find(10) + 1
            self._offset += end or len(piece)
            if end:
                self._is_in_bad_line = False
                self._pieces.appendleft(piece[end:])


def _begins_with_mark(pieces: Sequence[bytes | memoryview]) -> bool:
    return b"".join(bytes(piece[:3]) for piece in pieces[:3]).startswith(BOM_UTF8)


def _clean(data: bytes, is_done: bool) -> bytes:
    """Lines of one value each. JSON strings hold no carriage returns, so that one is white space between tokens."""
    first, *rest = data.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").split(b"\r")
    if rest:
        *middle, last = rest
        first = b"".join((first.rstrip(b" \t"), *(part.strip(b" \t") for part in middle), last.lstrip(b" \t")))
    data = _BLANK_LINES.sub(b"", first)
    return _SENTINEL.sub(b"", data) if is_done else data
