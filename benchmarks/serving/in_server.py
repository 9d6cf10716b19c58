"""What a relay costs in a server: the CPU time of one process that is upstream, server and clients at once.

The same number of streams is forwarded by hand, as bytes; all else is the same, so that the difference is the relay's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import ndstream
from benchmarks.harness.rounds import Times
from benchmarks.serving.row import Row

STREAMS = 50
EVENTS = 50
PAUSE = 0.02
EVENT = b"data: " + b"x" * 240 + b"\n\n"
BY_HAND = "bytes forwarded by hand"


def rows(scale: float) -> Iterator[Row]:
    """One row for each client library."""
    streams = max(2, int(STREAMS * scale))
    for library, most in (("httpx", 1.05), ("aiohttp", 1.12)):

        def measure(seconds: float, library: str = library) -> dict[str, Times]:
            units = streams * EVENTS
            times = {"relay": Times(units), BY_HAND: Times(units)}
            for turn in range(7 if seconds else 1):
                for name in list(times) if turn % 2 else list(times)[::-1]:
                    times[name].nanoseconds.append(asyncio.run(_run(library, name == "relay", streams)))
            return times

        yield Row(
            f"relay in uvicorn, {library} upstream, {streams} streams of {EVENTS} events",
            {},
            "event",
            times_of={BY_HAND: most},
            measure=measure,
        )


async def _run(library: str, relayed: bool, streams: int) -> int:
    """The nanoseconds of CPU that so many streams take."""
    uvicorn: Any = import_module("uvicorn")
    responses: Any = import_module("starlette.responses")
    upstream = await asyncio.start_server(_upstream, "127.0.0.1", 0, backlog=1000)
    url = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}/"
    async with UpstreamClient(library) as client:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            async with client(url) as response:
                if relayed:
                    body: Any = ndstream.relay(response, format="sse")
                    headers = body.headers
                else:
                    body = response.content.iter_any() if library == "aiohttp" else response.aiter_bytes()
                    headers = {**ndstream.HEADERS, "Content-Type": "text/event-stream"}
                await responses.StreamingResponse(body, headers=headers)(scope, receive, send)

        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        await _read(port)
        began = time.process_time_ns()
        got = await asyncio.gather(*(_read(port) for _ in range(streams)))
        took = time.process_time_ns() - began
        assert set(got) == {EVENTS}, got
        server.should_exit = True
        await serving
    upstream.close()
    return took


async def _upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(EVENTS):
        writer.write(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
        await asyncio.sleep(PAUSE)
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    writer.close()


async def _read(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    data = await reader.read()
    events = data.count(b"data: ")
    while part := await reader.read(1 << 16):
        events += part.count(b"data: ")
    writer.close()
    return events


class UpstreamClient:
    """A client library as a context that gives a function from a URL to a context of its response."""

    def __init__(self, library: str) -> None:
        self._library = library

    async def __aenter__(self) -> Any:
        module: Any = import_module(self._library)
        if self._library == "aiohttp":
            self._session: Any = module.ClientSession(connector=module.TCPConnector(limit=0))
            return self._session.get
        limits = module.Limits(max_connections=None, max_keepalive_connections=0)
        self._session = module.AsyncClient(limits=limits, timeout=None)
        return lambda url: self._session.stream("GET", url)

    async def __aexit__(self, *error: object) -> None:
        await (self._session.close() if self._library == "aiohttp" else self._session.aclose())
