"""A task that takes messages of a relay and ends: whether another one goes on decides."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from ndstream._core import InterruptibleRead
from ndstream.serving import Broadcast
from ndstream.serving._relay import consumer_watch
from ndstream.serving._relay.interruptible_read import HeartbeatTimer
from serving.relaying import Upstream, relayed, run

A, B = b"data: a\n\n", b"data: b\n\n"


async def next_of(relay: Any) -> bytes:
    message: bytes = await anext(relay)
    return message


def test_a_task_that_is_cancelled_as_another_goes_on_leaves_the_relay_open() -> None:
    async def main() -> None:
        arrives = asyncio.Event()
        upstream = Upstream(A, arrives, B)
        relay = relayed(upstream, format="sse")
        sending = asyncio.Event()

        async def send() -> None:
            assert await anext(relay) == A
            sending.set()
            await asyncio.Event().wait()

        first = asyncio.create_task(send())
        await sending.wait()
        # The second one goes on before the loop has told anyone that the first one ended.
        first.cancel()
        second = asyncio.create_task(next_of(relay))
        with pytest.raises(asyncio.CancelledError):
            await first
        arrives.set()
        assert await second == B
        assert upstream.closed == 0
        await relay.aclose()

    run(main)


def test_a_task_that_ended_is_forgotten_once_another_has_gone_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_watch, "ABANDONED_SECONDS", 0.0)

    async def main() -> None:
        arrives = asyncio.Event()
        upstream = Upstream(A, arrives, B)
        relay = relayed(upstream, format="sse")
        task = asyncio.create_task(next_of(relay))
        ended = asyncio.Event()
        task.add_done_callback(lambda task: ended.set())
        await ended.wait()
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, arrives.set)
        assert await next_of(relay) == B
        assert upstream.closed == 0
        await relay.aclose()

    run(main)


def test_a_relay_that_was_closed_is_not_released_again() -> None:
    async def main() -> None:
        upstream = Upstream(A)
        relay = relayed(upstream, format="sse")
        await relay.aclose()
        relay.abandon()
        await asyncio.sleep(0)
        assert upstream.closed == 1

    run(main)


def test_a_timer_whose_read_is_gone_stops() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        errors: list[Any] = []
        loop.set_exception_handler(lambda loop, context: errors.append(context))
        read = InterruptibleRead(Upstream(A), loop)
        timer = HeartbeatTimer(read, 0.0)
        due = timer._handle
        del read
        gc.collect()
        timer._fire()
        assert timer._handle is due
        assert errors == []
        timer.cancel()

    run(main)


def test_a_client_of_a_broadcast_whose_task_is_cancelled_while_it_sends_leaves_at_once() -> None:
    async def main() -> None:
        broadcast = Broadcast()
        subscription = broadcast.subscribe()
        await broadcast.publish("a")
        sending = asyncio.Event()

        async def send() -> None:
            async for _ in subscription:
                sending.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(send())
        await sending.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert broadcast.subscribers == 0

    run(main)
