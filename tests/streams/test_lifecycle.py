"""However a stream of a real client ends, its response is released, and without a warning."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from loopback import Server, response, serving

DONE = [b'data: {"a":1}\n\n', b"data: [DONE]\n\n"]
VALUES = [{"a": 1}]
EVENTS = "text/event-stream"


def _httpx(name: str) -> Callable[[], Any]:
    def make() -> Any:
        client = real_parts.library(name).Client(verify=False)
        return client, lambda url: client.send(client.build_request("GET", url), stream=True)

    return make


def _requests() -> Any:
    session = real_parts.library("requests").Session()
    return session, lambda url: session.get(url, stream=True)


def _urllib3() -> Any:
    pool = real_parts.library("urllib3").PoolManager()
    pool.close = pool.clear
    return pool, lambda url: pool.request("GET", url, preload_content=False)


def _niquests() -> Any:
    session = real_parts.library("niquests").Session()
    return session, lambda url: session.get(url, stream=True)


def _http_client() -> Any:
    import http.client

    made: list[Any] = []

    class Client:
        def close(self) -> None:
            made[0].close()

    def get(url: str) -> Any:
        if not made:
            made.append(http.client.HTTPConnection(url.split("/")[2]))
        made[0].request("GET", "/")
        return made[0].getresponse()

    return Client(), get


CLIENTS: dict[str, Callable[[], Any]] = {
    "httpx": _httpx("httpx"),
    "httpx2": _httpx("httpx2"),
    "requests": _requests,
    "urllib3": _urllib3,
    "niquests": _niquests,
    "http.client": _http_client,
}


def _async_client(name: str) -> Any:
    """An async client, and how it gets a response."""
    library = real_parts.library(name)
    if name == "aiohttp":
        session = library.ClientSession()
        return session, session.get
    if name == "niquests":
        session = library.AsyncSession()
        return session, lambda url: session.get(url, stream=True)
    client = library.AsyncClient(verify=False)
    return client, lambda url: client.send(client.build_request("GET", url), stream=True)


ASYNC = ["httpx", "httpx2", "aiohttp", "niquests"]


@pytest.fixture(params=CLIENTS)
def get(request: pytest.FixtureRequest) -> Iterator[Any]:
    client, get = CLIENTS[request.param]()
    yield get
    client.close()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_connection_serves_the_next_request_after_the_sentinel(name: str) -> None:
    client, get = CLIENTS[name]()
    # The end of the body comes by itself, a little later.
    pause = threading.Event()
    answer = response(*DONE, lambda: pause.wait(0.02), kind=EVENTS)
    with serving(answer) as server:
        for _ in range(3):
            assert list(ndstream.stream(get(server.url))) == VALUES
        assert server.connections == 1
        client.close()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_timeout_of_the_client_is_the_same_after_the_drain(name: str) -> None:
    client, get = CLIENTS[name]()
    with serving(response(*DONE, kind=EVENTS), response(b"data: 2\n\n", lambda: threading.Event().wait(0.3))) as server:
        assert list(ndstream.stream(get(server.url))) == VALUES
        # Longer than the drain may wait.
        assert list(ndstream.stream(get(server.url), format="sse")) == [2]
        assert server.connections == 1
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


def test_a_server_that_keeps_the_stream_open_is_not_waited_for(get: Any) -> None:
    forever = threading.Event()
    answer = response(*DONE, forever, kind=EVENTS)
    with serving(answer) as server:
        stream = ndstream.stream(get(server.url))
        reader = threading.Thread(target=lambda: list(stream), daemon=True)
        reader.start()
        reader.join(5)
        # The server waits twice as long.
        assert not reader.is_alive()
        assert stream.closed
        forever.set()


def test_a_server_that_sends_on_behind_its_sentinel_is_not_read_for_long(get: Any) -> None:
    with serving(response(*DONE, *[b"x" * 9000] * 100, kind=EVENTS)) as server:
        stream = ndstream.stream(get(server.url))
        assert list(stream) == VALUES
        assert stream.closed
        assert _is_http_client(get) or server.gone.wait(5)


def _is_http_client(get: Any) -> bool:
    """What is not read of its response spoils the connection, and only the user has that to close."""
    return bool(get.__qualname__.startswith("_http_client"))


def test_without_a_drain_the_response_is_closed_at_once(get: Any) -> None:
    go_on = threading.Event()
    with serving(response(*DONE, go_on, kind=EVENTS)) as server:
        stream = ndstream.stream(get(server.url), drain=None)
        assert list(stream) == VALUES
        assert not go_on.is_set()
        go_on.set()


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
        assert _is_http_client(get) or server.gone.wait(5)


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


async def _reuse(name: str, server: Server) -> None:
    client, get = _async_client(name)
    async with client:
        for _ in range(3):
            stream = ndstream.stream(await get(server.url))
            assert [value async for value in stream] == VALUES
            assert stream.closed
        assert server.connections == 1


@pytest.mark.parametrize("name", ASYNC)
def test_an_async_connection_serves_the_next_request_after_the_sentinel(name: str) -> None:
    answer = response(*DONE, lambda: threading.Event().wait(0.02), kind=EVENTS)
    with serving(answer) as server:
        asyncio.run(_reuse(name, server))


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_a_connection_serves_the_next_request_under_trio(name: str) -> None:
    real_parts.library("trio")
    with serving(response(*DONE, lambda: threading.Event().wait(0.02), kind=EVENTS)) as server:
        anyio.run(_reuse, name, server, backend="trio")


async def _not_waited_for(name: str, server: Server) -> None:
    client, get = _async_client(name)
    async with client:
        with anyio.fail_after(5):
            stream = ndstream.stream(await get(server.url))
            assert [value async for value in stream] == VALUES
            assert stream.closed


@pytest.mark.parametrize("name", ASYNC)
def test_an_async_server_that_keeps_the_stream_open_is_not_waited_for(name: str) -> None:
    forever = threading.Event()
    with serving(response(*DONE, forever, kind=EVENTS)) as server:
        asyncio.run(_not_waited_for(name, server))
        forever.set()


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
    client, get = _async_client(name)
    async with client:
        await _leave_async(ndstream.ndjson(await get(server.url)), way)
        gc.collect()
        for _ in range(20):
            await anyio.sleep(0.005)
        go_on.set()
        assert await anyio.to_thread.run_sync(server.gone.wait, 5)


WAYS = ["break", "with", "error", "cancelled", "dropped", "untouched"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ASYNC)
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
