"""The end of a file, found from its end: the size of the file does not matter."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

_BLOCK_SIZE = 64 * 1024


def find_last_line_end(file: io.FileIO, size: int) -> int:
    """The offset after the last LF in the first `size` bytes; 0 if there is none."""
    return last_line_end(partial(read_at, file), size)


def last_line_end(read: Callable[[int, int], bytes], size: int) -> int:
    """The same, for a file of which `read` gives so many bytes from an offset on."""
    end = size
    while end:
        start = max(0, end - _BLOCK_SIZE)
        if (index := read(end - start, start).rfind(b"\n")) >= 0:
            return start + index + 1
        end = start
    return 0


def read_at(file: io.FileIO, size: int, offset: int) -> bytes:
    """So many bytes from an offset on, fewer only at the end of the file."""
    file.seek(offset)
    pieces = []
    while size and (piece := file.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
