"""What an event source needs of its event loop so that it can be closed from any task or thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol

from ndstream._sources.event_loops import AsyncioScope, trio_if_running


class Scope(Protocol):
    """A context in which all that waits can be cancelled from outside."""

    def __enter__(self) -> Any: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None: ...
    def cancel(self) -> Any: ...


class EventLoop(Protocol):
    """The event loop that an event source is iterated in."""

    def call(self, function: Callable[[], object]) -> None:
        """Call something in the loop, from any thread. Nothing happens if the loop is over."""

    def spawn(self, function: Callable[[], Awaitable[object]]) -> None:
        """Run something in a task of its own. It is called in the loop."""

    def scope(self) -> Scope: ...


def running_event_loop() -> EventLoop:
    """The event loop of the caller.

    Raises:
        RuntimeError: None runs.
    """
    trio = trio_if_running()
    return AsyncioLoop() if trio is None else TrioLoop(trio)


class AsyncioLoop:
    """That of asyncio."""

    def __init__(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        # The loop itself refers to its tasks weakly.
        self._tasks: set[Any] = set()

    def call(self, function: Callable[[], object]) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function)

    def spawn(self, function: Callable[[], Awaitable[object]]) -> None:
        async def run() -> None:
            await function()

        task = self._loop.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def scope(self) -> Scope:
        return AsyncioScope()


class TrioLoop:
    """That of trio."""

    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()

    def call(self, function: Callable[[], object]) -> None:
        with suppress(self._trio.RunFinishedError):
            self._token.run_sync_soon(function)

    def spawn(self, function: Callable[[], Awaitable[object]]) -> None:
        self._trio.lowlevel.spawn_system_task(function)

    def scope(self) -> Scope:
        scope: Scope = self._trio.CancelScope()
        return scope
