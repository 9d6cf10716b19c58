"""What a user hands over (sources, callbacks, clocks, requests), each call of which can be made to fail."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timezone
from pathlib import Path
from typing import Any, TypeVar

import ndstream
from doubles.sources import AsyncBytes
from failures.uses import BAD_LINES, CHAT, EVENTS, JSON_EVENTS
from ndstream import llm, logs, serving

SourceT = TypeVar("SourceT", bound="Source")


class Fault:
    """Counts the calls of what the user handed over, and fails in one of them.

    Args:
        number: Which call fails; None for none.
        error: What it raises.
    """

    def __init__(self, number: int | None = None, error: BaseException | None = None) -> None:
        self.number = number
        self.error = error
        self.calls = 0
        self.raised_in = ""
        self.values: list[Any] = []
        self.handled: list[BaseException] = []
        self.sources: list[Source] = []

    def step(self, name: str) -> None:
        self.calls += 1
        if self.calls - 1 == self.number:
            self.raised_in = name
            assert self.error is not None
            raise self.error

    def in_calls(self, name: str, function: Callable[..., Any] = lambda *arguments: None) -> Callable[..., Any]:
        """The function, which counts its calls."""

        def called(*arguments: Any, **options: Any) -> Any:
            self.step(name)
            return function(*arguments, **options)

        return called

    def response(self, data: bytes, size: int = 30) -> Source:
        """A response with this body."""
        return self._kept(Source(self, [data[at : at + size] for at in range(0, len(data), size)]))

    def async_response(self, data: bytes, size: int = 30) -> AsyncSource:
        """The same of an async client."""
        return self._kept(AsyncSource(self, [data[at : at + size] for at in range(0, len(data), size)]))

    def _kept(self, source: SourceT) -> SourceT:
        self.sources.append(source)
        return source


class Source:
    """A response, sync and async; a call to anything of it may fail."""

    status_code = 200

    def __init__(self, fault: Fault, chunks: list[bytes]) -> None:
        self.fault = fault
        self.chunks = chunks
        self.closed = 0
        # What says to which kind of client a response of httpx belongs.
        self.stream: Any = []

    @property
    def headers(self) -> dict[str, str]:
        self.fault.step("headers")
        return {"Content-Type": "text/event-stream"}

    def iter_bytes(self) -> Iterator[bytes]:
        self.fault.step("iter_bytes")
        return iter(Chunks(self))

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1
        self.fault.step("close")


class AsyncSource(Source):
    """The same for async code."""

    def __init__(self, fault: Fault, chunks: list[bytes]) -> None:
        super().__init__(fault, chunks)
        self.stream = AsyncBytes()

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        self.fault.step("aiter_bytes")
        return Chunks(self)

    async def aclose(self) -> None:
        self.closed += 1
        self.fault.step("aclose")


class Chunks:
    """The chunks of a source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.left = list(source.chunks)

    def __iter__(self) -> Chunks:
        return self

    def __next__(self) -> bytes:
        self.source.fault.step("__next__")
        if not self.left:
            raise StopIteration
        return self.left.pop(0)

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        self.source.fault.step("__anext__")
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


class Iterable:
    """The chunks as a source of their own."""

    def __init__(self, source: Source) -> None:
        self.chunks = Chunks(source)
        self.close = source.close

    def __iter__(self) -> Chunks:
        return self.chunks


class AsyncIterable:
    """The same for async code."""

    def __init__(self, source: AsyncSource) -> None:
        self.chunks = Chunks(source)
        self.aclose = source.aclose

    def __aiter__(self) -> Chunks:
        return self.chunks


class File:
    """A file whose reads give what has arrived."""

    def __init__(self, source: Source) -> None:
        self.chunks = Chunks(source)
        self.close = source.close

    def read1(self, size: int) -> bytes:
        return next(self.chunks, b"")


def read(fault: Fault, open_stream: Callable[[], Any]) -> None:
    """Read to the end, and close."""
    with open_stream() as stream:
        for value in stream:
            fault.values.append(value)


def read_async(fault: Fault, open_stream: Callable[[], Any]) -> None:
    async def main() -> None:
        async with open_stream() as stream:
            async for value in stream:
                fault.values.append(value)

    # What is raised in a task and passes out of it would end the event loop in the middle.
    outcome: list[BaseException] = []

    async def guarded() -> None:
        try:
            await main()
        except BaseException as error:
            outcome.append(error)

    asyncio.run(guarded())
    if outcome:
        raise outcome[0]


def lines(fault: Fault) -> None:
    loads = fault.in_calls("loads", json.loads)
    source = Iterable(fault.response(BAD_LINES))
    read(fault, lambda: ndstream.ndjson(source, loads=loads, on_error=fault.in_calls("on_error", fault.handled.append)))


def async_lines(fault: Fault) -> None:
    loads = fault.in_calls("loads", json.loads)
    source = AsyncIterable(fault.async_response(BAD_LINES))
    read_async(
        fault, lambda: ndstream.ndjson(source, loads=loads, on_error=fault.in_calls("on_error", fault.handled.append))
    )


def lines_of_a_file(fault: Fault) -> None:
    source: Any = File(fault.response(BAD_LINES))
    read(fault, lambda: ndstream.ndjson(source, on_error="skip"))


def events(fault: Fault) -> None:
    source = fault.response(EVENTS)
    read(fault, lambda: ndstream.sse(source, on_comment=fault.in_calls("on_comment")))


def async_events(fault: Fault) -> None:
    source = fault.async_response(EVENTS)
    read_async(fault, lambda: ndstream.sse(source, on_comment=fault.in_calls("on_comment")))


