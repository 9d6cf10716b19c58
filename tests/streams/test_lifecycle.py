"""However a stream of a real client ends, its response is released, and without a warning."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from doubles.loopback import Server, response, serving
from doubles.sources import chunks_and_a_wait
from real_parts.http_clients import ASYNC_CLIENTS, CLIENTS, async_client, is_http_client


@pytest.fixture(params=CLIENTS)
def get(request: pytest.FixtureRequest) -> Iterator[Any]:
    client, get = CLIENTS[request.param]()
    yield get
    client.close()


def test_a_read_that_waits_ends_when_another_thread_closes_the_stream(get: Any) -> None:
    forever = threading.Event()
    with serving(response(b"1\n", forever)) as server:
        stream = ndstream.ndjson(get(server.url))
        got = [next(stream)]
        reader = threading.Thread(target=lambda: got.extend(stream), daemon=True)
        reader.start()
        # Until the read has begun there is nothing to end.
        while not stream._runs_elsewhere():
            forever.wait(0.01)
        forever.wait(0.05)
        watcher = threading.Thread(target=stream.close, daemon=True)
        watcher.start()
        watcher.join(5)
        reader.join(5)
        # The server waits twice as long.
        assert not watcher.is_alive()
        assert not reader.is_alive()
        assert got == [1]
        assert stream.closed
        forever.set()


def test_a_body_that_was_read_to_its_end_gives_the_connection_back(get: Any) -> None:
    with serving(response(b"1\n", b"2\n")) as server:
        for _ in range(3):
            assert list(ndstream.ndjson(get(server.url))) == [1, 2]
        assert server.connections == 1


@pytest.mark.parametrize("way", ["break", "with", "error", "dropped", "untouched"])
def test_a_stream_that_ends_early_closes_its_connection(get: Any, way: str) -> None:
    go_on = threading.Event()
    with serving(response(b"1\n", b"2\n", go_on, b"3\n" * 100_000)) as server:
        _leave(ndstream.ndjson(get(server.url)), way)
        gc.collect()
        go_on.set()
        assert is_http_client(get) or server.gone.wait(5)


def _leave(stream: Any, way: str) -> None:
    if way == "break":
        for value in stream:
            assert value == 1
            break
        stream.close()
    elif way == "with":
        with stream:
            assert next(stream) == 1
    elif way == "error":
        with pytest.raises(ZeroDivisionError), stream:
            for value in stream:
                value / 0
    elif way == "dropped":
        assert next(stream) == 1


async def _leave_async(stream: Any, way: str) -> None:
    if way == "break":
        async for value in stream:
            assert value == 1
            break
        await stream.aclose()
    elif way == "with":
        async with stream:
            assert await stream.__anext__() == 1
    elif way == "error":
        with pytest.raises(ZeroDivisionError):
            async with stream:
                async for value in stream:
                    value / 0
    elif way == "cancelled":
        with anyio.move_on_after(0.1) as scope:
            async for _ in stream:
                pass
        assert scope.cancelled_caught
        assert stream.closed
    elif way == "dropped":
        assert await stream.__anext__() == 1


async def _leave_early(name: str, way: str, server: Server, go_on: threading.Event) -> None:
    client, get = async_client(name)
    async with client:
        await _leave_async(ndstream.ndjson(await get(server.url)), way)
        gc.collect()
        for _ in range(20):
            await anyio.sleep(0.005)
        go_on.set()
        assert await anyio.to_thread.run_sync(server.gone.wait, 5)


WAYS = ["break", "with", "error", "cancelled", "dropped", "untouched"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ASYNC_CLIENTS)
def test_an_async_stream_that_ends_early_closes_its_connection(name: str, way: str) -> None:
    go_on = threading.Event()
    with serving(response(b"1\n", b"2\n", go_on, b"3\n" * 100_000)) as server:
        asyncio.run(_leave_early(name, way, server, go_on))
        gc.collect()


@pytest.mark.parametrize("way", WAYS)
# Generators inside httpx are left to trio, which warns of each.
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_a_stream_under_trio_that_ends_early_closes_its_connection(name: str, way: str) -> None:
    real_parts.library("trio")
    go_on = threading.Event()
    with serving(response(b"1\n", b"2\n", go_on, b"3\n" * 100_000)) as server:
        anyio.run(_leave_early, name, way, server, go_on, backend="trio")
        gc.collect()


async def _wakes(stream: Any) -> list[Any]:
    """What a task gets that waits for a chunk while another one closes the stream."""
    got: list[Any] = []

    async def read() -> None:
        async for value in stream:
            got.append(value)
        got.append("end")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            while not got:
                await anyio.sleep(0.001)
            await anyio.wait_all_tasks_blocked()
            await stream.aclose()
    assert stream.closed
    return got


async def _response_wakes(name: str, server: Server, go_on: threading.Event) -> None:
    client, get = async_client(name)
    async with client:
        response = await get(server.url)
        assert await _wakes(ndstream.ndjson(response)) == [1, "end"]
        go_on.set()
        assert await anyio.to_thread.run_sync(server.gone.wait, 5)


# Generators inside httpx are left to trio, which warns of each.
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
@pytest.mark.parametrize(
    ("name", "backend"),
    [("httpx", "asyncio"), ("httpx", "trio"), ("httpx2", "asyncio"), ("httpx2", "trio"), ("aiohttp", "asyncio")],
)
def test_closing_an_async_response_ends_the_read_of_another_task(name: str, backend: str) -> None:
    go_on = threading.Event()
    with serving(response(b"1\n", go_on)) as server:
        anyio.run(_response_wakes, name, server, go_on, backend=backend)
        gc.collect()


async def _stream_wakes(library: str, port: int) -> None:
    if library == "trio":
        source: Any = await real_parts.library("trio").open_tcp_stream("127.0.0.1", port)
    elif library == "tornado":
        source = await real_parts.library("tornado.tcpclient").TCPClient().connect("127.0.0.1", port)
    else:
        source = await anyio.connect_tcp("127.0.0.1", port)
    write = getattr(source, {"trio": "send_all", "tornado": "write"}.get(library, "send"))
    await write(b"GET / HTTP/1.1\r\n\r\n")
    # Its headers are lines that are no values.
    got = await _wakes(ndstream.ndjson(source, on_error="skip"))
    assert got[-1] == "end"


@pytest.mark.parametrize(
    ("library", "backend"), [("anyio", "asyncio"), ("anyio", "trio"), ("trio", "trio"), ("tornado", "asyncio")]
)
def test_closing_a_byte_stream_ends_the_read_of_another_task(library: str, backend: str) -> None:
    go_on = threading.Event()
    with serving(response(b"1\n", go_on)) as server:
        anyio.run(_stream_wakes, library, server.port, backend=backend)
        go_on.set()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_closing_a_stream_that_is_read_ahead_ends_the_read_of_another_task(backend: str) -> None:
    released: list[str] = []

    async def main() -> None:
        assert await _wakes(ndstream.ndjson(chunks_and_a_wait(b"1\n", released=released), prefetch=1)) == [1, "end"]
        assert released == ["released"]

    anyio.run(main, backend=backend)
