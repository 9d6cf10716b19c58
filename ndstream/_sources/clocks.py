"""The time, and waits that can be ended early; tests put a clock of their own in its place."""

from __future__ import annotations

import time
from _thread import allocate_lock
from contextlib import suppress
from typing import Protocol

from ndstream._sources.event_loops import sleep


class Clock(Protocol):
    """What code that waits knows of time, in seconds."""

    def now(self) -> float: ...
    def wait(self, seconds: float) -> object: ...
    async def sleep(self, seconds: float) -> object: ...
    def wake(self) -> object: ...


class SystemClock:
    """The real time. Once it is woken, by another thread or by a signal handler, no wait lasts any longer."""

    now = staticmethod(time.monotonic)

    def __init__(self) -> None:
        # A bare lock: a signal handler that sets a `threading.Event` may deadlock with the wait that it interrupts.
        self._asleep = allocate_lock()
        self._asleep.acquire()

    def wait(self, seconds: float) -> None:
        end = self.now() + seconds
        woken = False
        while not woken and (left := end - self.now()) > 0:
            # In parts, since a signal that comes in the moment before the wait begins is only seen after it.
            woken = self._asleep.acquire(timeout=min(left, 1.0))
        if woken:
            self.wake()

    def wake(self) -> None:
        with suppress(RuntimeError):
            self._asleep.release()

    sleep = staticmethod(sleep)
