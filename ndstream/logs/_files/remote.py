"""Files at URLs, through fsspec: by ranged reads if the server has them, else as one stream.

Each block is one request, so that nothing is read twice and an archive is resumed without its beginning.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ndstream.logs._files.stored_bytes import shrank

_BLOCK_SIZE = 4 * 1024 * 1024
_ERRORS = {401: errno.EACCES, 403: errno.EACCES, 404: errno.ENOENT, 410: errno.ENOENT}
"""What statuses of HTTP come to."""


class StoredRemote:
    """A file at a URL.

    Args:
        url: Where it is, in any form that fsspec knows.
        options: What fsspec is to know besides, such as credentials.

    Raises:
        FileNotFoundError: There is nothing.
        ModuleNotFoundError: fsspec is missing, or what it needs for this kind of URL.
        ValueError: fsspec does not know this kind of URL.
    """

    is_remote: bool = True

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._files, self._place = _file_system(url, options)
        self.path: str | None = url
        self.offset = 0
        self._reads_ranges = True
        with _saying_why(url):
            self._file: Any = self._files.open(self._place, "rb", block_size=_BLOCK_SIZE, cache_type="none")
        size = getattr(self._file, "size", None)
        self.size: int | None = size if isinstance(size, int) else None
        self.seekable = bool(self._file.seekable())

    def read(self, size: int, /) -> bytes:
        try:
            with _saying_why(self.path):
                block: bytes = self._file.read(max(size, _BLOCK_SIZE))
        except ValueError:
            if not self._reads_ranges:
                raise
            # The server sends the whole file, whatever range is asked for.
            with _saying_why(self.path):
                self._stream(self.offset)
                block = self._file.read(_BLOCK_SIZE)
        self.offset += len(block)
        if not block and self.size is not None and self.offset < self.size:
            raise shrank(self.path, self.size, self.offset)
        return block

    def _stream(self, offset: int) -> None:
        """Begin again without ranges, and go on at this place."""
        self._file.close()
        self._reads_ranges = self.seekable = False
        self._file = self._files.open(self._place, "rb", block_size=0)
        self.offset = 0
        self._skip_to(offset)

    def _skip_to(self, offset: int) -> None:
        while self.offset < offset and (block := self._file.read(min(_BLOCK_SIZE, offset - self.offset))):
            self.offset += len(block)

    def seek(self, offset: int, /) -> None:
        if self._reads_ranges and self.seekable:
            self._file.seek(offset)
            self.offset = offset
        elif offset < self.offset:
            with _saying_why(self.path):
                self._stream(offset)
        else:
            with _saying_why(self.path):
                self._skip_to(offset)

    def close(self) -> object:
        return self._file.close()


def is_url(name: str) -> bool:
    """Whether this is a URL and no path.

    Example:
        >>> is_url("s3://bucket/app.log"), is_url("logs/app.log")
        (True, False)
    """
    return "://" in name


def matching_urls(pattern: str, options: dict[str, Any]) -> list[str]:
    """The URLs that a pattern with ``*`` matches."""
    files, place = _file_system(pattern, options)
    with _saying_why(pattern):
        return [files.unstrip_protocol(match) for match in files.glob(place)]


def check_url(url: str) -> None:
    """Refuse a URL of a kind that cannot be read, whatever there is.

    Raises:
        ModuleNotFoundError: fsspec is missing, or what it needs for this kind of URL.
        ValueError: fsspec does not know this kind of URL.
    """
    _file_system(url, {})


@contextmanager
def _saying_why(url: str | None) -> Iterator[None]:
    """Give errors their form and their reason: a server that is away is no missing file, and each is an OSError."""
    try:
        yield
    except FileNotFoundError as error:
        if error.errno is not None:
            raise
        cause = error.__cause__
        if _is_of_aiohttp(cause):
            # fsspec takes whatever a server says, or that it says nothing, for a file that is missing.
            raise _system_error(cause, url) from cause
        raise FileNotFoundError(errno.ENOENT, str(cause or "") or os.strerror(errno.ENOENT), url) from error
    except Exception as error:
        # What aiohttp says of an answer or of a body that was cut is no OSError, as a failed read is elsewhere.
        if isinstance(error, OSError) or not _is_of_aiohttp(error):
            raise
        raise _system_error(error, url) from error


def _is_of_aiohttp(error: BaseException | None) -> bool:
    return type(error).__module__.startswith("aiohttp.")


def _system_error(error: BaseException | None, url: str | None) -> OSError:
    number = _ERRORS.get(getattr(error, "status", 0), errno.EIO)
    return OSError(number, f"{type(error).__name__}: {error}", url)


def _file_system(url: str, options: dict[str, Any]) -> tuple[Any, str]:
    try:
        url_to_fs = import_module("fsspec.core").url_to_fs
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "to read URLs takes the module fsspec: pip install 'ndstream[remote]'", name=error.name
        ) from None
    if url.startswith(("http://", "https://")):
        # Otherwise a server may compress what it sends, and its sizes and ranges are those of something else.
        options = {"headers": {"Accept-Encoding": "identity"}, **options}
    try:
        files, place = url_to_fs(url, **options)
    except ImportError as error:
        name = getattr(error.__cause__, "name", None)
        if name is None:
            raise
        kind = url.partition("://")[0]
        raise ModuleNotFoundError(
            f"to read {kind}:// URLs takes the module {name}: pip install {name}", name=name
        ) from error
    return files, place
