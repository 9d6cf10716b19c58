"""A server that shuts down with 200 open streams: each client gets its last event, and every upstream is released."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import ndstream
import real_parts

from .made_replies import chunk
from .relaying import run

STREAMS = 200
MISSING = "pip install 'ndstream[test-serving]'"
TOLD = {
    "openai-chat": b'data: {"error":{"message":"the server is shutting down"',
    "anthropic": b"event: error\ndata: ",
    "ui": b'data: {"type":"error","errorText":"the server is shutting down"}',
}

App = Callable[[Any, Any, Any], Awaitable[None]]


class Upstream:
    """A server whose responses begin and do not end."""

    def __init__(self) -> None:
        self.open = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.open += 1
        event = chunk(text="Hi")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        # Until the client is gone.
        await reader.read()
        self.open -= 1
        writer.close()


@asynccontextmanager
async def served(app: App) -> AsyncIterator[int]:
    """The port of an application in uvicorn."""
    uvicorn = real_parts.library("uvicorn", MISSING)
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await asyncio.wait_for(serving, 20)


async def read_all(port: int, began: asyncio.Semaphore) -> bytes:
    """What one client gets. It says when the first event is there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    data = await reader.readuntil(b"\n\n")
    began.release()
    data += await reader.read()
    writer.close()
    return data


async def all_began(began: asyncio.Semaphore) -> None:
    for _ in range(STREAMS):
        await asyncio.wait_for(began.acquire(), 20)


@pytest.mark.parametrize("to", TOLD)
def test_a_group_of_relays_ends_each_in_the_words_of_its_target_within_the_grace_time(to: Any) -> None:
    httpx = real_parts.library("httpx", MISSING)

    async def main() -> None:
        upstream = Upstream()
        group = ndstream.RelayGroup()
        source = await asyncio.start_server(upstream.answer, "127.0.0.1", 0, backlog=1000)
        url = f"http://127.0.0.1:{source.sockets[0].getsockname()[1]}/"
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=None, limits=limits) as client:

            async def app(scope: Any, receive: Any, send: Any) -> None:
                response = await client.send(client.build_request("GET", url), stream=True)
                await group.relay(response, to)(scope, receive, send)

            async with served(app) as port:
                began = asyncio.Semaphore(0)
                clients = [asyncio.create_task(read_all(port, began)) for _ in range(STREAMS)]
                await all_began(began)
                assert len(group) == upstream.open == STREAMS
                assert await group.aclose(grace=10) == 0
                bodies = await asyncio.gather(*clients)
                # One that comes meanwhile is told as well.
                bodies.append(await read_all(port, began))
        assert all(TOLD[to] in body and b"[DONE]" not in body for body in bodies)
        assert all(body.endswith(b"\r\n0\r\n\r\n") for body in bodies)
        for _ in range(100):
            if not upstream.open:
                break
            await asyncio.sleep(0.02)
        assert upstream.open == 0
        source.close()

    run(main)


def test_a_broadcast_ends_for_each_client_within_the_grace_time() -> None:
    async def main() -> None:
        broadcast = ndstream.Broadcast()
        async with served(broadcast) as port:
            began = asyncio.Semaphore(0)
            clients = [asyncio.create_task(read_all(port, began)) for _ in range(STREAMS)]
            await all_began(began)
            assert broadcast.subscribers == STREAMS
            await broadcast.publish("news")
            assert await broadcast.aclose(grace=10) == 0
            bodies = await asyncio.gather(*clients)
        assert all(b"data: news" in body and b'"shutdown"' in body for body in bodies)
        assert len({body.partition(b"\n\n")[0] for body in bodies}) > STREAMS // 2, "each has its own time to wait"

    run(main)


def test_clients_that_do_not_read_are_cut_off_after_the_grace_time() -> None:
    async def main() -> None:
        broadcast = ndstream.Broadcast(max_events=10)
        event = "x" * 100_000
        async with served(broadcast) as port:
            writers = []
            for _ in range(20):
                _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                writers.append(writer)
            while broadcast.subscribers < 20:
                await asyncio.sleep(0.01)
            # More than the sockets hold: they do not read on.
            for _ in range(100):
                await broadcast.publish(event)
                await asyncio.sleep(0.002)
            assert await broadcast.aclose(grace=0.3) == 20
            while broadcast.subscribers:
                await asyncio.sleep(0.01)
            for writer in writers:
                writer.close()

    run(main)
