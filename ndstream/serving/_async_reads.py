"""What asyncio and trio do differently for a relay: how a read waits, and how to let others run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol

from ndstream._sources.event_loops import trio_if_running
from ndstream._sources.opened_source import Chunk
from ndstream.serving._interruptible_read import NOT_YET as NOT_YET
from ndstream.serving._interruptible_read import InterruptibleRead


class AsyncRead(Protocol):
    """Awaited again and again, it gives the chunks of a source, or `NOT_YET` if it was woken.

    Attributes:
        idle_since: When it began to wait, if it was None before.
        is_pending: Whether a read was left where it waits.
    """

    idle_since: float | None

    @property
    def is_pending(self) -> bool: ...
    def __await__(self) -> Any: ...
    def wake(self) -> bool: ...
    async def discard(self) -> None: ...


class TrioRead:
    """Under trio: to wake it is to cancel the read."""

    is_pending = False

    def __init__(self, trio: Any, chunks: AsyncIterator[Chunk]) -> None:
        self.idle_since: float | None = None
        self._trio = trio
        self._chunks = chunks
        self._scope: Any = None

    def __await__(self) -> Any:
        return self._read().__await__()

    async def _read(self) -> Any:
        with self._trio.CancelScope() as self._scope:
            return await self._chunks.__anext__()
        return NOT_YET

    def wake(self) -> bool:
        if self._scope is None:
            return False
        self._scope.cancel()
        return True

    async def discard(self) -> None:
        """Nothing is left waiting."""


def read_of_running_loop(chunks: AsyncIterator[Chunk]) -> AsyncRead:
    """The reads of a source in the event loop that runs now."""
    trio = trio_if_running()
    return InterruptibleRead(chunks) if trio is None else TrioRead(trio, chunks)


def checkpoint() -> Awaitable[object]:
    """Let all others run, and be cancelled if that is due."""
    trio = trio_if_running()
    if trio is not None:
        pause: Awaitable[object] = trio.lowlevel.checkpoint()
        return pause
    import asyncio

    return asyncio.sleep(0)
