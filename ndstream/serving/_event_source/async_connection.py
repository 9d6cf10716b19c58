"""`AsyncConnection`: one answer to an async client's request, from the request to its release."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from ndstream._core import Event, SSEDecoder
from ndstream._errors import IdleTimeoutError
from ndstream._sources import open_source
from ndstream._sources.event_loops import move_on_after
from ndstream._sources.opened_source import Chunk, OpenedAsyncSource, any_closer
from ndstream._streams.async_stream import AsyncStream
from ndstream._streams.in_memory_stream import InMemoryStream
from ndstream.serving._async_release import AsyncRelease
from ndstream.serving._event_source.sync_connection import READ_OPTIONS
from ndstream.serving._upstream_error import MAX_BODY, MAX_BODY_SECONDS, status_of


class AsyncConnection:
    """What ``connect`` returned, awaited and entered as far as it can be.

    Attributes:
        response: The response.
        status: Its status; None if it has none.
        headers: Its headers; None if it has none.
        stream: Its events, once it was opened.
    """

    def __init__(self, response: Any, context_exit: Callable[[], Awaitable[object]] | None) -> None:
        self.stream: AsyncStream[Event] | InMemoryStream[Event] | None = None
        self.response = response
        # No method of this object, so that a connection which is dropped is released at once and not by the collector.
        self._closes = [any_closer(response) if context_exit is None else context_exit]
        self._has_context = context_exit is not None
        self._release = AsyncRelease(partial(_close_all, self._closes))

    # Asked for while the connection is looked at, and not before: whatever a client raises here, it is released.

    @property
    def status(self) -> int | None:
        return status_of(self.response)

    @property
    def headers(self) -> Any:
        return getattr(self.response, "headers", None)

    @classmethod
    async def of(cls, returned: Any) -> AsyncConnection:
        """The connection of what ``connect`` returned: a response, a context manager of one, or what awaits either."""
        if not hasattr(returned, "__aenter__") and hasattr(returned, "__await__"):
            returned = await returned
        if hasattr(returned, "__aenter__"):
            response = await returned.__aenter__()
            return cls(response, None if response is returned else partial(returned.__aexit__, None, None, None))
        if hasattr(returned, "__enter__"):
            response = returned.__enter__()
            return cls(response, None if response is returned else partial(_exit, returned))
        return cls(returned, None)

    def open(self, decoder: SSEDecoder[Event], read_timeout: float | None) -> None:
        """Begin to read events.

        Raises:
            TypeError: The response is sync, or nothing that bytes can be read from.
        """
        opened = open_source(self.response)
        if isinstance(opened, OpenedAsyncSource):
            if read_timeout is not None:
                opened = opened._replace(chunks=_ReadsInTime(opened.chunks, read_timeout))
        elif not opened.in_memory:
            raise TypeError("connect gives a sync response: iterate with `for`, or use an async client in it")
        stream = READ_OPTIONS.stream(opened, decoder)
        # The stream closes the response itself; a context is left after it.
        self._closes[:] = [stream.aclose, *(self._closes if self._has_context else [])]
        self.stream = stream

    async def release(self) -> None:
        """Release it within a bounded time, although the task may be being cancelled."""
        await self._release.release_shielded()

    async def body(self) -> bytes:
        """The first bytes of an answer that is no stream, as far as they come soon."""
        body = b""
        with suppress(Exception), move_on_after(MAX_BODY_SECONDS):
            opened = open_source(self.response)
            if isinstance(opened, OpenedAsyncSource):
                while len(body) < MAX_BODY:
                    body += await opened.chunks.__anext__()
            elif opened.in_memory:
                body = b"".join(opened.chunks)
            # A sync response is not read: it would keep the event loop from everything else.
        return body[:MAX_BODY]


async def _close_all(closes: list[Callable[[], Awaitable[object]]]) -> None:
    for close in closes:
        with suppress(Exception):
            await close()


async def _exit(context: Any) -> None:
    context.__exit__(None, None, None)


class _ReadsInTime(AsyncIterator[Chunk]):
    """The chunks of a source, each of which has so many seconds to come."""

    def __init__(self, chunks: AsyncIterator[Chunk], seconds: float) -> None:
        self._chunks = chunks
        self._seconds = seconds

    async def __anext__(self) -> Chunk:
        with move_on_after(self._seconds):
            return await self._chunks.__anext__()
        raise IdleTimeoutError(self._seconds)
