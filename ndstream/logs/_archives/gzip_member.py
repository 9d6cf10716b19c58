"""One member of a gzip file (RFC 1952), decompressed so that all its content comes out before its checksum is judged.

The decompressors of the libraries check the checksum in the call that gives the last content, which is then lost.
Here the deflated bytes alone go to the library, and the header and the trailer are read separately.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from ndstream.logs._archives.member_error import MemberError

_FIXED_HEADER_SIZE = 10
_TRAILER_SIZE = 8
_MAX_HEADER_SIZE = 1024 * 1024
_DEFLATE = 8
_HAS_CHECKSUM, _HAS_EXTRA, _HAS_NAME, _HAS_COMMENT, _RESERVED = 0x02, 0x04, 0x08, 0x10, 0xE0


class Inflater(Protocol):
    """What decompresses deflated bytes without header and trailer, and adds up their CRC-32."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def crc(self) -> int: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class ZlibInflater:
    """An `Inflater` of the standard library."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(-zlib.MAX_WBITS)
        self._tail = b""
        self.needs_input = True
        self.crc = 0

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        content = self._object.decompress(self._tail + data if self._tail else data, max_length)
        self._tail = self._object.unconsumed_tail
        # A call that gives as much as it may can have more without further input.
        self.needs_input = not self._tail and len(content) < max_length
        self.crc = zlib.crc32(content, self.crc)
        return content


class GzipMember:
    """A decompressor of one member, with the methods of those in the standard library (`bz2.BZ2Decompressor`).

    Args:
        inflater: What decompresses the deflated bytes.

    Raises:
        MemberError: From `decompress`: the header makes no sense, or the checksum or length is wrong.

    Example:
        >>> import gzip
        >>> GzipMember(ZlibInflater()).decompress(gzip.compress(b"content"), 100)
        b'content'
    """

    def __init__(self, inflater: Inflater) -> None:
        self._inflater = inflater
        self._header: bytes | None = b""
        self._trailer = b""
        self._size = 0
        self.eof = False
        self.unused_data = b""

    @property
    def needs_input(self) -> bool:
        """Whether `decompress` gives nothing more without further input."""
        if self._header is not None:
            return True
        return len(self._trailer) < _TRAILER_SIZE if self._inflater.eof else self._inflater.needs_input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so much of the content; further input may only be given when `needs_input` says so."""
        if self._header is not None:
            self._header += data
            size = _header_size(self._header)
            if size is None:
                return b""
            data, self._header = self._header[size:], None
        if not self._inflater.eof:
            content = self._inflater.decompress(data, max_length)
            self._size += len(content)
            if self._inflater.eof:
                self._trailer = self._inflater.unused_data
            # The trailer is for the next call: an error in this one would lose the content.
            return content
        self._trailer += data
        if len(self._trailer) >= _TRAILER_SIZE:
            self._check_trailer()
            self.eof = True
            self.unused_data = self._trailer[_TRAILER_SIZE:]
        return b""

    def _check_trailer(self) -> None:
        crc, size = (int.from_bytes(self._trailer[begin : begin + 4], "little") for begin in (0, 4))
        if crc != self._inflater.crc:
            raise MemberError(
                "checksum", f"the content has the CRC-32 {self._inflater.crc:08x}, not the stored {crc:08x}"
            )
        if size != self._size & 0xFFFFFFFF:
            raise MemberError("checksum", f"the content has {self._size} bytes, not the stored {size} (modulo 4 GiB)")


def _header_size(data: bytes) -> int | None:
    """The size of the header that begins so; None if it is not whole (RFC 1952, section 2.3)."""
    if len(data) < _FIXED_HEADER_SIZE:
        return None
    method, flags = data[2], data[3]
    if method != _DEFLATE or flags & _RESERVED:
        raise MemberError("corrupt", f"its header asks for compression method {method} with flags {flags:#04x}")
    size = _FIXED_HEADER_SIZE
    if flags & _HAS_EXTRA:
        size += 2 + int.from_bytes(data[size : size + 2], "little")
    for flag in (_HAS_NAME, _HAS_COMMENT):
        if flags & flag:
            end = data.find(b"\x00", size)
            if end < 0:
                if len(data) > _MAX_HEADER_SIZE:
                    raise MemberError("corrupt", "the name or comment in its header does not end")
                return None
            size = end + 1
    if flags & _HAS_CHECKSUM:
        size += 2
        if (
            size <= len(data)
            and int.from_bytes(data[size - 2 : size], "little") != zlib.crc32(data[: size - 2]) & 0xFFFF
        ):
            raise MemberError("checksum", "the checksum of its header is wrong")
    return size if size <= len(data) else None
