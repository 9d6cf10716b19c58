"""How an async upstream is released: once, in a bounded time, and whatever happens to the task that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from ndstream._sources.event_loops import (
    Closes,
    finalizer_of_running_loop,
    make_finalizer,
    move_on_after,
    shielded,
    trio_if_running,
)

RELEASE_SECONDS = 5.0
"""How long a client library may take to close a response. Then it is left to itself."""


class AsyncRelease:
    """Releases an upstream; dropped without that, it has the event loop do it.

    Attributes:
        released: Whether it was released, or is being released.
    """

    def __init__(self, close: Callable[[], Awaitable[object]]) -> None:
        self.released = False
        self._close = partial(_close_in_time, close)
        # Made here, since a relay that nobody iterates over has to release its upstream as well.
        self._finalizer = finalizer_of_running_loop(self._close)
        self._task: Any = None

    def enter_loop(self) -> None:
        """Note that an event loop runs now."""
        if self._finalizer is None:
            closes: Closes = [None]
            self._finalizer = make_finalizer(closes)
            closes[0] = self._close

    async def release(self) -> None:
        """Release it here."""
        if not self.released:
            self.enter_loop()
            assert self._finalizer is not None
            # Released if this was made, so that what fails here can be repeated.
            closing = self._finalizer.aclose()
            self.released = True
            await closing

    async def release_shielded(self) -> None:
        """Release it although this task is being cancelled, perhaps more than once."""
        if self.released:
            return
        if trio_if_running() is not None:
            with shielded():
                await self.release()
            return
        task = self.release_in_background()
        import asyncio

        # A second cancellation ends the wait; the task goes on.
        with shielded():
            await asyncio.wait({task})

    def release_in_background(self) -> Any:
        """Release it in a task of its own, under asyncio."""
        if self._task is None:
            import asyncio

            self._task = asyncio.get_running_loop().create_task(self.release())
        return self._task


async def _close_in_time(close: Callable[[], Awaitable[object]]) -> None:
    # The stream has its end already, and a body has nobody to tell what went wrong after it.
    with suppress(Exception), move_on_after(RELEASE_SECONDS):
        await close()
