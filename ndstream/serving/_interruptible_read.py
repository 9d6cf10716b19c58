"""Reads of an async source that can be left waiting, under asyncio.

A heartbeat is due while a read waits. To cancel the read would kill it (most clients close a response whose read is
cancelled), and a task or a timeout for each read costs more than the rest of a relay. So the read's coroutine is run by
hand: when it waits for a future, the task waits for this object in its place, which asyncio takes for a future by its
attribute ``_asyncio_future_blocking``. `wake` lets the task go on while the read stays where it is; the next await goes
on with it.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import Any

from ndstream._sources.opened_source import Chunk

NOT_YET = object()
"""What awaiting gives if it was woken before the chunk came."""


class InterruptibleRead:
    """Awaited again and again, it gives the chunks of a source; its end and its errors are raised as they come.

    Attributes:
        idle_since: When it began to wait, by the loop's clock. It is set only if it is None, so that whoever sets
            it to None decides what counts as news.
        suspensions: How often it has let others run.
    """

    _asyncio_future_blocking = False

    def __init__(self, chunks: AsyncIterator[Chunk]) -> None:
        self._next = chunks.__anext__
        self._loop = asyncio.get_running_loop()
        self._read: Any = None
        self._resume: Any = None
        self._future: Any = None
        self._wakeup: Callable[[Any], object] | None = None
        self._woken = False
        self.idle_since: float | None = None
        self.suspensions = 0

    @property
    def is_waiting(self) -> bool:
        """Whether a task waits for it right now."""
        return self._wakeup is not None

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._read is None:
            self._read = read = self._next().__await__()
            # Coroutines and generators are sent None; other iterators only give what comes next.
            self._resume = getattr(read, "send", None) or partial(_next, read)
        return self._run(None)

    @property
    def is_pending(self) -> bool:
        """Whether a read was left where it waits."""
        return self._read is not None

    async def discard(self) -> None:
        """End a read that was left waiting, as the cancellation of a task would."""
        if self._read is not None:
            # Whatever it still has to say, nobody waits for it.
            with suppress(asyncio.CancelledError, Exception):
                await _Resumed(self._run(asyncio.CancelledError()))

    def wake(self) -> bool:
        """Make the await give `NOT_YET`. Returns whether it does."""
        if self._wakeup is None or self._woken or self._future.done():
            return False
        self._future.remove_done_callback(self._wakeup)
        self._woken = True
        self._loop.call_soon(self._wakeup, self)
        return True

    def wake_after(self, seconds: float) -> TimerLimit:
        """Have it woken after so many seconds."""
        return TimerLimit(self._loop.call_later(seconds, self.wake), self._loop)

    def _run(self, thrown: BaseException | None) -> Generator[Any, Any, Any]:
        """Run the read until it ends or is woken. ``thrown`` is raised where it waits."""
        future = self._future
        while True:
            if future is not None and thrown is None and not future.done():
                self._asyncio_future_blocking = True
                if self.idle_since is None:
                    self.idle_since = self._loop.time()
                self.suspensions += 1
                try:
                    yield self
                except BaseException as error:
                    thrown = error
                self._wakeup = None
                if self._woken:
                    self._woken = False
                    if thrown is None:
                        return NOT_YET
            try:
                waited = self._resume(None) if thrown is None else self._read.throw(thrown)
            except StopIteration as stop:
                self._read = self._future = None
                return stop.value
            except BaseException:
                self._read = self._future = None
                raise
            thrown = self._future = future = None
            try:
                blocking = waited._asyncio_future_blocking
            except AttributeError:
                blocking = False
            if blocking:
                # As a task does when it begins to wait for it.
                waited._asyncio_future_blocking = False
                self._future = future = waited
            else:
                self.suspensions += 1
                try:
                    yield waited
                except BaseException as error:
                    thrown = error

    # What a task, and whoever looks at tasks, asks of a future that is waited for.

    def get_loop(self) -> Any:
        return self._loop

    def done(self) -> bool:
        return self._woken or bool(self._future.done())

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        self._wakeup = callback
        self._future.add_done_callback(callback, context=context)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        removed: int = self._future.remove_done_callback(callback)
        return removed

    def cancel(self, msg: Any = None) -> bool:
        # The task has been told to go on: it takes the cancellation when it does.
        return False if self._woken else bool(self._future.cancel(msg=msg))

    def result(self) -> None:
        return None


class TimerLimit:
    """The time of a timer."""

    def __init__(self, timer: asyncio.TimerHandle, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = timer
        self._loop = loop

    @property
    def is_over(self) -> bool:
        return self._timer.when() <= self._loop.time()

    def cancel(self) -> None:
        self._timer.cancel()


def _next(iterator: Any, nothing: None) -> Any:
    return next(iterator)


class _Resumed:
    """Awaits a generator."""

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self._generator = generator

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._generator


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
