"""How an async relay waits, how it lets go of its upstream, and that it costs an event loop nothing."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import weakref
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from ndstream.serving import _async_release as async_release
from ndstream.serving._relay import async_relay, consumer_watch
from ndstream.serving._relay.async_reads import TrioRead
from serving.relaying import Response, Upstream, collect, relayed, run

BEAT = b":\n\n"
A, B = b"data: a\n\n", b"data: b\n\n"


async def settle() -> None:
    """Let everything run that is due."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_slow_client_stops_the_reading() -> None:
    async def main() -> None:
        upstream = Upstream(*[A] * 100)
        relay = relayed(upstream, format="sse")
        await anext(relay)
        await settle()
        assert upstream.taken == 1
        await relay.aclose()

    run(main)


CHUNK = b'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
RELAYED: dict[str, tuple[bytes, dict[str, Any]]] = {
    "verbatim": (A, {"format": "sse"}),
    "verbatim, by its first bytes": (A, {}),
    "reframed": (b'data: {"a":1}\n\n', {"to": "ndjson", "format": "sse"}),
    "reframed, by its first bytes": (b'data: {"a":1}\n\n', {"to": "ndjson"}),
    "ui": (CHUNK, {"to": "ui"}),
    "openai-chat": (CHUNK, {"to": "openai-chat"}),
    "anthropic": (CHUNK, {"to": "anthropic"}),
    "ag-ui": (CHUNK, {"to": "ag-ui"}),
    "done_event": (CHUNK, {"done_event": True, "format": "sse"}),
}


@pytest.mark.parametrize(("body", "options"), RELAYED.values(), ids=RELAYED)
def test_a_relay_that_ended_is_freed_at_once_and_not_at_the_next_collection(
    body: bytes, options: dict[str, Any]
) -> None:
    async def main() -> None:
        # What is loaded, and kept, at the first use is none of it.
        await collect(relayed(Upstream(body), **options))
        gc.collect()
        gc.disable()
        try:
            relay = relayed(Upstream(body), **options)
            kept = [weakref.ref(each) for each in (relay, relay._converter, relay._upstream)]
            got = await collect(relay)
            assert got
            assert relay.failure is None
            del relay
            assert [each() for each in kept] == [None, None, None]
        finally:
            gc.enable()

    run(main)


# Ways out


@pytest.mark.parametrize("heartbeat", [None, 0.01])
def test_cancelling_the_task_that_waits_releases_the_upstream_once(heartbeat: float | None) -> None:
    async def main() -> None:
        upstream = Upstream(A, asyncio.Event())
        relay = relayed(upstream, format="sse", heartbeat=heartbeat)
        task = asyncio.create_task(collect(relay))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (upstream.closed, upstream.cancelled, relay.closed) == (1, 1, True)

    run(main)


def test_a_cancelled_scope_of_anyio_releases_the_upstream() -> None:
    async def main() -> None:
        upstream = Upstream(A, anyio.Event())
        relay = relayed(upstream, format="sse", heartbeat=0.01)
        with anyio.move_on_after(0.05):
            await collect(relay)
        await asyncio.sleep(0)
        assert (upstream.closed, relay.closed) == (1, True)

    anyio.run(main)


def test_trio_releases_the_upstream_too() -> None:
    async def main() -> None:
        upstream = Upstream(A, anyio.Event())
        with anyio.move_on_after(0.05):
            await collect(relayed(upstream, format="sse"))
        assert upstream.closed == 1
        assert await collect(relayed(Upstream(A, B), format="sse")) == [A, B]
        stopped = relayed(Upstream(A, anyio.Event()), format="sse")
        assert await anext(stopped) == A
        async with anyio.create_task_group() as group:
            messages: list[bytes] = []

            async def read() -> None:
                messages.extend(await collect(stopped))

            group.start_soon(read)
            await anyio.sleep(0.02)
            stopped.end_with(ndstream.serving.Failure("bye", "shutdown"))
        assert b"bye" in messages[-1]

    anyio.run(main, backend="trio")


