"""Where the members of an archive begin, found from their headers: only some archives have enough in these.

- BGZF, which bgzip writes: an extra field of each gzip header says how long the member is (SAM format, section 4.1).
- zstd: frames and their blocks begin with their sizes (RFC 8878, section 3.1.1). If a frame does not state the size of
  its content, it is decompressed for that.

Members without content are left out. Members that are damaged, and what follows them, belong to the last member that
was found.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

from ndstream.logs._archives.decompressors import decompress, make_decompressor
from ndstream.logs._archives.formats import HEAD_SIZE, compression_of, skippable_size
from ndstream.logs._archives.member_error import MemberError
from ndstream.logs._files.positions import Member

_BLOCK_SIZE = 1024 * 1024
_GZIP_HEADER_SIZE = 12
_GZIP_HAS_EXTRA = 4
_MAX_BGZF_HEADER_SIZE = _GZIP_HEADER_SIZE + 256
_ZSTD_RLE_BLOCK, _ZSTD_RESERVED_BLOCK = 1, 3


def bgzf_members(file: IO[bytes]) -> Iterator[Member]:
    """The members of a BGZF file, in order; none if it is another gzip file."""
    offset = place = 0
    while True:
        file.seek(place)
        size = _bgzf_size(file.read(_MAX_BGZF_HEADER_SIZE))
        if size is None:
            return
        file.seek(place + size - 4)
        content_size = file.read(4)
        if len(content_size) < 4:
            return
        if any(content_size):
            yield Member(offset, place)
        offset += int.from_bytes(content_size, "little")
        place += size


def _bgzf_size(header: bytes) -> int | None:
    """The size of the BGZF member that begins so; None if none does."""
    if len(header) < _GZIP_HEADER_SIZE or compression_of(header) != "gzip" or not header[3] & _GZIP_HAS_EXTRA:
        return None
    extra = header[_GZIP_HEADER_SIZE : _GZIP_HEADER_SIZE + int.from_bytes(header[10:12], "little")]
    while len(extra) >= 4:
        name, size = struct.unpack_from("<2sH", extra)
        if name == b"BC" and size == 2 and len(extra) >= 6:
            return int.from_bytes(extra[4:6], "little") + 1
        extra = extra[4 + size :]
    return None


def zstd_members(file: IO[bytes], max_window: int | None) -> Iterator[Member]:
    """The frames of a zstd file, in order."""
    offset = place = 0
    while True:
        file.seek(place)
        header = file.read(HEAD_SIZE)
        if (skipped := skippable_size(header)) is not None:
            place += skipped
            continue
        end = _zstd_frame_end(file, header, place)
        if end is None:
            return
        size = _zstd_content_size(header)
        if size is None:
            size = _decompressed_size(file, header, place, end, max_window)
        if size != 0:
            yield Member(offset, place)
        if size is None:
            return
        offset += size
        place = end


def _zstd_frame_end(file: IO[bytes], header: bytes, place: int) -> int | None:
    """Where the frame ends that begins here; None if none does, or it is damaged."""
    if len(header) < 6 or compression_of(header) != "zstd":
        return None
    _, header_size = _zstd_size_field(header)
    place += header_size
    is_last = False
    while not is_last:
        file.seek(place)
        block = file.read(3)
        if len(block) < 3:
            return None
        bits = int.from_bytes(block, "little")
        is_last, kind, size = bool(bits & 1), bits >> 1 & 3, bits >> 3
        if kind == _ZSTD_RESERVED_BLOCK:
            return None
        place += 3 + (1 if kind == _ZSTD_RLE_BLOCK else size)
    return place + (4 if header[4] & 4 else 0)


def _zstd_size_field(header: bytes) -> tuple[bytes, int]:
    """The bytes that state the size of the content, and the size of the header, which they end."""
    descriptor = header[4]
    single_segment = descriptor >> 5 & 1
    begin = 5 + (1 - single_segment) + (0, 1, 2, 4)[descriptor & 3]
    end = begin + (single_segment, 2, 4, 8)[descriptor >> 6]
    return header[begin:end], end


def _zstd_content_size(header: bytes) -> int | None:
    field, _ = _zstd_size_field(header)
    # A field of two bytes counts from 256 on.
    return int.from_bytes(field, "little") + (256 if len(field) == 2 else 0) if field else None


def _decompressed_size(file: IO[bytes], header: bytes, place: int, end: int, max_window: int | None) -> int | None:
    """How much content a frame has; None if it is damaged."""
    size = 0
    file.seek(place)
    with suppress(MemberError):
        decompressor = make_decompressor("zstd", header, max_window)
        while not decompressor.eof:
            data = file.read(min(_BLOCK_SIZE, end - file.tell())) if decompressor.needs_input else b""
            if decompressor.needs_input and not data:
                return None
            size += len(decompress(decompressor, data, _BLOCK_SIZE))
        return size
    return None
