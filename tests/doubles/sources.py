"""Sources that are made by hand: they count how often they are closed, and fail where a test wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio


class Source:
    """An iterator of chunks that counts how often it is closed, and may fail."""

    def __init__(self, *chunks: bytes | BaseException) -> None:
        self.chunks = list(chunks)
        self.closed = 0

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> bytes:
        if not self.chunks:
            raise StopIteration
        chunk = self.chunks.pop(0)
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk

    def close(self) -> None:
        self.closed += 1


class AsyncChunks:
    """An async iterable that is no generator, and counts how often it is closed."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.closed = 0

    def __aiter__(self) -> AsyncChunks:
        return self

    async def __anext__(self) -> bytes:
        await anyio.sleep(0)
        if not self.chunks:
            raise StopAsyncIteration
        return self.chunks.pop(0)

    async def aclose(self) -> None:
        self.closed += 1


async def chunks_and_a_wait(*chunks: bytes, released: list[str]) -> AsyncIterator[bytes]:
    """Chunks, and then a wait that only a cancellation or a close ends; at its end it says "released"."""
    try:
        for chunk in chunks:
            yield chunk
        await anyio.sleep(60)
    finally:
        released.append("released")


class Failing(AsyncChunks):
    """Fails where its chunks end."""

    def __init__(self, *chunks: bytes, failure: BaseException) -> None:
        super().__init__(*chunks)
        self.failure = failure

    async def __anext__(self) -> bytes:
        if not self.chunks:
            raise self.failure
        return await super().__anext__()


class Response:
    """A response of httpx as far as it is needed."""

    def __init__(self, chunks: list[bytes] | bytes, headers: Any) -> None:
        self.chunks = [chunks] if isinstance(chunks, bytes) else chunks
        self.headers = headers
        self.stream: list[bytes] = []
        self.closed = 0

    def iter_bytes(self) -> Iterator[bytes]:
        return iter(self.chunks)

    def aiter_bytes(self) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1


class AsyncResponse(Response):
    """The same of an async client."""

    def __init__(self, chunks: list[bytes] | bytes, headers: Any) -> None:
        super().__init__(chunks, headers)
        self.stream = AsyncBytes()  # type: ignore[assignment]

    async def aiter_bytes(self) -> Any:
        for chunk in self.chunks:
            yield chunk

    async def aclose(self) -> None:
        self.closed += 1


class AsyncBytes:
    """What says that a response of httpx is async."""

    def __aiter__(self) -> AsyncBytes:
        return self


def content_type(name: str) -> dict[str, str]:
    return {"Content-Type": name}