class SlowToClose(Upstream):
    """Takes its time, and counts only what was closed to the end."""

    def __init__(self, *parts: Any, seconds: float) -> None:
        super().__init__(*parts)
        self.seconds = seconds

    async def aclose(self) -> None:
        await asyncio.sleep(self.seconds)
        self.closed += 1


def test_a_second_cancellation_does_not_stop_the_release() -> None:
    async def main() -> None:
        upstream = SlowToClose(asyncio.Event(), seconds=0.05)
        task = asyncio.create_task(collect(relayed(upstream, format="sse")))
        await settle()
        task.cancel()
        await settle()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)
        assert upstream.closed == 1

    run(main)


def test_a_release_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_release, "RELEASE_SECONDS", 0.05)

    async def main() -> None:
        upstream = SlowToClose(A, seconds=1000)
        assert await collect(relayed(upstream, format="sse")) == [A]
        waiting = SlowToClose(asyncio.Event(), seconds=1000)
        task = asyncio.create_task(collect(relayed(waiting, format="sse")))
        await settle()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)


def test_a_task_that_ends_without_closing_has_the_upstream_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_watch, "ABANDONED_SECONDS", 0.05)

    async def main() -> None:
        upstream = Upstream(A, B)
        relay = relayed(upstream, format="sse")

        async def take_one() -> bytes:
            return await anext(relay)

        assert await asyncio.create_task(take_one()) == A
        await asyncio.sleep(0.01)
        assert upstream.closed == 0
        # Another task may go on meanwhile.
        assert await asyncio.create_task(take_one()) == B
        await asyncio.sleep(0.1)
        assert (upstream.closed, relay.closed) == (1, True)

    run(main)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Task.cancelling came with CPython 3.11")
def test_a_task_that_is_cancelled_while_it_sends_has_the_upstream_released_at_once() -> None:
    async def main() -> None:
        upstream = Upstream(A, B)
        relay = relayed(upstream, format="sse")

        async def send() -> None:
            async for _ in relay:
                await asyncio.sleep(1000)

        task = asyncio.create_task(send())
        await settle()
        task.cancel()
        await settle()
        # The relay is still referred to, and nobody has closed it.
        assert upstream.closed == 1

    run(main)


def test_a_relay_that_is_dropped_releases_its_upstream() -> None:
    async def main() -> None:
        for begun in (False, True):
            upstream = Upstream(A, B)
            relay = relayed(upstream, format="sse")
            if begun:
                await anext(relay)
            del relay
            gc.collect()
            await settle()
            assert upstream.closed == 1

    run(main)


def test_a_relay_that_is_never_iterated_is_released_by_aclose_and_with() -> None:
    async def main() -> None:
        upstream = Upstream(A)
        async with relayed(upstream, format="sse"):
            pass
        other = Upstream(A)
        relay = relayed(other, format="sse")
        await relay.aclose()
        await relay.aclose()
        assert await collect(relay) == []
        assert (upstream.closed, other.closed) == (1, 1)

    run(main)


def test_closing_from_another_task_ends_the_wait_at_once() -> None:
    async def main() -> None:
        upstream = Upstream(A, asyncio.Event())
        relay = relayed(upstream, format="sse")
        task = asyncio.create_task(collect(relay))
        await settle()
        await relay.aclose()
        assert await asyncio.wait_for(task, 5) == [A]
        assert upstream.closed == 1

    run(main)


def test_two_tasks_cannot_iterate_at_once() -> None:
    async def main() -> None:
        relay = relayed(Upstream(asyncio.Event()), format="sse")
        task = asyncio.create_task(collect(relay))
        await settle()
        with pytest.raises(RuntimeError, match="running already"):
            await anext(relay)
        await relay.aclose()
        assert await task == []

    run(main)


def test_an_endless_source_lets_others_run() -> None:
    async def main() -> None:
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield A

        relay = relayed(endless(), format="sse")
        turns = 0

        async def others() -> None:
            nonlocal turns
            while turns < 10:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        count = 0
        async for _ in relay:
            count += 1
            if count == 1000:
                break
        assert turns == 10
        await task
        await relay.aclose()

    run(main)


