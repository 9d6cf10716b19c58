"""The timer of those who wait in one event loop."""

from __future__ import annotations

from typing import Any

from ndstream.serving._broadcast.loop_group import LoopGroup


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
