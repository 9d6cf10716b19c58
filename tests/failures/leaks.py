"""Round after round of success and of each way to fail, and what the process holds after them.

    cd tests && PYTHONPATH=.:conformance:.. ../.venv/bin/python -m failures.leaks [--rounds 100000] [NAME ...]

A round that leaves a block behind leaves as many blocks behind as there are rounds; some code keeps a few once.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import ndstream
from doubles.sources import AsyncBytes
from failures.uses import BAD_LINES, CHAT, EVENTS, JSON_EVENTS, LINES
from ndstream import llm, serving

TURN = 100
"""How many rounds an event loop lives for."""


class Held(NamedTuple):
    """What a process holds."""

    blocks: int
    kilobytes: int
    descriptors: int
    threads: int


def held() -> Held:
    gc.collect()
    with open("/proc/self/statm") as file:
        kilobytes = int(file.read().split()[1]) * (os.sysconf("SC_PAGESIZE") // 1024)
    return Held(sys.getallocatedblocks(), kilobytes, len(os.listdir("/proc/self/fd")), threading.active_count())


def chunks_of(data: bytes, size: int = 40) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


class Source:
    """A source that is called, and fails at its end if it is told to."""

    def __init__(self, data: bytes, failure: BaseException | None = None) -> None:
        self.left = chunks_of(data)
        self.failure = failure

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> bytes:
        if self.left:
            return self.left.pop(0)
        raise StopIteration if self.failure is None else self.failure

    def close(self) -> None:
        self.left.clear()


class AsyncSource(Source):
    """A source that is awaited; after its end it waits for ever if it is told to."""

    def __init__(self, data: bytes, failure: BaseException | None = None, waits: bool = False) -> None:
        super().__init__(data, failure)
        self.waits = waits

    def __aiter__(self) -> AsyncSource:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        if self.left:
            return self.left.pop(0)
        if self.waits:
            await asyncio.get_running_loop().create_future()
        raise StopAsyncIteration if self.failure is None else self.failure

    async def aclose(self) -> None:
        self.left.clear()


class Response(Source):
    """A response of a sync client."""

    status_code = 200
    stream: Any = ()

    def __init__(self, data: bytes, failure: BaseException | None = None, status: int = 200) -> None:
        super().__init__(data, failure)
        self.status_code = status
        self.headers = {"Content-Type": "text/event-stream"}

    def iter_bytes(self) -> Iterator[bytes]:
        return self

    def aiter_bytes(self) -> Any:
        raise NotImplementedError


class AsyncResponse(AsyncSource):
    """A response of an async client."""

    status_code = 200
    stream = AsyncBytes()

    def __init__(self, data: bytes, failure: BaseException | None = None) -> None:
        super().__init__(data, failure)
        self.headers = {"Content-Type": "text/event-stream"}

    def iter_bytes(self) -> Any:
        raise NotImplementedError

    def aiter_bytes(self) -> AsyncSource:
        return self


class Refused(Exception):
    """What a callback raises."""


def refuse(*arguments: Any) -> Any:
    raise Refused


def take(stream: Any) -> None:
    """All there is, whatever comes; an error that comes again ends it."""
    with stream:
        for _ in range(20):
            try:
                for _ in stream:
                    pass
                return
            except (ndstream.StreamError, Refused, llm.ReplyError, KeyboardInterrupt):
                pass


async def take_async(stream: Any) -> None:
    async with stream:
        for _ in range(20):
            try:
                async for _ in stream:
                    pass
                return
            except (ndstream.StreamError, Refused, llm.ReplyError):
                pass


def first(stream: Any) -> None:
    """One value, and then the stream is closed in the middle."""
    with stream:
        next(iter(stream))


async def first_async(stream: Any) -> None:
    async with stream:
        await anext(aiter(stream))


async def cancelled(stream: Any) -> None:
    """The task that reads is cancelled while it waits."""
    task = asyncio.ensure_future(take_async(stream))
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def closed_by_another_task(stream: Any) -> None:
    task = asyncio.ensure_future(take_async(stream))
    for _ in range(20):
        await asyncio.sleep(0)
    await stream.aclose()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def left_alone(stream: Any) -> None:
    """Nobody closes it."""
    await anext(aiter(stream))


async def stalled() -> None:
    await take_async(ndstream.ndjson(AsyncSource(LINES, waits=True), idle_timeout=0.001))


def reconnecting() -> None:
    answers = iter(
        [Response(EVENTS), Response(b"", ConnectionResetError()), Response(EVENTS), Response(b"", status=204)]
    )
    with serving.EventSource(lambda headers: next(answers), delay=lambda attempt, retry: 0.0) as source:
        for _ in source:
            pass


async def reconnecting_async() -> None:
    answers = iter([AsyncResponse(EVENTS), AsyncResponse(b"", ConnectionResetError()), AsyncResponse(EVENTS)])
    source = serving.EventSource(lambda headers: next(answers), delay=lambda attempt, retry: 0.0)
    async with source:
        seen = 0
        async for _ in source:
            seen += 1
            if seen == 8:
                return


async def told_to_many() -> None:
    told = serving.Broadcast(AsyncSource(JSON_EVENTS), format="sse", heartbeat=None)
    await asyncio.gather(*(take_async(told.subscribe()) for _ in range(3)))
    await told.aclose()


async def disconnected() -> None:
    """A client of an ASGI server leaves in the middle."""
    relay = serving.relay(AsyncSource(JSON_EVENTS, waits=True), format="sse")
    messages = 0

    async def receive() -> Any:
        while messages < 2:
            await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal messages
        messages += 1
        await asyncio.sleep(0)

    await relay({"type": "http", "method": "GET", "asgi": {"spec_version": "2.4"}}, receive, send)


def lines(data: bytes, failure: BaseException | None = None, **options: Any) -> Any:
    return ndstream.ndjson(Source(data, failure), **options)


def reply(data: bytes, failure: BaseException | None = None) -> Any:
    return llm.reply(Source(data, failure))


def async_lines(data: bytes, failure: BaseException | None = None, **options: Any) -> Any:
    return ndstream.ndjson(AsyncSource(data, failure), **options)


def relay_of(data: bytes, to: Any = None, failure: BaseException | None = None) -> Any:
    return serving.relay(Source(data, failure), to, format=None if to == "text" else "sse", heartbeat=None)


CUT_CHAT = CHAT[: CHAT.index(b"lo")]
ROUNDS: dict[str, Callable[[], Any]] = {
    "lines": lambda: take(lines(LINES)),
    "events": lambda: take(ndstream.sse(Source(EVENTS))),
    "values": lambda: take(ndstream.stream(Source(JSON_EVENTS))),
    "reply": lambda: take(reply(CHAT)),
    "bad frames raised": lambda: take(lines(BAD_LINES)),
    "bad frames skipped": lambda: take(lines(BAD_LINES, on_error="skip")),
    "bad frames handled": lambda: take(lines(BAD_LINES, on_error=str)),
    "too large": lambda: take(lines(LINES, max_frame_size=20)),
    "truncated": lambda: take(lines(b'1\n{"a":')),
    "no sentinel": lambda: take(ndstream.stream(Source(EVENTS), format="sse", done=b"X", require_done=True)),
    "loads raises": lambda: take(lines(LINES, loads=refuse)),
    "on_error raises": lambda: take(lines(BAD_LINES, on_error=refuse)),
    "on_comment raises": lambda: take(ndstream.sse(Source(EVENTS), on_comment=refuse)),
    "source fails": lambda: take(lines(LINES, ConnectionResetError("reset"))),
    "source is interrupted": lambda: take(lines(LINES, KeyboardInterrupt())),
    "closed in the middle": lambda: first(lines(LINES)),
    "never begun": lambda: lines(LINES),
    "read ahead": lambda: take(lines(LINES, prefetch=2)),
    "read ahead, closed in the middle": lambda: first(lines(LINES * 9, prefetch=2)),
    "reply cut": lambda: take(reply(CUT_CHAT)),
    "reply of an error": lambda: take(reply(b'{"error":{"message":"no","type":"invalid_request_error"}}')),
    "reply closed in the middle": lambda: first(reply(CHAT)),
    "reply whose source fails": lambda: take(reply(CUT_CHAT, ConnectionResetError("reset"))),
    "relay": lambda: take(relay_of(JSON_EVENTS)),
    "relay to a target": lambda: take(relay_of(CHAT, "text")),
    "relay of a failing source": lambda: take(relay_of(JSON_EVENTS[:50], failure=ConnectionResetError("reset"))),
    "relay closed in the middle": lambda: first(relay_of(JSON_EVENTS)),
    "event source": reconnecting,
    "async lines": lambda: take_async(async_lines(LINES)),
    "async bad frames": lambda: take_async(async_lines(BAD_LINES)),
    "async truncated": lambda: take_async(async_lines(b'1\n{"a":')),
    "async source fails": lambda: take_async(async_lines(LINES, ConnectionResetError("reset"))),
    "async closed in the middle": lambda: first_async(async_lines(LINES)),
    "async left alone": lambda: left_alone(async_lines(LINES)),
    "async read ahead": lambda: take_async(async_lines(LINES, prefetch=2)),
    "async read ahead, left alone": lambda: left_alone(async_lines(LINES * 9, prefetch=2)),
    "async reply": lambda: take_async(llm.reply(AsyncSource(CHAT))),
    "async reply cut": lambda: take_async(llm.reply(AsyncSource(CUT_CHAT))),
    "cancelled": lambda: cancelled(ndstream.ndjson(AsyncSource(LINES, waits=True))),
    "closed by another task": lambda: closed_by_another_task(ndstream.ndjson(AsyncSource(LINES, waits=True))),
    "stalled": stalled,
    "async relay": lambda: take_async(serving.relay(AsyncSource(JSON_EVENTS), format="sse")),
    "async relay cancelled": lambda: cancelled(serving.relay(AsyncSource(JSON_EVENTS, waits=True), format="sse")),
    "async relay, client gone": disconnected,
    "async event source": reconnecting_async,
    "broadcast": told_to_many,
}


async def in_one_loop(begin: Callable[[], Any], rounds: int) -> int:
    for _ in range(rounds):
        await begin()
    gc.collect()
    for _ in range(10):
        await asyncio.sleep(0)
    # The task that asks is one of them.
    return len(asyncio.all_tasks()) - 1


def run(name: str, rounds: int) -> int:
    """Run so many rounds. Returns how many tasks were left in the event loops."""
    begin = ROUNDS[name]
    if name not in ASYNC:
        for _ in range(rounds):
            begin()
        return 0
    left = 0
    for done in range(0, rounds, TURN):
        left += asyncio.run(in_one_loop(begin, min(TURN, rounds - done)))
    return left


ASYNC = {name for name in ROUNDS if list(ROUNDS).index(name) > list(ROUNDS).index("event source")}


def growth(name: str, rounds: int, warm_up: int = 60) -> tuple[Held, int]:
    """What the process holds more after so many rounds, and the tasks that were left."""
    run(name, warm_up)
    before = held()
    tasks = run(name, rounds)
    after = held()
    return Held(*(now - then for now, then in zip(after, before, strict=True))), tasks


def leaks(grown: Held, tasks: int, rounds: int) -> bool:
    """Whether it is more than code keeps once."""
    return (
        grown.blocks > min(50 + rounds // 2, 300)
        or grown.kilobytes > 4096 + rounds // 100
        or grown.descriptors > 0
        or grown.threads > 0
        or tasks > 0
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m failures.leaks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100_000)
    parser.add_argument("names", nargs="*", default=list(ROUNDS), metavar="NAME")
    options = parser.parse_args()
    for name in options.names:
        if name not in ROUNDS:
            parser.error(f"there are no rounds of {name!r}, but of {', '.join(ROUNDS)}")
    found = False
    print("rounds | name | blocks | kB | descriptors | threads | tasks | seconds")
    for name in options.names:
        began = time.perf_counter()
        grown, tasks = growth(name, options.rounds, warm_up=min(1000, options.rounds))
        seconds = time.perf_counter() - began
        leaked = leaks(grown, tasks, options.rounds)
        found = found or leaked
        print(options.rounds, name, *grown, tasks, f"{seconds:.0f}", "LEAK" if leaked else "", sep=" | ", flush=True)
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