def test_an_async_generator_that_holds_a_connection_is_unwound() -> None:
    async def main() -> None:
        left = []

        async def upstream() -> AsyncIterator[bytes]:
            try:
                yield A
                await asyncio.sleep(1000)
            finally:
                await asyncio.sleep(0)
                left.append("closed")

        for heartbeat in (None, 0.01):
            relay = relayed(upstream(), format="sse", heartbeat=heartbeat)
            task = asyncio.create_task(collect(relay))
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert left == ["closed"] * 2
        # A read that was left waiting when a heartbeat was due is ended by closing.
        relay = relayed(upstream(), format="sse", heartbeat=0.01)
        assert [await anext(relay), await anext(relay)] == [A, BEAT]
        await relay.aclose()
        assert left == ["closed"] * 3

    run(main)


def test_a_stop_on_request_ends_the_reply() -> None:
    async def main() -> None:
        upstream = Upstream(A, asyncio.Event())
        relay = relayed(upstream, format="sse")
        task = asyncio.create_task(collect(relay))
        await settle()
        relay.abort()
        assert await asyncio.wait_for(task, 5) == [A]
        assert upstream.closed == 1

    run(main)


# Opening


def test_leaving_while_the_first_frame_is_awaited_releases_the_upstream() -> None:
    async def main() -> None:
        upstream = Response(asyncio.Event())
        task = asyncio.create_task(relayed(upstream, format="sse").aopen())
        await settle()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert upstream.closed == 1

    run(main)


# The source


def test_a_read_timeout_of_the_source_is_its_own() -> None:
    async def main() -> None:
        class Source:
            def __aiter__(self) -> Source:
                return self

            async def __anext__(self) -> bytes:
                with anyio.fail_after(0.05):
                    await asyncio.sleep(1000)
                return b""

        messages = await collect(relayed(Source(), format="sse", heartbeat=0.02))
        assert messages[0] == BEAT
        assert b'"type":"truncated"' in messages[-1]

    run(main)


def test_a_limit_that_is_reached_in_the_moment_in_which_a_chunk_comes_is_kept() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        # The loop is held up until both are due, the chunk first.
        loop.call_later(0.01, time.sleep, 0.1)
        loop.call_later(0.02, arrived.set)
        relay = relayed(Upstream(arrived, b"da", asyncio.Event()), format="sse", heartbeat=None)
        await asyncio.wait_for(relay.aopen(limit=0.03), 5)
        await relay.aclose()

    run(main)


@pytest.mark.parametrize("source", ["relay", "broadcast"])
def test_a_limit_that_is_no_time_to_wait_is_refused_and_not_waited_for(source: str) -> None:
    async def main() -> None:
        upstream = Upstream(asyncio.Event())
        made: Any = relayed(upstream, format="sse") if source == "relay" else ndstream.Broadcast(upstream).subscribe()
        wrong: Any
        for wrong in (float("nan"), -1, 0):
            with pytest.raises(ValueError, match="limit"):
                await asyncio.wait_for(made.aopen(limit=wrong), 0.1)
        for wrong in (True, "10"):
            with pytest.raises(TypeError, match="limit"):
                await asyncio.wait_for(made.aopen(limit=wrong), 0.1)
        assert upstream.taken == 0
        await made.aclose()

    run(main)


def test_a_source_that_takes_its_time_to_be_cancelled_is_left_after_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_relay, "RELEASE_SECONDS", 0.01)

    async def main() -> None:
        left = []

        class Slow(Upstream):
            async def __anext__(self) -> bytes:
                try:
                    return await super().__anext__()
                finally:
                    try:
                        await asyncio.Event().wait()
                    finally:
                        left.append("cancelled again")

        upstream = Slow(asyncio.Event())
        relay = relayed(upstream, format="sse", heartbeat=0.01)
        assert await anext(relay) == BEAT
        await asyncio.wait_for(relay.aclose(), 5)
        assert (left, upstream.closed) == (["cancelled again"], 1)

    run(main)


def test_a_read_under_trio_that_does_not_wait_cannot_be_woken() -> None:
    trio = real_parts.library("trio")

    async def main() -> None:
        read = TrioRead(trio, Upstream(A, A), None)
        assert not read.wake()
        assert await read == A
        # One that is woken before it waits ends there.
        assert read.wake()

    trio.run(main)
