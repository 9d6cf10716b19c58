"""What asyncio and trio do differently. Neither is imported before it runs."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any, Protocol


class Scope(Protocol):
    """A context that gives up what it awaits; ``cancelled_caught`` says afterwards whether it did."""

    @property
    def cancelled_caught(self) -> bool: ...


class Keeper(Protocol):
    """Releases a source when closed, and when it is dropped."""

    async def aclose(self) -> None: ...


def trio_if_running() -> Any:
    """The module trio where the caller is one of its tasks, else None."""
    trio = sys.modules.get("trio")
    if trio is not None:
        with suppress(RuntimeError):
            trio.lowlevel.current_task()
            return trio
    return None


def move_on_after(seconds: float) -> AbstractContextManager[Scope]:
    """Give up what is awaited inside after so many seconds, without an exception."""
    trio = trio_if_running()
    if trio is not None:
        scope: AbstractContextManager[Scope] = trio.move_on_after(max(seconds, 0))
        return scope
    return _AsyncioScope(seconds)


class _AsyncioScope:
    """What `asyncio.timeout` does from CPython 3.11 on, and wait_for only in a task of its own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False
        self.cancelled_caught = False

    def __enter__(self) -> _AsyncioScope:
        import asyncio

        self._task: Any = asyncio.current_task()
        if self._task is None:
            raise RuntimeError("a timeout needs a task of asyncio or trio")
        self._cancelling = 0
        if sys.version_info >= (3, 11):
            self._cancelling = self._task.cancelling()
        self._handle = self._task.get_loop().call_later(self._seconds, self._expire)
        return self

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        import asyncio

        self._handle.cancel()
        if not self._expired:
            return False
        # Another cancellation than ours goes on.
        ours = sys.version_info < (3, 11) or self._task.uncancel() <= self._cancelling
        self.cancelled_caught = ours and kind is not None and issubclass(kind, asyncio.CancelledError)
        return self.cancelled_caught


def keep(close: Callable[[], Awaitable[object]]) -> Keeper | None:
    """Make whoever drops the keeper release the source, in the event loop that runs now.

    Args:
        close: Releases the source when awaited.

    Returns:
        The keeper; None where no event loop runs that would do it.
    """
    trio = trio_if_running()
    if trio is not None:
        return _TrioKeeper(trio, close)
    return None if sys.get_asyncgen_hooks().finalizer is None else keep_until_closed(close)


def keep_until_closed(close: Callable[[], Awaitable[object]]) -> Keeper:
    """The same with whatever event loop there is."""
    keeper = _release_at_end(close)
    with suppress(StopIteration):
        # Nothing is awaited up to its yield.
        keeper.__anext__().send(None)
    return keeper


def abandon(close: Callable[[], Awaitable[object]]) -> None:
    """Have the event loop release a source where nothing can be awaited; nothing without a loop."""
    keep(close)


async def _release_at_end(close: Callable[[], Awaitable[object]]) -> AsyncGenerator[None, None]:
    """Event loops close async generators that are dropped, which nothing else gets from asyncio."""
    try:
        yield
    finally:
        await close()


class _TrioKeeper:
    """No async generator, since trio warns of those that are dropped."""

    def __init__(self, trio: Any, close: Callable[[], Awaitable[object]]) -> None:
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self._close: Callable[[], Awaitable[object]] | None = close

    async def aclose(self) -> None:
        close, self._close = self._close, None
        if close is not None:
            await close()

    def __del__(self) -> None:
        if self._close is not None:
            # Once the run is over, there is nobody left to do it.
            with suppress(RuntimeError):
                self._token.run_sync_soon(self._trio.lowlevel.spawn_system_task, _quietly, self._close)


async def _quietly(close: Callable[[], Awaitable[object]]) -> None:
    # An error in a task of the system would end the whole run.
    with suppress(Exception):
        await close()
