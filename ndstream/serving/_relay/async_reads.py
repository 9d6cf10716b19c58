"""What asyncio and trio do differently for a relay: how a read waits, and how to let others run."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol

from ndstream._sources.event_loops import trio_if_running
from ndstream._sources.opened_source import Chunk
from ndstream.serving._relay import interruptible_read
from ndstream.serving._relay.interruptible_read import NOT_YET as NOT_YET
from ndstream.serving._relay.interruptible_read import InterruptibleRead, TimerLimit


class AsyncRead(Protocol):
    """Awaited again and again, it gives the chunks of a source, or `NOT_YET` if it was woken.

    Attributes:
        idle_since: When it began to wait, if it was None before.
        suspensions: How often it has let others run.
        is_pending: Whether a read was left where it waits.
    """

    idle_since: float | None

    @property
    def suspensions(self) -> int: ...
    @property
    def is_pending(self) -> bool: ...
    def __await__(self) -> Any: ...
    def wake(self) -> bool: ...


class Limit(Protocol):
    """A time at which a read is woken, unless that is cancelled."""

    @property
    def is_over(self) -> bool: ...
    def cancel(self) -> None: ...


class TrioRead:
    """Under trio: to wake it is to cancel the read.

    Args:
        trio: The module.
        chunks: The source.
        heartbeat: After how many idle seconds it is woken; None for never. Only for a source that survives the
            cancellation of a read.
    """

    is_pending = False

    def __init__(self, trio: Any, chunks: AsyncIterator[Chunk], heartbeat: float | None) -> None:
        self.idle_since: float | None = None
        self.suspensions = 0
        self._trio = trio
        self._chunks = chunks
        self._heartbeat = heartbeat
        self._limit = math.inf
        self._scope: Any = None

    def __await__(self) -> Any:
        return self._read().__await__()

    async def _read(self) -> Any:
        self.suspensions += 1
        deadline = self._limit
        if self._heartbeat is not None:
            if self.idle_since is None:
                self.idle_since = self._trio.current_time()
            deadline = min(deadline, self.idle_since + self._heartbeat)
        with self._trio.CancelScope(deadline=deadline) as self._scope:
            return await self._chunks.__anext__()
        return NOT_YET

    def wake(self) -> bool:
        if self._scope is None:
            return False
        self._scope.cancel()
        return True

    def wake_after(self, seconds: float) -> Limit | None:
        if self._heartbeat is None:
            return None
        self._limit = self._trio.current_time() + seconds
        return self

    @property
    def is_over(self) -> bool:
        return bool(self._limit <= self._trio.current_time())

    def cancel(self) -> None:
        self._limit = math.inf


def read_of_running_loop(chunks: AsyncIterator[Chunk], heartbeat: float | None) -> AsyncRead:
    """The reads of a source in the event loop that runs now.

    Args:
        chunks: The source.
        heartbeat: Under trio, after how many idle seconds a read is woken; under asyncio a `HeartbeatTimer` does that.
    """
    trio = trio_if_running()
    if trio is not None:
        return TrioRead(trio, chunks, heartbeat)
    import asyncio

    return InterruptibleRead(chunks, asyncio.get_running_loop())


def wake_after(read: AsyncRead, seconds: float) -> Limit | None:
    """Have a read woken after so many seconds; None if that would end the source."""
    if isinstance(read, TrioRead):
        return read.wake_after(seconds)
    assert isinstance(read, InterruptibleRead)
    return TimerLimit(read, seconds)


async def discard(read: AsyncRead) -> None:
    """End a read that was left where it waits."""
    # Under trio none is left: to wake a read is to cancel it.
    assert isinstance(read, InterruptibleRead)
    await interruptible_read.discard(read)


def checkpoint() -> Awaitable[object]:
    """Let all others run, and be cancelled if that is due."""
    trio = trio_if_running()
    if trio is not None:
        pause: Awaitable[object] = trio.lowlevel.checkpoint()
        return pause
    import asyncio

    return asyncio.sleep(0)
