"""The end of a body after its sentinel is read, so that its connection is used again, and never waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from doubles.loopback import Server, response, serving
from real_parts.http_clients import ASYNC_CLIENTS, CLIENTS, async_client, is_http_client

DONE = [b'data: {"a":1}\n\n', b"data: [DONE]\n\n"]
VALUES = [{"a": 1}]
EVENTS = "text/event-stream"


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
        assert is_http_client(get) or server.gone.wait(5)


def test_without_a_drain_the_response_is_closed_at_once(get: Any) -> None:
    go_on = threading.Event()
    with serving(response(*DONE, go_on, kind=EVENTS)) as server:
        stream = ndstream.stream(get(server.url), drain=None)
        assert list(stream) == VALUES
        assert not go_on.is_set()
        go_on.set()


async def _reuse(name: str, server: Server) -> None:
    client, get = async_client(name)
    async with client:
        for _ in range(3):
            stream = ndstream.stream(await get(server.url))
            assert [value async for value in stream] == VALUES
            assert stream.closed
        assert server.connections == 1


@pytest.mark.parametrize("name", ASYNC_CLIENTS)
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
    client, get = async_client(name)
    async with client:
        with anyio.fail_after(5):
            stream = ndstream.stream(await get(server.url))
            assert [value async for value in stream] == VALUES
            assert stream.closed


@pytest.mark.parametrize("name", ASYNC_CLIENTS)
def test_an_async_server_that_keeps_the_stream_open_is_not_waited_for(name: str) -> None:
    forever = threading.Event()
    with serving(response(*DONE, forever, kind=EVENTS)) as server:
        asyncio.run(_not_waited_for(name, server))
        forever.set()


class AsyncResponse:
    """A response that is awaited, and what was taken of its body."""

    def __init__(self, *chunks: bytes) -> None:
        self.headers = {"Content-Type": EVENTS, "Transfer-Encoding": "chunked"}
        self.chunks = iter(chunks)
        self.taken = 0
        self.is_closed = False

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.taken += 1
            yield chunk

    async def aclose(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(("size", "taken"), [(100, 12), (10_000, 9)])
def test_an_awaited_body_is_read_to_its_end_unless_there_is_too_much_of_it(size: int, taken: int) -> None:
    async def main() -> None:
        got: Any = AsyncResponse(*DONE, *[b"x" * size] * 10)
        assert [value async for value in ndstream.stream(got)] == VALUES
        assert (got.taken, got.is_closed) == (taken, True)

    asyncio.run(main())
