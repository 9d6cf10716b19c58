"""Where an archive goes on after a member that is damaged.

Magic bytes alone do not tell: they may be part of compressed data. A place is taken for the beginning of a member only
if the whole member that begins there can be decompressed, up to its end and its checksum. Nothing of it is kept.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from ndstream.logs._archives.decompressors import decompress, make_decompressor
from ndstream.logs._archives.formats import HEAD_SIZE, Compression
from ndstream.logs._archives.member_error import MemberError

_BLOCK_SIZE = 256 * 1024
_MAX_TRIALS = 64
"""So many places are tried at most: a file that is full of magic bytes cannot keep the reader."""

_SIGNATURES: dict[Compression, bytes] = {
    # The only method of compression is part of it.
    "gzip": b"\x1f\x8b\x08",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "lz4": b"\x04\x22\x4d\x18",
}


class Seekable(Protocol):
    """A file that can be read at any place."""

    def read(self, size: int, /) -> bytes: ...
    def seek(self, offset: int, /) -> None: ...


def find_next_member(stored: Seekable, start: int, compression: Compression, max_window: int | None) -> int | None:
    """Find the next whole member of a format.

    Args:
        stored: The file. Its position afterwards is undefined.
        start: Where to begin to look, in bytes of the file.
        compression: The format.
        max_window: How much memory decompressing may take, in bytes; None for no limit.

    Returns:
        Where the member begins; None if there is none, or too many places looked like one.
    """
    signature = _SIGNATURES[compression]
    trials = 0
    while trials < _MAX_TRIALS:
        place = _find(stored, start, signature)
        if place is None:
            return None
        if _is_whole_member(stored, place, compression, max_window):
            return place
        trials += 1
        start = place + 1
    return None


def _find(stored: Seekable, start: int, signature: bytes) -> int | None:
    stored.seek(start)
    tail = b""
    while block := stored.read(_BLOCK_SIZE):
        data = tail + block
        index = data.find(signature)
        if index >= 0:
            return start - len(tail) + index
        start += len(block)
        tail = data[-(len(signature) - 1) :]
    return None


def _is_whole_member(stored: Seekable, place: int, compression: Compression, max_window: int | None) -> bool:
    stored.seek(place)
    data = stored.read(_BLOCK_SIZE)
    with suppress(MemberError):
        decompressor = make_decompressor(compression, data[:HEAD_SIZE], max_window)
        while not decompressor.eof:
            if decompressor.needs_input and not data:
                return False
            decompress(decompressor, data, _BLOCK_SIZE)
            data = stored.read(_BLOCK_SIZE) if decompressor.needs_input and not decompressor.eof else b""
        return True
    return False