def values(fault: Fault) -> None:
    source = fault.response(JSON_EVENTS)
    read(fault, lambda: ndstream.stream(source, loads=fault.in_calls("loads", json.loads)))


def async_values(fault: Fault) -> None:
    source = fault.async_response(JSON_EVENTS)
    read_async(fault, lambda: ndstream.stream(source, loads=fault.in_calls("loads", json.loads)))


def values_read_ahead(fault: Fault) -> None:
    source = fault.response(JSON_EVENTS)
    read(fault, lambda: ndstream.stream(source, prefetch=2))


def async_values_read_ahead(fault: Fault) -> None:
    source = fault.async_response(JSON_EVENTS)
    read_async(fault, lambda: ndstream.stream(source, prefetch=2))


def reply(fault: Fault) -> None:
    source = fault.response(CHAT, 90)
    read(fault, lambda: llm.reply(source))


def async_reply(fault: Fault) -> None:
    source = fault.async_response(CHAT, 90)
    read_async(fault, lambda: llm.reply(source))


def relay(fault: Fault) -> None:
    source = fault.response(JSON_EVENTS)
    read(fault, lambda: serving.relay(source, error_message=fault.in_calls("error_message", str)))


def async_relay(fault: Fault) -> None:
    source = fault.async_response(JSON_EVENTS)
    read_async(fault, lambda: serving.relay(source, error_message=fault.in_calls("error_message", str)))


def relay_to_a_target(fault: Fault) -> None:
    source = fault.response(CHAT, 90)
    read(fault, lambda: serving.relay(source, "text", error_message=fault.in_calls("error_message", str)))


def async_relay_to_a_target(fault: Fault) -> None:
    source = fault.async_response(CHAT, 90)
    read_async(fault, lambda: serving.relay(source, "text", error_message=fault.in_calls("error_message", str)))


class FaultyClock:
    """A clock of which every call may fail. No time passes."""

    def __init__(self, fault: Fault) -> None:
        self.now = fault.in_calls("now", lambda: 0.0)
        self.wait = fault.in_calls("wait")
        self.wake = fault.in_calls("wake")
        self._step = fault.in_calls("sleep")

    async def sleep(self, seconds: float) -> None:
        self._step()


def event_source_options(fault: Fault) -> dict[str, Any]:
    return {
        "delay": fault.in_calls("delay", lambda *arguments: 0.0),
        "clock": FaultyClock(fault),
        "random": fault.in_calls("random", lambda: 0.0),
        "on_state_change": fault.in_calls("on_state_change"),
        "on_comment": fault.in_calls("on_comment"),
    }


def event_source(fault: Fault) -> None:
    connect = fault.in_calls("connect", lambda headers: fault.response(EVENTS))

    def open_source() -> Any:
        return Limited(serving.EventSource(connect, **event_source_options(fault)))

    read(fault, open_source)


def async_event_source(fault: Fault) -> None:
    connect = fault.in_calls("connect", lambda headers: fault.async_response(EVENTS))

    def open_source() -> Any:
        return Limited(serving.EventSource(connect, **event_source_options(fault)))

    read_async(fault, open_source)


class Limited:
    """An event source, until two connections have brought what they had."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.left = 5

    def __enter__(self) -> Limited:
        self.source.__enter__()
        return self

    def __exit__(self, *arguments: Any) -> None:
        self.source.__exit__(*arguments)

    async def __aenter__(self) -> Limited:
        await self.source.__aenter__()
        return self

    async def __aexit__(self, *arguments: Any) -> None:
        await self.source.__aexit__(*arguments)

    def __iter__(self) -> Iterator[Any]:
        for value in self.source:
            yield value
            self.left -= 1
            if not self.left:
                return

    async def __aiter__(self) -> AsyncIterator[Any]:
        iterator = aiter(self.source)
        while self.left:
            yield await anext(iterator)
            self.left -= 1


STAMPED = b"".join(b'{"t":%d,"n":%d}\n' % (1767225600 + n, n) for n in range(5))


def replay(fault: Fault) -> None:
    time = 0

    def sleep(seconds: float) -> None:
        nonlocal time
        time += round(seconds * 1e9)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "app.log")
        path.write_bytes(STAMPED)
        logs.replay(
            path,
            fault.in_calls("to", fault.values.append),
            by="t",
            zone=timezone.utc,
            loads=fault.in_calls("loads", json.loads),
            clock=fault.in_calls("clock", lambda: time),
            sleep=fault.in_calls("sleep", sleep),
        )


def log_lines(fault: Fault) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "app.log")
        path.write_bytes(BAD_LINES)
        loads, on_error = fault.in_calls("loads", json.loads), fault.in_calls("on_error", fault.handled.append)
        read(fault, lambda: logs.read(path, loads=loads, on_error=on_error, checkpoint=Path(folder, "checkpoint")))


def broadcast(fault: Fault) -> None:
    source = fault.async_response(JSON_EVENTS)

    async def main() -> None:
        told = serving.Broadcast(source, heartbeat=None)
        fault.values += [message async for message in told.subscribe()]
        await told.aclose()
        if told.error is not None:
            raise told.error

    asyncio.run(main())


SCENES = [
    lines,
    async_lines,
    lines_of_a_file,
    events,
    async_events,
    values,
    async_values,
    values_read_ahead,
    async_values_read_ahead,
    reply,
    async_reply,
    relay,
    async_relay,
    relay_to_a_target,
    async_relay_to_a_target,
    event_source,
    async_event_source,
    replay,
    log_lines,
    broadcast,
]
