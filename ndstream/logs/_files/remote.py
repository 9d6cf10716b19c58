"""Files at URLs, through fsspec: by ranged reads if the server has them, else as one stream.

Each block is one request, so that nothing is read twice and an archive is resumed without its beginning.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ndstream.logs._files.stored_bytes import shrank

_BLOCK_SIZE = 4 * 1024 * 1024


class StoredRemote:
    """A file at a URL.

    Args:
        url: Where it is, in any form that fsspec knows.
        options: What fsspec is to know besides, such as credentials.

    Raises:
        FileNotFoundError: There is nothing.
        ModuleNotFoundError: fsspec is missing.
        ImportError: What fsspec needs for this kind of URL is missing.
        ValueError: fsspec does not know this kind of URL.
    """

    is_remote: bool = True

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._files, self._place = _file_system(url, options)
        self.path: str | None = url
        self.offset = 0
        self._reads_ranges = True
        self._file: Any = self._files.open(self._place, "rb", block_size=_BLOCK_SIZE, cache_type="none")
        size = getattr(self._file, "size", None)
        self.size: int | None = size if isinstance(size, int) else None
        self.seekable = bool(self._file.seekable())

    def read(self, size: int, /) -> bytes:
        try:
            block: bytes = self._file.read(max(size, _BLOCK_SIZE))
        except ValueError:
            if not self._reads_ranges:
                raise
            # The server sends the whole file, whatever range is asked for.
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
            self._stream(offset)
        else:
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
    return [files.unstrip_protocol(match) for match in files.glob(place)]


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
    files, place = url_to_fs(url, **options)
    return files, place
