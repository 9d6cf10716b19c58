"""`close` from anywhere, whatever the source does then: it ends, releases its response, and makes no more requests."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest

import real_parts
from doubles.loopback import response, serving
from ndstream import EventSource
from ndstream._sources.clocks import SystemClock

from .scripted import Answer, Clock, Server, async_context, async_response, sync_context, sync_response

GUARD = 20.0
"""No test waits so long unless it fails, in seconds."""


class Waiting(SystemClock):
    """A clock that tells when it is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()

    def wait(self, seconds: float) -> None:
        if seconds > 0:
            self.begun.set()
        super().wait(seconds)

    async def sleep(self, seconds: float) -> None:
        self.begun.set()
        await super().sleep(seconds)


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    return thread


def ends(thread: threading.Thread) -> bool:
    thread.join(GUARD)
    return not thread.is_alive()


# for


def test_a_close_in_another_thread_ends_a_wait_for_the_next_attempt() -> None:
    clock, server = Waiting(), Server(OSError())
    source = EventSource(sync_response(server), delay=lambda attempt, retry: 3600.0, clock=clock)
    reader = in_thread(lambda: list(source))
    assert clock.begun.wait(GUARD)
    assert (source.state, source.attempt) == ("waiting", 1)
    assert 0 < source.seconds_left <= 3600
    source.close()
    assert ends(reader)
    assert (source.state, len(server.requests)) == ("closed", 1)


def test_a_signal_handler_that_closes_ends_a_wait_for_the_next_attempt() -> None:
    clock, server = Waiting(), Server(OSError())
    source = EventSource(sync_response(server), delay=lambda attempt, retry: 3600.0, clock=clock)
    before = signal.signal(signal.SIGUSR1, lambda number, frame: source.close())

    def send() -> None:
        clock.begun.wait(GUARD)
        os.kill(os.getpid(), signal.SIGUSR1)

    try:
        sender = in_thread(send)
        assert list(source) == []
        assert ends(sender)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert len(server.requests) == 1


def test_a_close_while_connect_waits_is_seen_when_it_returns() -> None:
    server, asked, go_on = Server(Answer(b"data: never\n\n")), threading.Event(), threading.Event()

    def connect(headers: dict[str, str]) -> Any:
        asked.set()
        go_on.wait(GUARD)
        return sync_context(server)(headers, None)

    source = EventSource(connect)
    events: list[Any] = []
    reader = in_thread(lambda: events.extend(source))
    assert asked.wait(GUARD)
    source.close()
    go_on.set()
    assert ends(reader)
    assert (events, len(server.requests), server.given[0].closed) == ([], 1, 1)


@pytest.mark.parametrize("client", ["httpx", "requests", "urllib3"])
def test_a_close_in_another_thread_ends_a_read_of_a_real_response(client: str) -> None:
    library = real_parts.library(client)
    silence = threading.Event()
    with serving(response(b"id: 1\ndata: a\n\n", silence, b":\n\n", kind="text/event-stream")) as server:
        if client == "httpx":
            session: Any = library.Client(timeout=GUARD)
            connect: Any = lambda headers: session.stream("GET", server.url, headers=headers)  # noqa: E731
        elif client == "requests":
            session = library.Session()
            connect = lambda headers: session.get(server.url, headers=headers, stream=True)  # noqa: E731
        else:
            session = library.PoolManager()
            session.close = session.clear
            connect = lambda headers: session.request("GET", server.url, headers=headers, preload_content=False)  # noqa: E731
        source = EventSource(connect)
        assert next(source).data == "a"
        rest: list[Any] = []
        reader = in_thread(lambda: rest.extend(source))
        while not source._sync._reading.locked():  # type: ignore[union-attr]
            pass
        source.close()
        assert ends(reader)
        assert (rest, source.state, server.connections) == ([], "closed", 1)
        silence.set()
        assert server.gone.wait(GUARD)
        session.close()


def test_a_signal_handler_that_closes_ends_a_read_of_a_real_response() -> None:
    httpx = real_parts.library("httpx")
    silence = threading.Event()
    with (
        serving(response(b"data: a\n\n", silence, b":\n\n", kind="text/event-stream")) as server,
        httpx.Client() as client,
    ):
        source = EventSource(lambda headers: client.stream("GET", server.url, headers=headers))
        before = signal.signal(signal.SIGUSR1, lambda number, frame: source.close())

        def send() -> None:
            while not source._sync._reading.locked():  # type: ignore[union-attr]
                pass
            os.kill(os.getpid(), signal.SIGUSR1)

        try:
            assert next(source).data == "a"
            sender = in_thread(send)
            assert list(source) == []
            assert ends(sender)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert source.state == "closed"
        silence.set()
        assert server.gone.wait(GUARD)


def test_a_close_between_two_events_releases_the_response() -> None:
    server = Server(Answer(b"data: a\n\ndata: b\n\n"))
    source = EventSource(sync_context(server))
    assert next(source).data == "a"
    in_thread(source.close).join(GUARD)
    closed = server.given[0].closed
    assert closed
    assert list(source) == []
    source.close()
    assert (server.given[0].closed, len(server.requests)) == (closed, 1)


