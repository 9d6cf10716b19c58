"""How tasks and threads wait for news: all that wait are woken in one round.

Waking costs one future for each that waits, and no task, queue or timer. It can be done from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Any, Protocol

from ndstream._sources.event_loops import trio_if_running


class Waiting(Protocol):
    """The tasks of one event loop that wait. Two of the same loop are equal."""

    def wait(self, key: Hashable) -> Awaitable[bytes]:
        """Begin to wait; awaited, it gives what `wake` was given. A key waits once at a time."""
        ...

    def forget(self, key: Hashable) -> None:
        """A key waits no more."""
        ...

    def wake(self, message: bytes = b"") -> None:
        """Let all that wait go on. Any thread may call it."""
        ...

    def wake_one(self, key: Hashable) -> None:
        """Let one go on. Any thread may call it."""
        ...

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Call a function in this loop: at once if it runs in this thread. Any thread may call it."""
        ...

    def call_later(self, seconds: float, function: Callable[[], object]) -> Callable[[], object]:
        """Have a function called in this loop; what cancels that. Any thread may call it."""
        ...


class AsyncioWaiting:
    """Those in an event loop of asyncio."""

    def __init__(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._futures: dict[Hashable, Any] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncioWaiting) and other._loop is self._loop

    def wait(self, key: Hashable) -> Awaitable[bytes]:
        future = self._futures[key] = self._loop.create_future()
        return future

    def forget(self, key: Hashable) -> None:
        self._futures.pop(key, None)

    def wake(self, message: bytes = b"") -> None:
        self.call_soon(self._wake_here, message)

    def wake_one(self, key: Hashable) -> None:
        self.call_soon(self._wake_one_here, key)

    def call_later(self, seconds: float, function: Callable[[], object]) -> Callable[[], object]:
        timers: list[Any] = []

        def cancel() -> None:
            for timer in timers:
                self.call_soon(timer.cancel)

        self.call_soon(lambda: timers.append(self._loop.call_later(seconds, function)))
        return cancel

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        if threading.get_ident() == self._thread:
            function(*args)
        else:
            # Nobody waits in a loop that is closed.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function, *args)

    def _wake_here(self, message: bytes) -> None:
        futures, self._futures = self._futures, {}
        for future in futures.values():
            if not future.done():
                future.set_result(message)

    def _wake_one_here(self, key: Hashable) -> None:
        future = self._futures.pop(key, None)
        if future is not None and not future.done():
            future.set_result(b"")


class TrioWaiting:
    """Those in a run of trio."""

    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self._thread = threading.get_ident()
        self._waits: dict[Hashable, tuple[Any, list[bytes]]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrioWaiting) and other._token is self._token

    def wait(self, key: Hashable) -> Awaitable[bytes]:
        event, messages = self._waits[key] = (self._trio.Event(), [])

        async def wait() -> bytes:
            await event.wait()
            return messages[0]

        return wait()

    def forget(self, key: Hashable) -> None:
        self._waits.pop(key, None)

    def wake(self, message: bytes = b"") -> None:
        self.call_soon(self._wake_here, message)

    def wake_one(self, key: Hashable) -> None:
        self.call_soon(self._wake_one_here, key)

    def call_later(self, seconds: float, function: Callable[[], object]) -> Callable[[], object]:
        scope = self._trio.CancelScope()

        async def sleep() -> None:
            with scope:
                await self._trio.sleep(seconds)
                function()

        self.call_soon(self._trio.lowlevel.spawn_system_task, sleep)
        return lambda: self.call_soon(scope.cancel)

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        # After the run has ended nobody waits in it.
        with suppress(RuntimeError):
            if threading.get_ident() == self._thread:
                function(*args)
            else:
                self._token.run_sync_soon(function, *args)

    def _wake_here(self, message: bytes) -> None:
        waits, self._waits = self._waits, {}
        for event, messages in waits.values():
            messages.append(message)
            event.set()

    def _wake_one_here(self, key: Hashable) -> None:
        wait = self._waits.pop(key, None)
        if wait is not None:
            wait[1].append(b"")
            wait[0].set()


def waiting_of_running_loop() -> Waiting:
    """What waits in the event loop that runs now.

    Raises:
        RuntimeError: None runs.
    """
    trio = trio_if_running()
    return AsyncioWaiting() if trio is None else TrioWaiting(trio)
