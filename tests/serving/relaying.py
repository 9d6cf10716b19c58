"""Relays run to their end, sync and async, for each way in which the upstream is cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio

import ndstream
from inputs.cuts import cuts


class Upstream:
    """An async source: parts that come at once, and pauses of so many seconds between them. It counts its closings.

    An event or a future among the parts is waited for; an exception is raised.
    """

    def __init__(self, *parts: Any, status: int | None = None, headers: dict[str, str] | None = None) -> None:
        self.parts = list(parts)
        self.closed = 0
        self.taken = 0
        self.cancelled = 0
        self.headers = headers or {}
        if status is not None:
            self.status = status

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while self.parts:
            part = self.parts.pop(0)
            try:
                if isinstance(part, bytes):
                    self.taken += 1
                    return part
                if isinstance(part, BaseException):
                    raise part
                if isinstance(part, float):
                    await anyio.sleep(part)
                else:
                    await part.wait()
            except BaseException as error:
                self.cancelled += not isinstance(error, Exception)
                raise
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed += 1


class Response(Upstream):
    """The same in the shape of a response of a client library: a status, headers, and a body to iterate over."""

    def iter_bytes(self) -> AsyncIterator[bytes]:
        return self


class SyncResponse:
    """A response that is read by calling."""

    def __init__(self, *parts: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = headers or {}
        self.parts = parts
        self.closed = 0

    def iter_bytes(self) -> Any:
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            yield part

    def close(self) -> None:
        self.closed += 1


relayed: Callable[..., Any] = ndstream.relay
"""`ndstream.relay` of whatever is no source to the types, such as the responses above."""


async def collect(relay: Any) -> list[bytes]:
    return [message async for message in relay]


def sent(data: bytes, *args: Any, failure: Exception | None = None, **options: Any) -> bytes:
    """What a client gets for an upstream's bytes. It is the same for every cut, sync and async."""
    results: set[bytes] = set()
    for number, (name, chunks) in enumerate(cuts(data, two_way_most=100)):
        parts = [*chunks, *([failure] if failure is not None else [])]
        result = b"".join(relayed(_raising(parts), *args, **options))
        results.add(result)
        if number % 8 == 0:
            awaited = asyncio.run(collect(relayed(Upstream(*parts), *args, **options)))
            assert b"".join(awaited) == result, name
            assert all(awaited), "an empty message"
        assert len(results) == 1, name
    return results.pop()


def _raising(parts: list[Any]) -> Any:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


def run(main: Callable[[], Any]) -> Any:
    """Run a coroutine function under asyncio."""
    return asyncio.run(main())
