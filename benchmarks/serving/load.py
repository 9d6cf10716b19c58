"""A thousand relayed streams in one process that is upstream, server and clients at once: CPU, memory and lag.

Beside the relay are the bytes forwarded by hand, and what a service writes with httpx, httpx-sse and sse-starlette.
"""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from statistics import median
from typing import Any

import ndstream
from benchmarks.harness.report import Line
from benchmarks.harness.rounds import Times
from benchmarks.serving.in_server import BY_HAND, UpstreamClient
from benchmarks.serving.row import Row

STREAMS = 1000
EVENTS = 50
PAUSE = 0.0003
"""Seconds between two events of a stream, for each stream: the process is busy, and keeps up."""
PEERS = "httpx + httpx-sse + sse-starlette"
KIB_A_STREAM = 12


def rows(scale: float) -> Iterator[Row]:
    """One row for each client library."""
    streams = max(5, int(STREAMS * scale))
    for library, less in (("httpx", 1.3), ("aiohttp", 2.7)):
        further: list[Line] = []

        def measure(seconds: float, library: str = library, further: list[Line] = further) -> dict[str, Times]:
            times = {name: Times(streams * EVENTS) for name in _BODIES}
            lags: dict[str, list[float]] = {name: [] for name in times}
            for turn in range(3 if seconds else 1):
                for name in list(times) if turn % 2 else list(times)[::-1]:
                    times[name].nanoseconds.append(asyncio.run(_run(library, _BODIES[name], streams, lags[name])))
            for name, seen in lags.items():
                seen.sort()
                p99 = seen[len(seen) * 99 // 100] * 1000
                further.append(Line(f"lag, {name}", f"{median(seen) * 1000:.1f} ms", f"p99 {p99:.1f} ms"))
            sizes = {name: _memory(library, name, max(5, streams // 5)) for name in ("relay", BY_HAND)}
            more = (sizes["relay"] - sizes[BY_HAND]) / 1024
            further.append(Line.of_amount(f"memory a stream beyond {BY_HAND}", more, "KiB", KIB_A_STREAM))
            return times

        yield Row(
            f"{streams} relayed streams of {EVENTS} events, {library} upstream",
            {},
            "event",
            faster_than={PEERS: less},
            measure=measure,
            further=further,
        )


def _memory(library: str, name: str, streams: int) -> float:
    """Bytes that Python holds for each stream while all are open."""
    gc.collect()
    tracemalloc.start()
    try:
        held: list[int] = []
        asyncio.run(_run(library, _BODIES[name], streams, [], held))
    finally:
        tracemalloc.stop()
    return (held[1] - held[0]) / streams


async def _run(
    library: str, make: Callable[[str, Any], Any], streams: int, lags: list[float], held: list[int] | None = None
) -> int:
    """The nanoseconds of CPU that so many streams take.

    Args:
        library: The client of the upstream.
        make: Makes the response to a client of the upstream's response.
        streams: How many at once.
        lags: Gets the seconds from the writing of each event to its arrival.
        held: Gets the bytes that Python holds before, and while all streams are open.
    """
    uvicorn: Any = import_module("uvicorn")
    pause = PAUSE * streams
    upstream = await asyncio.start_server(partial(_upstream, pause), "127.0.0.1", 0, backlog=2 * STREAMS)
    url = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}/"
    async with UpstreamClient("httpx" if make is _peers else library) as client:

        async def app(scope: Any, receive: Any, send: Any) -> None:
            async with client(url) as response:
                await make(library, response)(scope, receive, send)

        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none", backlog=2 * STREAMS)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        await _read(port, [])
        gc.collect()
        if held is not None:
            held.append(tracemalloc.get_traced_memory()[0])
        began = time.process_time_ns()
        reading = [asyncio.create_task(_read(port, lags)) for _ in range(streams)]
        if held is not None:
            await asyncio.sleep(EVENTS * pause * 0.6)
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
        got = await asyncio.gather(*reading)
        took = time.process_time_ns() - began
        assert set(got) == {EVENTS}, set(got)
        server.should_exit = True
        await serving
    upstream.close()
    return took


async def _upstream(pause: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(EVENTS):
        event = b"data: %.6f %b\n\n" % (time.perf_counter(), b"x" * 220)
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.sleep(pause)
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    writer.close()


async def _read(port: int, lags: list[float]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    events = 0
    while part := await reader.read(1 << 16):
        now = time.perf_counter()
        for piece in part.split(b"data: ")[1:]:
            events += 1
            lags.append(now - float(piece[:20].split(b" ")[0]))
    writer.close()
    return events


def _relay(library: str, response: Any) -> Any:
    relay = ndstream.relay(response, format="sse")
    return _streaming(relay, relay.headers)


def _by_hand(library: str, response: Any) -> Any:
    return _streaming(_chunks(library, response), {**ndstream.HEADERS, "Content-Type": "text/event-stream"})


def _peers(library: str, response: Any) -> Any:
    source: Any = import_module("httpx_sse").EventSource(response)
    sse: Any = import_module("sse_starlette.sse")

    async def events() -> Any:
        async for event in source.aiter_sse():
            yield sse.ServerSentEvent(data=event.data, event=event.event, id=event.id or None)

    return sse.EventSourceResponse(events())


def _chunks(library: str, response: Any) -> Any:
    return response.content.iter_any() if library == "aiohttp" else response.aiter_bytes()


def _streaming(body: Any, headers: dict[str, str]) -> Any:
    return import_module("starlette.responses").StreamingResponse(body, headers=headers)


_BODIES: dict[str, Callable[[str, Any], Any]] = {"relay": _relay, BY_HAND: _by_hand, PEERS: _peers}
