"""A decompressor for each format, all with the same methods: those of `bz2.BZ2Decompressor`.

Libraries are imported when an archive of their format is met. What they raise becomes a `MemberError`.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from ndstream.logs._archives.formats import Compression
from ndstream.logs._archives.gzip_member import GzipMember, ZlibInflater
from ndstream.logs._archives.member_error import MemberError

_MODULES = {
    "bz2": "bz2",
    "xz": "lzma",
    "lz4": "lz4.frame",
    "zstd": "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
}
_MIN_WINDOW_LOG, _MAX_WINDOW_LOG = 10, 31
# What lzma needs beside its dictionary is far below this.
_LZMA_OVERHEAD = 1024 * 1024


class Decompressor(Protocol):
    """Decompresses one member, frame or stream."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether `decompress` gives nothing more without further input."""

    @property
    def unused_data(self) -> bytes | None:
        """What followed the member in the input; lz4 says None for nothing."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so many bytes of the content."""


def make_decompressor(
    compression: Compression, head: bytes, max_window: int | None, *, exact: bool = False
) -> Decompressor:
    """Make the decompressor for a member.

    Args:
        compression: The member's format.
        head: The member's first `HEAD_SIZE` bytes.
        max_window: How much memory its window or dictionary may take, in bytes; None for no limit.
        exact: Whether each call has to give all content that precedes an error, even if that is slower.

    Raises:
        MemberError: The window is too large, or the member was made with a dictionary.
        ModuleNotFoundError: The library for the format is missing. The message says what to install.
    """
    if compression == "gzip":
        return GzipMember(ZlibInflater() if exact else _inflater())
    if compression == "bz2":
        decompressor: Decompressor = _library(_MODULES["bz2"], compression).BZ2Decompressor()
    elif compression == "xz":
        lzma = _library(_MODULES["xz"], compression)
        memory = None if max_window is None else max_window + _LZMA_OVERHEAD
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory)
    elif compression == "lz4":
        _check_lz4_header(head)
        decompressor = _library(_MODULES["lz4"], compression).LZ4FrameDecompressor()
    else:
        _check_zstd_header(head, max_window)
        zstd = _library(_MODULES["zstd"], compression)
        log = _MAX_WINDOW_LOG if max_window is None else (max_window - 1).bit_length()
        log = min(max(log, _MIN_WINDOW_LOG), _MAX_WINDOW_LOG)
        decompressor = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: log})
    return decompressor


def check_library(compression: Compression) -> None:
    """Import the library for a format, so that a missing one is reported before anything is read.

    Raises:
        ModuleNotFoundError: It is missing. The message says what to install.
    """
    if compression != "gzip":
        _library(_MODULES[compression], compression)


def decompress(decompressor: Decompressor, data: bytes, max_length: int) -> bytes:
    """Call a decompressor.

    Raises:
        MemberError: The member is damaged, or needs too much memory.
    """
    try:
        return decompressor.decompress(data, max_length)
    except (MemberError, MemoryError):
        raise
    except Exception as error:
        # Each library has an error of its own, and lz4 a bare RuntimeError.
        words = f"{type(error).__name__}: {error}"
        reason = "corrupt"
        if "checksum" in words.lower():
            reason = "checksum"
        elif "Memory usage limit" in words:
            reason, words = "window_too_large", "its dictionary is larger than max_window allows"
        raise MemberError(reason, words) from error


def _inflater() -> Any:
    """The fastest inflater there is."""
    isal = _isal()
    return ZlibInflater() if isal is None else isal.IgzipDecompressor(flag=isal.DECOMP_GZIP_NO_HDR)


@cache
def _isal() -> Any:
    """isal's library for gzip; None if it is missing, which takes longer to find out than a short member to read."""
    try:
        from isal import igzip_lib
    except ModuleNotFoundError:
        return None
    return igzip_lib


def _library(module: str, compression: Compression) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        advice = (
            "this Python was built without it"
            if module.partition(".")[0] in sys.stdlib_module_names
            else "pip install 'ndstream[logs]'"
        )
        raise ModuleNotFoundError(
            f"to read {compression} archives takes the module {module}: {advice}", name=error.name
        ) from None


def _check_zstd_header(head: bytes, max_window: int | None) -> None:
    """Refuse what cannot be decompressed before it is tried (RFC 8878, section 3.1.1.1)."""
    if len(head) < 6:
        return
    descriptor = head[4]
    single_segment = descriptor >> 5 & 1
    place = 5
    window = 0
    if not single_segment:
        exponent, mantissa = head[place] >> 3, head[place] & 7
        base = 1 << (10 + exponent)
        window = base + base // 8 * mantissa
        place += 1
    id_size = (0, 1, 2, 4)[descriptor & 3]
    dictionary = int.from_bytes(head[place : place + id_size], "little")
    place += id_size
    if single_segment:
        # The window is the whole content, whose size follows.
        flag = descriptor >> 6
        size = (1, 2, 4, 8)[flag]
        window = int.from_bytes(head[place : place + size], "little") + (256 if flag == 1 else 0)
    if dictionary:
        raise MemberError("dictionary", f"it was compressed with the dictionary {dictionary}, which is not part of it")
    if max_window is not None and window > max_window:
        raise MemberError("window_too_large", f"decompressing it takes a window of {window:,} bytes")


def _check_lz4_header(head: bytes) -> None:
    """Refuse a frame that was made with a dictionary (LZ4 frame format 1.6, FLG bit 0)."""
    if len(head) < 7 or not head[4] & 1:
        return
    place = 6 + (8 if head[4] & 8 else 0)
    dictionary = int.from_bytes(head[place : place + 4], "little")
    raise MemberError("dictionary", f"it was compressed with the dictionary {dictionary}, which is not part of it")
