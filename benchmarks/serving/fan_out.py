"""What it costs to send one event to a thousand clients of one event loop.

Beside the broadcast are what services write by hand: a bounded queue for each client, and one list with a place for
each, whose readers wait for one `asyncio.Event` a round. The loop is uvloop's, as servers use it.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import Any

import ndstream
from benchmarks.harness.rounds import Times
from benchmarks.serving.row import Row

SUBSCRIBERS = 1000
EVENTS = 50
PAYLOAD = b"x" * 240

Publish = Callable[[], object]
Subscribe = Callable[[], AsyncIterator[bytes]]


def rows(scale: float) -> Iterator[Row]:
    """The row of the broadcast."""
    subscribers = max(10, int(SUBSCRIBERS * scale))
    uvloop: Any = import_module("uvloop")

    def measure(seconds: float) -> dict[str, Times]:
        times = {name: Times(subscribers * EVENTS) for name in _CONTENDERS}
        for _ in range(9 if seconds else 1):
            for name, make in _CONTENDERS.items():
                gc.collect()
                times[name].nanoseconds.append(uvloop.run(_run(make, subscribers)))
        return times

    yield Row(f"an event to {subscribers} subscribers", {}, "subscriber and event", at_most=1500, measure=measure)


async def _run(make: Callable[[], tuple[Publish, Subscribe]], subscribers: int) -> int:
    """The nanoseconds of CPU until each subscriber has got each event, one after the other."""
    publish, subscribe = make()
    received = 0

    async def client(messages: AsyncIterator[bytes]) -> None:
        nonlocal received
        async for _ in messages:
            received += 1

    tasks = [asyncio.create_task(client(subscribe())) for _ in range(subscribers)]
    for _ in range(3):
        await asyncio.sleep(0)
    began = time.process_time_ns()
    for number in range(EVENTS):
        publish()
        while received < (number + 1) * subscribers:
            await asyncio.sleep(0)
    took = time.process_time_ns() - began
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return took


def _broadcast() -> tuple[Publish, Subscribe]:
    broadcast = ndstream.Broadcast(retry=None)
    return lambda: broadcast.publish_nowait(PAYLOAD), broadcast.subscribe


def _queues() -> tuple[Publish, Subscribe]:
    queues: list[asyncio.Queue[bytes]] = []

    def publish() -> None:
        event = ndstream.encode_sse(PAYLOAD)
        for queue in queues:
            queue.put_nowait(event)

    async def messages(queue: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
        while True:
            yield await queue.get()

    def subscribe() -> AsyncIterator[bytes]:
        queues.append(asyncio.Queue(100))
        return messages(queues[-1])

    return publish, subscribe


def _list_and_event() -> tuple[Publish, Subscribe]:
    events: list[bytes] = []
    news = asyncio.Event()

    def publish() -> None:
        nonlocal news
        events.append(ndstream.encode_sse(PAYLOAD))
        old, news = news, asyncio.Event()
        old.set()

    async def subscribe() -> AsyncIterator[bytes]:
        place = len(events)
        while True:
            while place == len(events):
                await news.wait()
            yield events[place]
            place += 1

    return publish, subscribe


_CONTENDERS: dict[str, Callable[[], tuple[Publish, Subscribe]]] = {
    "broadcast": _broadcast,
    "a queue for each": _queues,
    "a list, and an asyncio.Event a round": _list_and_event,
}
