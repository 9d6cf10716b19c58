"""The bytes of a file as they are stored: blocks from a path or a binary file, and whether one can go back in it."""

from __future__ import annotations

import io
import os
import stat
from typing import Any, Protocol

from ndstream._sources import open_source
from ndstream._sources.opened_source import OpenedAsyncSource, OpenedSyncSource
from ndstream.logs._errors import LogFileTruncatedError


class Stored(Protocol):
    """Blocks of stored bytes.

    Attributes:
        path: The file's path or name; None if it has none.
        size: Its size in bytes when it was opened; None if it has none, as a pipe.
        offset: Where the next block begins, in bytes.
        seekable: Whether `seek` works.
        is_remote: Whether each read waits for another machine.
    """

    path: str | None
    size: int | None
    offset: int
    seekable: bool
    is_remote: bool

    def read(self, size: int, /) -> bytes:
        """The next block of about so many bytes at most; b"" at the end.

        Raises:
            OSError: It cannot be read.
            LogFileTruncatedError: The file has become shorter than what was read of it.
        """

    def seek(self, offset: int, /) -> None:
        """Go to a place, in bytes from the start."""

    def close(self) -> object:
        """Release the file."""


class StoredFile:
    """A file at a path, read without a buffer: a block is read into one object, with no copy between."""

    is_remote: bool = False

    def __init__(self, path: str) -> None:
        self._file = io.FileIO(path)
        self.path: str | None = path
        self.offset = 0
        status = os.fstat(self._file.fileno())
        self.seekable = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self.seekable else None

    def read(self, size: int, /) -> bytes:
        block = self._file.read(size)
        self.offset += len(block)
        if block and self.size == 0 and not os.fstat(self._file.fileno()).st_size:
            # What the system makes up while it is read, as in /proc, has content and no size.
            self.size = None
        if not block and self.size is not None:
            self._check_size()
        return block

    def _check_size(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size < self.offset:
            raise shrank(self.path, self.offset, size)

    def seek(self, offset: int, /) -> None:
        self._file.seek(offset)
        self.offset = offset

    def close(self) -> None:
        self._file.close()


class StoredChunks:
    """A binary file, or whatever else `ndstream.ndjson` can read from.

    Offsets count from where the file is when it is handed over.
    """

    is_remote: bool = False
    size: int | None = None

    def __init__(self, source: Any) -> None:
        opened = _open(source)
        self.close = opened.close
        self._chunks = opened.chunks
        name = getattr(source, "name", None)
        self.path = name if isinstance(name, str) else None
        self.offset = 0
        self._source = source
        self.seekable = _is_seekable(source)
        self._start = source.tell() if self.seekable else 0

    def read(self, size: int, /) -> bytes:
        for chunk in self._chunks:
            # An empty chunk of an iterable is not its end.
            if chunk:
                self.offset += len(chunk)
                return bytes(chunk)
        return b""

    def seek(self, offset: int, /) -> None:
        self._source.seek(self._start + offset)
        self.offset = offset
        self._chunks = _open(self._source).chunks


def _open(source: Any) -> OpenedSyncSource:
    opened = open_source(source)
    if isinstance(opened, OpenedAsyncSource):
        raise TypeError(f"logs are read by calling, and {type(source).__name__} is awaited: use ndstream.ndjson()")
    return opened


def _is_seekable(source: Any) -> bool:
    try:
        return bool(source.seekable())
    except (AttributeError, OSError, ValueError):
        return False


def shrank(path: str | None, offset: int, size: int) -> LogFileTruncatedError:
    """The error for a file that became shorter than what was read of it."""
    return LogFileTruncatedError(
        f"{path} became shorter while it was read: {offset:,} bytes were read, and now it has {size:,}; it may have "
        "been truncated by a rotation (copytruncate)",
        reason="shrank",
        path=path,
        compressed_offset=offset,
        decompressed_offset=offset,
    )
