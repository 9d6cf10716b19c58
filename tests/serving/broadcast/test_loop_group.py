"""The timer of those who wait in one event loop."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from ndstream.serving import Broadcast
from ndstream.serving._broadcast.loop_group import LoopGroup
from ndstream.serving._relay.consumer_watch import ConsumerWatch


class Waiting:
    """Counts the timers that are asked for, and calls none of them."""

    timers = 0

    def call_later(self, seconds: float, function: Any) -> Any:
        self.timers += 1
        return lambda: None


def test_a_timer_that_comes_when_the_last_one_is_gone_starts_no_other() -> None:
    waiting: Any = Waiting()
    group = LoopGroup(waiting, 5.0)
    group.enter()
    assert group.leave()
    # The loop may have taken it up before it was cancelled.
    group._on_timer()
    assert waiting.timers == 1


def test_a_task_that_subscribes_again_and_again_is_watched_for_the_last_subscription_alone() -> None:
    callbacks: list[weakref.ref[Any]] = []
    enter = ConsumerWatch.enter

    def noting(watch: ConsumerWatch) -> None:
        enter(watch)
        callbacks.append(weakref.ref(watch._callback))

    async def main() -> None:
        broadcast = Broadcast()
        for number in range(5):
            async with broadcast.subscribe() as subscription:
                await broadcast.publish(number)
                await subscription.__anext__()
        gc.collect()
        assert len(callbacks) >= 5
        assert [reference() for reference in callbacks] == [None] * len(callbacks)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConsumerWatch, "enter", noting)
        asyncio.run(main())
