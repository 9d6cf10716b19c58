"""What a relay costs without sockets, beside httpx-sse's decoder and sse-starlette's encoder on the same bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import Any

import ndstream
from benchmarks.harness import shapes
from benchmarks.harness.rounds import Loop
from benchmarks.serving.row import Row

EVENTS = 5000


def rows(scale: float) -> Iterator[Row]:
    """The rows of the relays."""
    events = max(100, int(EVENTS * scale))
    shape = shapes.openai_events(events)
    large = shapes.cut(shape.data, 64 * shapes.KIB)
    small = list(shape.pieces)

    def verbatim(chunks: list[bytes]) -> bytes:
        return b"".join(ndstream.relay(chunks, format="sse"))

    def text(chunks: list[bytes]) -> bytes:
        return b"".join(ndstream.relay(chunks, "text", format="sse"))

    assert verbatim(large) == verbatim(small) == shape.data
    assert [event.data for event in ndstream.sse(by_peers(small))] == [event.data for event in ndstream.sse(small)]

    def loop(run: Callable[[list[bytes]], object], chunks: list[bytes]) -> Loop:
        return Loop(lambda: run(chunks), events)

    for name, chunks, limit, times in (("64 KiB a chunk", large, 300, 10), ("an event a chunk", small, 1000, 4)):
        yield Row(
            f"relay of events, verbatim, {name}",
            {
                "relay": loop(verbatim, chunks),
                "httpx-sse decode + sse-starlette encode": loop(by_peers, chunks),
            },
            "event",
            at_most=limit,
            faster_than={"httpx-sse decode + sse-starlette encode": times},
        )

    def awaited(heartbeat: float | None) -> Loop:
        return Loop(lambda: asyncio.run(_awaited(small, heartbeat)), events)

    yield Row(
        "heartbeats while data flows, an awaited event a chunk",
        {"relay with heartbeats": awaited(15.0), "relay without": awaited(None)},
        "event",
        times_of={"relay without": 1.02},
    )
    yield Row("relay of an OpenAI reply as text, an event a chunk", {"relay": loop(text, small)}, "event")


async def _awaited(chunks: list[bytes], heartbeat: float | None) -> None:
    """A relay of an upstream whose every chunk is waited for."""
    loop = asyncio.get_running_loop()

    async def upstream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            arrived = loop.create_future()
            loop.call_soon(arrived.set_result, None)
            await arrived
            yield chunk

    async for _ in ndstream.relay(upstream(), format="sse", heartbeat=heartbeat):
        pass


def by_peers(chunks: list[bytes]) -> bytes:
    """What a service writes today: the one library's decoder, the other's encoder."""
    decoders: Any = import_module("httpx_sse._decoders")
    event_type: Any = import_module("sse_starlette.sse").ServerSentEvent
    lines, events = decoders.SSELineDecoder(), decoders.SSEDecoder()
    written = []
    for chunk in chunks:
        for line in lines.decode(chunk.decode()):
            event = events.decode(line.rstrip("\n"))
            if event is not None:
                written.append(event_type(data=event.data, event=event.event, id=event.id or None).encode())
    return b"".join(written)