def test_a_source_that_was_closed_before_it_began_makes_no_request() -> None:
    server = Server(Answer(b"data: a\n\n"))
    source = EventSource(sync_response(server))
    source.close()
    assert list(source) == []
    assert server.requests == []


def test_a_callback_may_close() -> None:
    server = Server(OSError(), OSError())
    clock = Clock()
    source = EventSource(sync_response(server), clock=clock, on_state_change=lambda changed: changed.close())
    assert list(source) == []
    assert (source.state, len(server.requests)) == ("closed", 1)


def test_a_ctrl_c_in_a_wait_leaves_the_source_as_it_was() -> None:
    class Interrupted(Clock):
        interrupts = 1

        def wait(self, seconds: float) -> None:
            if seconds > 0 and self.interrupts:
                self.interrupts -= 1
                self.time += 1
                raise KeyboardInterrupt
            super().wait(seconds)

    clock = Interrupted()
    server = Server(OSError(), Answer(b"data: a\n\n"))
    source = EventSource(sync_response(server), clock=clock, random=lambda: 0.0)
    with pytest.raises(KeyboardInterrupt):
        next(source)
    assert (source.state, source.seconds_left) == ("waiting", 2)
    assert next(source).data == "a"
    assert clock.delays == [2]


def test_two_threads_cannot_iterate_at_once() -> None:
    clock = Waiting()
    source = EventSource(sync_response(Server(OSError())), delay=lambda attempt, retry: 3600.0, clock=clock)
    reader = in_thread(lambda: list(source))
    assert clock.begun.wait(GUARD)
    with pytest.raises(RuntimeError, match="two threads"):
        next(source)
    source.close()
    assert ends(reader)


@pytest.mark.parametrize("earlier", [(), (OSError("down"),), (Answer(b"data: a\n\n", OSError("cut")),)])
def test_a_source_that_nobody_refers_to_any_more_releases_its_response(earlier: tuple[Any, ...]) -> None:
    """At once, also after an error whose traceback leads through the source."""
    server = Server(*earlier, Answer(b"data: b\n\ndata: c\n\n"))
    source = EventSource(sync_context(server), clock=Clock())
    while next(source).data != "b":
        pass
    gc.disable()
    try:
        reference = weakref.ref(source)
        del source
        assert reference() is None
        assert server.given[-1].closed
    finally:
        gc.enable()


# async for

LIBRARIES = pytest.mark.parametrize("library", ["asyncio", "trio"])


def run(library: str, main: Any) -> None:
    if library == "trio":
        real_parts.library("trio")
    anyio.run(main, backend=library)


class Silent:
    """A response that is silent for ever once it has said something."""

    status_code = 200

    def __init__(self) -> None:
        self.headers = {"Content-Type": "text/event-stream"}
        self.closed = 0
        self.reading = False

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        yield b"data: a\n\n"
        self.reading = True
        await anyio.sleep(GUARD * 3)

    async def aclose(self) -> None:
        self.closed += 1


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(GUARD):
        while not condition():
            await anyio.sleep(0.001)


def closes(source: EventSource) -> Iterator[Callable[[], Any]]:
    """The ways to close a source while a task iterates."""
    yield source.aclose
    yield lambda: anyio.to_thread.run_sync(source.close)


async def iterated(source: EventSource, events: list[Any]) -> None:
    async for event in source:
        events.append(event.data)


@LIBRARIES
@pytest.mark.parametrize("way", [0, 1], ids=["by another task", "by another thread"])
def test_a_close_ends_a_sleep(library: str, way: int) -> None:
    async def main() -> None:
        clock, server = Waiting(), Server(OSError())
        source = EventSource(async_response(server), delay=lambda attempt, retry: 3600.0, clock=clock)
        with anyio.fail_after(GUARD):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(iterated, source, [])
                await until(clock.begun.is_set)
                await list(closes(source))[way]()
        assert (source.state, len(server.requests)) == ("closed", 1)

    run(library, main)


@LIBRARIES
@pytest.mark.parametrize("way", [0, 1], ids=["by another task", "by another thread"])
def test_a_close_ends_a_read_of_any_response(library: str, way: int) -> None:
    async def main() -> None:
        silent = Silent()
        source = EventSource(lambda headers: silent)
        events: list[Any] = []
        with anyio.fail_after(GUARD):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(iterated, source, events)
                await until(lambda: silent.reading)
                await list(closes(source))[way]()
        assert (events, source.state, silent.closed) == (["a"], "closed", 1)

    run(library, main)


@LIBRARIES
@pytest.mark.parametrize("way", [0, 1], ids=["by another task", "by another thread"])
def test_a_close_ends_a_request_that_waits_for_its_answer(library: str, way: int) -> None:
    async def main() -> None:
        asked = 0
        ended = False

        async def connect(headers: dict[str, str]) -> Any:
            nonlocal asked, ended
            asked += 1
            try:
                await anyio.sleep(GUARD * 3)
            finally:
                ended = True

        source = EventSource(connect)
        with anyio.fail_after(GUARD):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(iterated, source, [])
                await until(lambda: asked == 1)
                await list(closes(source))[way]()
        assert (asked, ended, source.state) == (1, True, "closed")

    run(library, main)


