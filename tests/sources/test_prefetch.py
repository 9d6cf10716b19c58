"""Reading ahead changes when chunks are read, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import os
import pathlib
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from doubles.loopback import response, serving
from doubles.sources import AsyncChunks, Failing, Source, chunks_and_a_wait
from inputs.cuts import cuts
from ndstream._sources.opened_source import OpenedAsyncSource, OpenedSyncSource
from ndstream._sources.prefetch import read_ahead

LINES = b'{"a":1}\n{"a":2}\n[3]\n'
VALUES = [{"a": 1}, {"a": 2}, [3]]
BACKENDS = ["asyncio", "trio"]
TESTS = pathlib.Path(__file__).parent.parent


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ndstream")]


def wait_until(holds: Callable[[], bool]) -> None:
    ready = threading.Event()
    for _ in range(1000):
        if holds():
            return
        ready.wait(0.005)
    raise AssertionError("it never came to hold")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    wait_until(lambda: not readers())


@pytest.mark.parametrize("prefetch", [1, 2, 100])
def test_the_values_are_those_without_it(prefetch: int) -> None:
    for _, chunks in cuts(LINES):
        source = Source(*chunks)
        assert list(ndstream.stream(source, prefetch=prefetch)) == VALUES
        assert source.closed == 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("prefetch", [1, 2, 100])
def test_the_values_of_an_async_source_are_those_without_it(prefetch: int, backend: str) -> None:
    async def main() -> None:
        for size in (1, 3, 100):
            source = AsyncChunks(*(LINES[at : at + size] for at in range(0, len(LINES), size)))
            assert [value async for value in ndstream.stream(source, prefetch=prefetch)] == VALUES
            assert source.closed == 1

    anyio.run(main, backend=backend)


def test_so_many_chunks_are_read_ahead_and_no_more() -> None:
    source = Source(*[b"1\n"] * 10)
    stream = ndstream.ndjson(source, prefetch=3)
    assert len(source.chunks) == 10
    next(stream)
    # One was taken, three wait, and one is held by the reader.
    wait_until(lambda: len(source.chunks) == 5)
    threading.Event().wait(0.05)
    assert len(source.chunks) == 5
    stream.close()
    assert source.closed == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_so_many_chunks_of_an_async_source_are_read_ahead_and_no_more(backend: str) -> None:
    async def main() -> None:
        source = AsyncChunks(*[b"1\n"] * 10)
        stream = ndstream.ndjson(source, prefetch=3)
        await stream.__anext__()
        for _ in range(50):
            await anyio.sleep(0)
        assert len(source.chunks) == 5
        await stream.aclose()
        assert source.closed == 1

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_chunk_is_let_go_once_the_next_one_of_an_async_source_is_asked_for(backend: str) -> None:
    made = [bytes([number]) * 100 for number in range(6)]
    alone = sys.getrefcount(made[0])

    async def chunks() -> AsyncGenerator[bytes, None]:
        for number in range(len(made)):
            yield made[number]

    async def main() -> None:
        source = chunks()
        ahead: Any = read_ahead(OpenedAsyncSource(source, source.aclose), 1)
        for number in range(len(made)):
            assert await ahead.chunks.__anext__() == made[number]
            assert [sys.getrefcount(made[before]) for before in range(number)] == [alone] * number
        await ahead.close()

    anyio.run(main, backend=backend)


def test_a_buffer_that_the_source_uses_again_is_copied() -> None:
    buffer = bytearray(2)

    def chunks() -> Iterator[bytearray]:
        for digit in b"123456789":
            buffer[:] = bytes((digit, 10))
            yield buffer

    assert list(ndstream.ndjson(chunks(), prefetch=4)) == list(range(1, 10))


def test_an_error_comes_behind_the_chunks_before_it() -> None:
    failure = ConnectionResetError("gone")
    source = Source(b"1\n", b"2\n[", failure)
    stream = ndstream.ndjson(source, prefetch=5)
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(ndstream.TruncatedError) as caught:
        next(stream)
    assert caught.value.__cause__ is failure
    assert (caught.value.frame, caught.value.offset) == (b"[", 4)
    assert source.closed == 1
    assert list(stream) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_error_of_an_async_source_comes_behind_the_chunks_before_it(backend: str) -> None:
    async def main() -> None:
        failure = ConnectionResetError("gone")
        source = Failing(b"1\n", b"2\n[", failure=failure)
        stream = ndstream.ndjson(source, prefetch=5)
        assert [await stream.__anext__(), await stream.__anext__()] == [1, 2]
        with pytest.raises(ndstream.TruncatedError) as caught:
            await stream.__anext__()
        assert caught.value.__cause__ is failure
        assert source.closed == 1
        assert [value async for value in stream] == []

    anyio.run(main, backend=backend)


def test_what_is_not_bytes_is_refused_as_ever() -> None:
    for chunks in (["text"], [7]):
        with pytest.raises(TypeError, match="chunk must be bytes"):
            list(ndstream.ndjson(chunks, prefetch=2))  # type: ignore[arg-type]


@pytest.mark.parametrize("way", ["close", "dropped", "untouched"])
def test_a_reader_that_waits_for_room_is_gone_when_the_stream_is(way: str) -> None:
    source = Source(*[b"1\n"] * 100)
    stream: Any = ndstream.ndjson(source, prefetch=1)
    if way != "untouched":
        next(stream)
    if way == "close":
        stream.close()
        assert readers() == []
    del stream
    gc.collect()
    assert source.closed == 1


def test_a_reader_that_waits_for_a_socket_is_interrupted() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"1\n")
    stream = ndstream.ndjson(ours, prefetch=1)
    assert next(stream) == 1
    stream.close()
    assert readers() == []
    assert ours.fileno() == -1
    theirs.close()


@pytest.mark.parametrize("name", ["httpx", "requests", "urllib3"])
def test_a_reader_that_waits_for_a_response_is_interrupted(name: str) -> None:
    library = real_parts.library(name)
    go_on = threading.Event()
    with serving(response(b"1\n", go_on)) as server:
        if name == "httpx":
            client = library.Client(verify=False)
            got = client.send(client.build_request("GET", server.url), stream=True)
        elif name == "requests":
            got = library.get(server.url, stream=True)
        else:
            got = library.PoolManager().request("GET", server.url, preload_content=False)
        stream = ndstream.ndjson(got, prefetch=2)
        assert next(stream) == 1
        stream.close()
        assert readers() == []
        go_on.set()


def test_a_reader_that_cannot_be_interrupted_any_more_is_gone_all_the_same() -> None:
    closed: list[bool] = []

    def interrupt() -> None:
        # As urllib3 does once the last byte has given the connection back.
        raise RuntimeError("the connection has been released")

    ahead = read_ahead(OpenedSyncSource(iter([b"1\n"] * 9), lambda: closed.append(True), interrupt=interrupt), 1)
    assert isinstance(ahead, OpenedSyncSource)
    assert next(ahead.chunks) == b"1\n"
    ahead.close()
    assert closed == [True]
    assert readers() == []


def test_a_read_that_nothing_interrupts_ends_when_it_will_and_closes_the_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import ndstream._sources.prefetch_thread

    monkeypatch.setattr(ndstream._sources.prefetch_thread, "_SECONDS_TO_STOP", 0.02)
    read, write = os.pipe()
    file = os.fdopen(read, "rb")
    os.write(write, b"1\n")
    stream = ndstream.ndjson(file, prefetch=1)
    assert next(stream) == 1
    stream.close()
    assert not file.closed
    os.close(write)
    wait_until(lambda: file.closed)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("way", ["close", "dropped", "untouched", "cancelled"])
def test_no_task_is_left_when_an_async_stream_ends(way: str, backend: str) -> None:
    closed: list[str] = []

    class Waiting(AsyncChunks):
        async def __anext__(self) -> bytes:
            if not self.chunks:
                await anyio.sleep(60)
            return await super().__anext__()

    async def main() -> None:
        source = Waiting(b"1\n")
        stream: Any = ndstream.ndjson(source, prefetch=2)
        if way == "cancelled":
            with anyio.move_on_after(0.05) as scope:
                async for _ in stream:
                    pass
            assert scope.cancelled_caught
        elif way != "untouched":
            assert await stream.__anext__() == 1
        if way == "close":
            await stream.aclose()
        del stream
        gc.collect()
        for _ in range(20):
            await anyio.sleep(0.001)
        assert source.closed == 1
        if backend == "asyncio":
            assert len(asyncio.all_tasks()) == 1
        closed.append("closed")

    anyio.run(main, backend=backend)
    assert closed


def test_the_sentinel_ends_it_and_the_connection_is_used_again() -> None:
    httpx = real_parts.library("httpx")
    answer = response(b"data: 1\n\n", b"data: [DONE]\n\n", kind="text/event-stream")
    with serving(answer) as server, httpx.Client(verify=False) as client:
        for _ in range(3):
            got = client.send(client.build_request("GET", server.url), stream=True)
            assert list(ndstream.stream(got, prefetch=2)) == [1]
        assert server.connections == 1


def test_a_server_that_goes_on_behind_the_sentinel_is_not_waited_for() -> None:
    requests = real_parts.library("requests")
    forever = threading.Event()
    with serving(response(b"data: 1\n\n", b"data: [DONE]\n\n", forever, kind="text/event-stream")) as server:
        stream = ndstream.stream(requests.get(server.url, stream=True), prefetch=2)
        assert list(stream) == [1]
        assert readers() == []
        forever.set()


def test_reading_goes_on_while_a_value_is_used() -> None:
    asked = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield b"1\n"
        asked.set()
        yield b"2\n"

    stream = ndstream.ndjson(chunks(), prefetch=1)
    assert next(stream) == 1
    # Nobody asks the stream for more, and the source is asked all the same.
    assert asked.wait(5)
    stream.close()


def test_a_task_that_somebody_cancels_is_no_clean_end() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"1\n[2"
        await asyncio.sleep(60)

    async def main() -> None:
        stream = ndstream.ndjson(chunks(), prefetch=1)
        assert await stream.__anext__() == 1
        [reader] = asyncio.all_tasks() - {asyncio.current_task()}
        reader.cancel()
        with pytest.raises(ndstream.TruncatedError, match="cancelled"):
            await stream.__anext__()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("prefetch", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError), ("1", TypeError)]
)
def test_a_number_of_chunks_that_is_none_is_refused(prefetch: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="prefetch"):
        ndstream.ndjson(b"", prefetch=prefetch)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", ["generator", "object"])
def test_a_cancelled_scope_ends_an_async_stream_without_an_error(kind: str, backend: str) -> None:
    released: list[str] = []

    class Waiting(AsyncChunks):
        async def __anext__(self) -> bytes:
            if not self.chunks:
                await anyio.sleep(60)
            return await super().__anext__()

        async def aclose(self) -> None:
            released.append("released")

    async def main() -> None:
        got = []
        with anyio.move_on_after(0.05) as scope:
            source = chunks_and_a_wait(b"1\n", released=released) if kind == "generator" else Waiting(b"1\n")
            async with ndstream.ndjson(source, prefetch=2) as stream:
                async for value in stream:
                    got.append(value)
        assert scope.cancelled_caught
        assert got == [1]
        assert released == ["released"]

    anyio.run(main, backend=backend)


def test_a_task_that_is_cancelled_twice_leaves_the_source_to_its_reader() -> None:
    released: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"1\n"
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            released.append("released")

    async def read() -> None:
        async for _ in ndstream.ndjson(chunks(), prefetch=2):
            pass

    async def main() -> None:
        task = asyncio.create_task(read())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.001)
        assert released == ["released"]

    asyncio.run(main())


def test_a_thread_that_cannot_start_is_an_error_and_releases_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    source = Source(b"1\n")
    stream = ndstream.ndjson(source, prefetch=2)
    with pytest.raises(RuntimeError, match="can't start"):
        next(stream)
    assert source.closed == 1
    assert list(stream) == []


@pytest.mark.parametrize("started", [True, False], ids=["after the start", "before the start"])
def test_ctrl_c_while_the_thread_starts_loses_nothing(started: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    original = threading.Thread.start
    interrupts = iter([True, False])

    def start(thread: threading.Thread) -> None:
        interrupted = next(interrupts)
        if started or not interrupted:
            original(thread)
        if interrupted:
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start)
    source = Source(*[b"%d\n" % number for number in range(50)])
    stream = ndstream.ndjson(source, prefetch=2)
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    assert list(stream) == list(range(50))
    assert source.closed == 1


def test_ctrl_c_while_the_start_is_waited_for_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    original = threading.Thread.start
    failing = iter([True])

    def start(thread: threading.Thread) -> None:
        original(thread)
        if next(failing, False):
            # As `threading.Condition` does.
            try:
                raise KeyboardInterrupt
            finally:
                raise RuntimeError("release unlocked lock")

    monkeypatch.setattr(threading.Thread, "start", start)
    stream = ndstream.ndjson(Source(*[b"1\n"] * 50), prefetch=2)
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    assert list(stream) == [1] * 50


def test_ctrl_c_while_the_thread_starts_and_a_close_release_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    original = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        original(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start)
    source = Source(*[b"1\n"] * 50)
    with pytest.raises(KeyboardInterrupt), ndstream.ndjson(source, prefetch=2) as stream:
        next(stream)
    wait_until(lambda: source.closed == 1)


@pytest.mark.parametrize("first", ["close", "start"])
def test_a_stream_may_be_closed_while_another_thread_starts_it(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = threading.Thread.start
    source = Source(*[b"1\n"] * 50)
    stream = ndstream.ndjson(source, prefetch=2)

    def start(thread: threading.Thread) -> None:
        monkeypatch.undo()
        if first == "start":
            original(thread)
        closer = threading.Thread(target=stream.close)
        closer.start()
        closer.join()
        if first == "close":
            original(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert list(stream) == []
    assert source.closed == 1


def test_a_source_that_both_threads_are_to_close_is_closed_once_and_nobody_waits() -> None:
    closes: list[int] = []
    ahead: Any = read_ahead(OpenedSyncSource(iter([b"1\n"]), lambda: closes.append(1)), 1)
    ahead.chunks._close_source()
    ahead.chunks._close_source()
    assert closes == [1]


def test_a_failing_close_of_the_source_is_not_swallowed() -> None:
    class FailingClose(Source):
        def close(self) -> None:
            super().close()
            raise OSError("close failed")

    source = FailingClose(*[b"1\n"] * 50)
    stream = ndstream.ndjson(source, prefetch=2)
    assert next(stream) == 1
    with pytest.raises(OSError, match="close failed"):
        stream.close()
    assert source.closed == 1


FORK = """
import os, sys, threading, ndstream
sys.path.insert(0, sys.argv[2])
from doubles.loopback import response, serving

