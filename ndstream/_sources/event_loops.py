"""What asyncio and trio do differently. Neither is imported before it runs."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType
from typing import Any, Protocol, TypeAlias


class Scope(Protocol):
    """A context that may cancel what is awaited in it; ``cancelled_caught`` says afterwards whether it did."""

    @property
    def cancelled_caught(self) -> bool: ...


class Finalizer(Protocol):
    """Releases a source when it is closed, and when nobody refers to it any more."""

    async def aclose(self) -> None: ...


def trio_if_running() -> Any:
    """The module trio if the caller is one of its tasks, else None."""
    trio = sys.modules.get("trio")
    if trio is not None:
        with suppress(RuntimeError):
            trio.lowlevel.current_task()
            return trio
    return None


def move_on_after(seconds: float) -> AbstractContextManager[Scope]:
    """A context that cancels what is awaited in it after so many seconds, and raises nothing itself."""
    trio = trio_if_running()
    if trio is not None:
        scope: AbstractContextManager[Scope] = trio.move_on_after(max(seconds, 0))
        return scope
    return _AsyncioTimeout(seconds)


class AsyncioScope:
    """A cancel scope for asyncio, as trio has it: it ends quietly if it was cancelled itself.

    A cancellation of its task by anyone else is passed on. `asyncio.timeout` does the same from CPython 3.11 on.

    Attributes:
        cancelled_caught: Whether it ended since it was cancelled.
    """

    def __init__(self) -> None:
        self.cancelled_caught = False
        self._requested = False
        self._over = False

    def __enter__(self) -> AsyncioScope:
        import asyncio

        self._task: Any = asyncio.current_task()
        if self._task is None:
            raise RuntimeError("a timeout needs a task of asyncio or trio")
        self._cancelling = 0
        if sys.version_info >= (3, 11):
            self._cancelling = self._task.cancelling()
        return self

    def cancel(self) -> None:
        """Cancel what waits in the scope. It is called in the event loop, and not by the task itself."""
        if not self._over and not self._requested:
            self._requested = True
            self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        import asyncio

        self._over = True
        if not self._requested:
            return False
        ours = sys.version_info < (3, 11) or self._task.uncancel() <= self._cancelling
        self.cancelled_caught = ours and kind is not None and issubclass(kind, asyncio.CancelledError)
        return self.cancelled_caught


class _AsyncioTimeout(AsyncioScope):
    """A scope that is cancelled after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def __enter__(self) -> _AsyncioTimeout:
        super().__enter__()
        self._handle = self._task.get_loop().call_later(self._seconds, self.cancel)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._handle.cancel()
        return super().__exit__(kind, error, traceback)


async def sleep(seconds: float) -> None:
    """Wait so many seconds."""
    trio = trio_if_running()
    if trio is not None:
        await trio.sleep(seconds)
    else:
        import asyncio

        await asyncio.sleep(seconds)


def shielded() -> AbstractContextManager[object]:
    """A context in which the cancel scopes of trio and anyio cancel nothing; `asyncio.Task.cancel` does so once."""
    library: Any = trio_if_running() or sys.modules.get("anyio")
    context: AbstractContextManager[object] = nullcontext() if library is None else library.CancelScope(shield=True)
    return context


def finalizer_of_running_loop(close: Callable[[], Awaitable[object]]) -> Finalizer | None:
    """A finalizer that the running event loop calls when nobody refers to it any more.

    Args:
        close: Releases the source when awaited.

    Returns:
        The finalizer; None if no event loop runs that would call it.
    """
    trio = trio_if_running()
    if trio is not None:
        return _TrioFinalizer(trio, close)
    return None if sys.get_asyncgen_hooks().finalizer is None else make_finalizer([close])


Closes: TypeAlias = "list[Callable[[], Awaitable[object]] | None]"


def make_finalizer(closes: Closes) -> Finalizer:
    """A finalizer of the running event loop, or of none: then it releases only when it is closed.

    Args:
        closes: What it is to call at its end. None until somebody keeps the finalizer, so that one which is lost to an
            interrupt, or to a lack of memory, releases nothing that is still in use.
    """
    finalizer = _release_at_end(closes)
    with suppress(StopIteration):
        # It awaits nothing before its yield, so that one step leads there.
        finalizer.__anext__().send(None)
    return finalizer


def release_in_event_loop(close: Callable[[], Awaitable[object]]) -> None:
    """Have the running event loop release a source, from code that cannot await; nothing without a loop."""
    # Dropped at once, which makes the loop close it.
    finalizer_of_running_loop(close)


async def _release_at_end(closes: Closes) -> AsyncGenerator[None, None]:
    """A generator, since asyncio closes async generators that are dropped, and no other objects."""
    try:
        yield
    finally:
        for close in closes:
            if close is not None:
                await close()


class _TrioFinalizer:
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
            # After the run has ended no task can do it any more.
            with suppress(RuntimeError):
                self._token.run_sync_soon(self._trio.lowlevel.spawn_system_task, _close_quietly, self._close)


async def _close_quietly(close: Callable[[], Awaitable[object]]) -> None:
    # An error in a system task would end the whole run.
    with suppress(Exception):
        await close()
