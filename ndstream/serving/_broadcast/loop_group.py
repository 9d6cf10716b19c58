"""The subscriptions of one event loop: they wait for news together, and have one timer for their heartbeats."""

from __future__ import annotations

import time
from collections.abc import Callable

from ndstream.serving._broadcast.notices import HEARTBEAT
from ndstream.serving._broadcast.waiting import Waiting


class LoopGroup:
    """Wakes all subscriptions of a loop when there is news, and with a heartbeat when there was none for a while.

    Args:
        waiting: How the tasks of that loop wait.
        heartbeat: After how many seconds without news they get a heartbeat; None for never.
    """

    def __init__(self, waiting: Waiting, heartbeat: float | None) -> None:
        self.waiting = waiting
        self._heartbeat = heartbeat
        self._last_news = 0.0
        self._subscriptions = 0
        self._cancel_timer: Callable[[], object] | None = None

    def enter(self) -> None:
        """Another subscription waits here from now on."""
        self._subscriptions += 1
        if self._cancel_timer is None and self._heartbeat is not None:
            self._last_news = time.monotonic()
            self._cancel_timer = self.waiting.call_later(self._heartbeat, self._on_timer)

    def leave(self) -> bool:
        """One is gone. Returns whether it was the last."""
        self._subscriptions -= 1
        if self._subscriptions:
            return False
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
        return True

    def wake(self) -> None:
        """There is news."""
        self._last_news = time.monotonic()
        self.waiting.wake()

    def _on_timer(self) -> None:
        if self._heartbeat is None or self._subscriptions == 0:
            return
        silent = time.monotonic() - self._last_news
        if silent >= self._heartbeat:
            self._last_news = time.monotonic()
            self.waiting.wake(HEARTBEAT)
            silent = 0.0
        self._cancel_timer = self.waiting.call_later(self._heartbeat - silent, self._on_timer)
