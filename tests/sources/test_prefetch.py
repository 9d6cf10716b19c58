"""Reading ahead changes when chunks are read, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from cuts import cuts
from doubles import AsyncChunks, Failing, Source
from loopback import response, serving
from ndstream._sources.opened_source import OpenedSyncSource
from ndstream._sources.prefetch import read_ahead

LINES = b'{"a":1}\n{"a":2}\n[3]\n'
VALUES = [{"a": 1}, {"a": 2}, [3]]
BACKENDS = ["asyncio", "trio"]


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
    import ndstream._sources.prefetch

    monkeypatch.setattr(ndstream._sources.prefetch, "_SECONDS_TO_STOP", 0.02)
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
