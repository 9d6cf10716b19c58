"""Heartbeats, limits and the end of reads that can be left waiting, under asyncio."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Generator
from contextlib import suppress
from typing import Any

from ndstream._core import NOT_YET, InterruptibleRead

__all__ = ["NOT_YET", "HeartbeatTimer", "InterruptibleRead", "TimerLimit", "discard"]


class HeartbeatTimer:
    """Wakes a read that has been idle for so many seconds. It costs nothing while data flows: one timer, set again when
    it fires. It does not keep the read alive."""

    def __init__(self, read: InterruptibleRead, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._read = weakref.ref(read)
        self._seconds = seconds
        self._handle = self._loop.call_later(seconds, self._fire)

    def cancel(self) -> None:
        self._handle.cancel()

    def _fire(self) -> None:
        read = self._read()
        if read is None:
            return
        idle = self._loop.time() - read.idle_since if read.is_waiting and read.idle_since is not None else 0.0
        if idle >= self._seconds:
            read.wake()
            idle = 0.0
        self._handle = self._loop.call_later(self._seconds - idle, self._fire)


class TimerLimit:
    """The time at which a read is woken, unless that is cancelled."""

    def __init__(self, read: InterruptibleRead, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(seconds, read.wake)

    @property
    def is_over(self) -> bool:
        return self._timer.when() <= self._loop.time()

    def cancel(self) -> None:
        self._timer.cancel()


async def discard(read: InterruptibleRead) -> None:
    """End a read that was left waiting, as the cancellation of a task would."""
    # Whatever it still has to say, nobody waits for it.
    with suppress(asyncio.CancelledError, Exception):
        await _Cancelled(read)


class _Cancelled:
    """Awaits a read from its cancellation on."""

    def __init__(self, read: InterruptibleRead) -> None:
        self._read = read

    def __await__(self) -> Generator[Any, Any, None]:
        with suppress(StopIteration):
            waited = self._read.throw(asyncio.CancelledError())
            while True:
                try:
                    yield waited
                except BaseException as error:
                    waited = self._read.throw(error)
                else:
                    waited = self._read.send(None)
