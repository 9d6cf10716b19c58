"""A server that answers as a test tells it, a client of each kind, and a time that passes only in waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import pytest

from doubles.scripted_clock import ScriptedClock
from ndstream import Event
from ndstream.serving import EventSource

EVENT_STREAM = {"Content-Type": "text/event-stream"}


class Clock(ScriptedClock):
    """Keeps the delays that were waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[float] = []

    def wait(self, seconds: float) -> None:
        if seconds > 0:
            self.delays.append(round(seconds, 6))
        super().wait(seconds)


class Answer:
    """A response that is sync and async, as its iteration asks.

    Args:
        chunks: Its body; an exception among them is raised, and what can be called is called.
    """

    def __init__(self, *chunks: Any, status: int = 200, headers: Any = EVENT_STREAM) -> None:
        self.chunks = chunks
        self.status_code = status
        self.headers = headers
        if headers is not None and all(isinstance(chunk, bytes) for chunk in chunks):
            self.headers = {**headers, "Content-Length": str(sum(map(len, chunks)))}
        self.closed = 0

    def each(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, BaseException):
                raise chunk
            if callable(chunk):
                chunk()
            else:
                yield chunk


class SyncResponse:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.status_code = answer.status_code
        self.headers = answer.headers

    def iter_bytes(self) -> Iterator[bytes]:
        return self.answer.each()

    def close(self) -> None:
        self.answer.closed += 1


class AwaitedChunks:
    """No async generator, since trio wants those to be closed."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self.chunks:
            return chunk
        raise StopAsyncIteration


class AsyncResponse:
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.status_code = answer.status_code
        self.headers = answer.headers

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        return AwaitedChunks(self.answer.each())

    async def aclose(self) -> None:
        self.answer.closed += 1


class Server:
    """Gives its answers one after the other; an exception among them is raised. After them come 204s.

    Attributes:
        requests: The headers of each request.
        last_events: The last event as each request was told it.
        entered: How many contexts were entered and not left.
    """

    def __init__(self, *answers: Answer | BaseException) -> None:
        self.answers = list(answers)
        self.given: list[Answer] = []
        self.requests: list[dict[str, str]] = []
        self.last_events: list[Event | None] = []
        self.entered = 0
        self._contexts: list[Any] = []

    def keeping(self, context: Any) -> Any:
        """The context, which is left by its `__exit__` alone, and not since nobody refers to it any more."""
        self._contexts.append(context)
        return context

    @property
    def ids(self) -> list[str | None]:
        return [headers.get("Last-Event-ID") for headers in self.requests]

    def answer(self, headers: dict[str, str], last_event: Event | None = None) -> Answer:
        self.requests.append(headers)
        self.last_events.append(last_event)
        answer = self.answers.pop(0) if self.answers else Answer(status=204)
        if isinstance(answer, BaseException):
            raise answer
        self.given.append(answer)
        return answer


def sync_response(server: Server) -> Any:
    return lambda headers, last_event: SyncResponse(server.answer(headers, last_event))


def sync_context(server: Server) -> Any:
    @contextmanager
    def context(headers: dict[str, str], last_event: Event | None) -> Iterator[SyncResponse]:
        response = SyncResponse(server.answer(headers, last_event))
        server.entered += 1
        try:
            yield response
        finally:
            server.entered -= 1
            response.close()

    def connect(headers: dict[str, str], last_event: Event | None) -> Any:
        return server.keeping(context(headers, last_event))

    return connect


def async_response(server: Server) -> Any:
    return lambda headers, last_event: AsyncResponse(server.answer(headers, last_event))


def awaited_response(server: Server) -> Any:
    async def connect(headers: dict[str, str], last_event: Event | None) -> AsyncResponse:
        await asyncio.sleep(0)
        return AsyncResponse(server.answer(headers, last_event))

    return connect


def async_context(server: Server) -> Any:
    @asynccontextmanager
    async def context(headers: dict[str, str], last_event: Event | None) -> AsyncIterator[AsyncResponse]:
        response = AsyncResponse(server.answer(headers, last_event))
        server.entered += 1
        try:
            yield response
        finally:
            server.entered -= 1
            await response.aclose()

    def connect(headers: dict[str, str], last_event: Event | None) -> Any:
        return server.keeping(context(headers, last_event))

    return connect


def awaited_context(server: Server) -> Any:
    inner = async_context(server)

    async def connect(headers: dict[str, str], last_event: Event | None) -> Any:
        return inner(headers, last_event)

    return connect


class Outcome(NamedTuple):
    events: list[Event]
    error: Exception | None
    source: EventSource
    delays: list[float]

    @property
    def data(self) -> list[str]:
        return [event.data for event in self.events]


Way = Callable[[Server], Any]
WAYS: list[Way] = [sync_response, sync_context, async_response, awaited_response, async_context, awaited_context]
each_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def run(way: Way, server: Server, *, most: int = 10_000, **options: Any) -> Outcome:
    """Iterate over a source until it ends, raises or has brought so many events, and close it."""
    clock = Clock()
    options.setdefault("random", lambda: 0.0)
    source = EventSource(way(server), clock=clock, **options)
    events: list[Event] = []
    error: Exception | None = None

    def iterate() -> None:
        with source:
            for event in source:
                events.append(event)
                if len(events) == most:
                    return

    async def iterate_async() -> None:
        async with source:
            async for event in source:
                events.append(event)
                if len(events) == most:
                    return

    try:
        if way in (sync_response, sync_context):
            iterate()
        else:
            asyncio.run(iterate_async())
    except Exception as raised:
        error = raised
    for answer in server.given:
        assert answer.closed, "a response was not released"
    assert not server.entered, "a context was not left"
    return Outcome(events, error, source, clock.delays)