go_on = threading.Event()
with serving(response(b"1\\n", go_on, b"2\\n")) as server:
    if sys.argv[1] == "socket":
        import socket
        ours, theirs = socket.socketpair()
        theirs.sendall(b"1\\n")
        stream = ndstream.ndjson(ours, prefetch=2)
    elif sys.argv[1] == "httpx":
        import httpx
        client = httpx.Client(verify=False)
        stream = ndstream.ndjson(client.send(client.build_request("GET", server.url), stream=True), prefetch=2)
    else:
        import requests
        stream = ndstream.ndjson(requests.get(server.url, stream=True), prefetch=2)
    got = [next(stream)]
    child = os.fork()
    if not child:
        if sys.argv[3] == "read":
            try:
                next(stream)
            except ndstream.TruncatedError as error:
                os._exit(0 if "parent process" in str(error) else 2)
            os._exit(3)
        if sys.argv[3] == "close":
            stream.close()
        # As the interpreter does at its end.
        del stream
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    go_on.set()
    if sys.argv[1] == "socket":
        theirs.sendall(b"2\\n")
        theirs.close()
    got.extend(stream)
    assert got == [1, 2], got
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("way", ["close", "drop", "read"])
@pytest.mark.parametrize("name", ["socket", "httpx", "requests"])
def test_a_forked_process_leaves_the_connection_to_its_parent(name: str, way: str) -> None:
    if name != "socket":
        real_parts.library(name)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, name, str(TESTS), way]
    subprocess.run(command, check=True, timeout=60)
