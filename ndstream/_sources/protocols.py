"""The kinds of sources, as a type checker can tell them: by the methods that they offer.

Responses of httpx and of curl_cffi are of one class whether their client is sync or async: those are
an `EitherSource`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from ndstream._sources.opened_source import Chunk


@runtime_checkable
class SupportsRead(Protocol):
    """A binary file, pipe or similar: ``read(size)`` gives at most ``size`` bytes, b"" at the end."""

    def read(self, size: int, /) -> bytes | None: ...


class SupportsRecv(Protocol):
    """A socket."""

    def recv(self, size: int, /) -> bytes: ...
    def recv_into(self, buffer: Any, /) -> int: ...


class SupportsReceiveSome(Protocol):
    """A byte stream of trio."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray: ...


class SupportsIterAny(Protocol):
    """A stream of aiohttp."""

    def iter_any(self) -> AsyncIterator[bytes]: ...


class SupportsContent(Protocol):
    """A response of aiohttp."""

    @property
    def content(self) -> SupportsIterAny: ...
    def release(self) -> Any: ...


class SupportsStream(Protocol):
    """A request of Starlette, and so of FastAPI."""

    def stream(self) -> AsyncIterator[bytes]: ...
    @property
    def receive(self) -> Any: ...


class SupportsReadBytes(Protocol):
    """A stream of tornado."""

    def read_bytes(self, num_bytes: int, partial: bool = False) -> Awaitable[bytes]: ...
    def reading(self) -> bool: ...


class SupportsIterBytes(Protocol):
    """A response of httpx."""

    def iter_bytes(self) -> Iterator[bytes]: ...
    def aiter_bytes(self) -> AsyncIterator[bytes]: ...


class SupportsIterContent(Protocol):
    """A response of curl_cffi."""

    def iter_content(self) -> Any: ...
    def aiter_content(self) -> Any: ...


SyncSource: TypeAlias = "Iterable[Chunk] | SupportsRead | SupportsRecv | os.PathLike[str] | Chunk"
AsyncSource: TypeAlias = (
    "AsyncIterable[Chunk] | SupportsContent | SupportsIterAny | SupportsStream | SupportsReceiveSome"
    " | SupportsReadBytes | Callable[[], Awaitable[MutableMapping[str, Any]]]"
)
EitherSource: TypeAlias = "SupportsIterBytes | SupportsIterContent"