@LIBRARIES
def test_a_close_between_two_events_releases_the_response_from_another_thread(library: str) -> None:
    async def main() -> None:
        server = Server(Answer(b"data: a\n\ndata: b\n\n"))
        source = EventSource(async_context(server))
        assert (await source.__anext__()).data == "a"
        await anyio.to_thread.run_sync(source.close)
        await until(lambda: server.given[0].closed > 0)
        with pytest.raises(StopAsyncIteration):
            await source.__anext__()
        assert len(server.requests) == 1

    run(library, main)


@LIBRARIES
def test_no_event_comes_after_a_close_although_some_have_arrived(library: str) -> None:
    async def main() -> None:
        server = Server(Answer(b"data: a\n\ndata: b\n\n"))
        source = EventSource(async_context(server))
        assert (await source.__anext__()).data == "a"
        source.close()
        with pytest.raises(StopAsyncIteration):
            await source.__anext__()

    run(library, main)


@LIBRARIES
def test_a_read_that_is_cancelled_from_outside_is_made_again_after_the_last_id(library: str) -> None:
    async def main() -> None:
        silent, server = Silent(), Server(Answer(b"data: b\n\n"))
        answers: list[Any] = [lambda headers: silent, lambda headers: async_response(server)(headers, None)]
        source = EventSource(lambda headers: answers.pop(0)(headers), last_event_id="7", clock=Clock())
        await source.__anext__()
        with anyio.move_on_after(0.01) as scope:
            await source.__anext__()
        assert scope.cancelled_caught
        assert silent.closed == 1
        assert (await source.__anext__()).data == "b"
        assert server.ids == ["7"]
        # It is no failure, and not waited for.
        assert (source.attempt, source.last_error, source._settings.clock.delays) == (0, None, [])  # type: ignore[attr-defined]
        await source.aclose()

    run(library, main)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="CPython 3.10 does not count the cancellations of a task")
def test_a_cancellation_from_outside_is_never_swallowed_by_a_close() -> None:
    async def main() -> None:
        silent = Silent()
        source = EventSource(lambda headers: silent)
        task = asyncio.ensure_future(iterated(source, []))
        await until(lambda: silent.reading)
        task.cancel()
        source.close()
        await asyncio.wait({task})
        assert task.cancelled()
        assert silent.closed == 1

    asyncio.run(main())


@LIBRARIES
def test_two_tasks_cannot_iterate_at_once(library: str) -> None:
    async def main() -> None:
        silent = Silent()
        source = EventSource(lambda headers: silent)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(iterated, source, [])
            await until(lambda: silent.reading)
            with pytest.raises(RuntimeError, match="two tasks"):
                await source.__anext__()
            await source.aclose()

    run(library, main)


@pytest.mark.parametrize("earlier", [(), (OSError("down"),), (Answer(b"data: a\n\n", OSError("cut")),)])
def test_an_async_source_that_nobody_refers_to_any_more_releases_its_response(earlier: tuple[Any, ...]) -> None:
    async def main() -> None:
        server = Server(*earlier, Answer(b"data: b\n\ndata: c\n\n"))
        source = EventSource(async_response(server), clock=Clock())
        while (await source.__anext__()).data != "b":
            pass
        gc.disable()
        try:
            del source
            await until(lambda: server.given[-1].closed > 0)
        finally:
            gc.enable()

    asyncio.run(main())


# The wrong kind of iteration.


def test_a_client_of_the_other_kind_is_told_so() -> None:
    async def awaited(headers: dict[str, str]) -> Any:
        raise AssertionError("it is not awaited")

    def unentered(headers: dict[str, str]) -> Any:
        return async_context(Server(Answer()))(headers, None)

    def unread(headers: dict[str, str]) -> Any:
        return async_response(Server(Answer()))(headers, None)

    for connect in (awaited, unentered, unread):
        source = EventSource(connect)
        with pytest.raises(TypeError, match="async for"):
            next(source)
        assert source.state == "closed"

    async def iterate(way: Any) -> None:
        server = Server(Answer(b"data: a\n\n"))
        source = EventSource(way(server))
        with pytest.raises(TypeError, match="iterate with `for`"):
            await source.__anext__()
        assert server.given[0].closed

    for way in (sync_response, sync_context):
        asyncio.run(iterate(way))


def test_a_source_is_iterated_over_in_one_way() -> None:
    source = EventSource(sync_response(Server(Answer(b"data: a\n\n"))))
    next(source)
    with pytest.raises(RuntimeError, match="with `for` already"):
        asyncio.run(_step(source))
    source.close()
    other = EventSource(async_response(Server(Answer(b"data: a\n\n"))))
    asyncio.run(_step(other))
    with pytest.raises(RuntimeError, match="`async for` already"):
        next(other)


async def _step(source: EventSource) -> None:
    await source.__anext__()
    await source.aclose()
