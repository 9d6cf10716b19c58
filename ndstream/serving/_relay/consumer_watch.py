"""Whether the task that iterates over a body has ended without a word: frameworks stop asking, and close nothing."""

from __future__ import annotations

import asyncio
import sys
import weakref
from typing import Any, Protocol

ABANDONED_SECONDS = 5.0
"""How long after the end of the task that iterated another one may go on, before the body is given up."""


class Body(Protocol):
    """What is iterated over."""

    @property
    def is_idle(self) -> bool:
        """Whether it is open, and no task is in it."""
        ...

    def abandon(self) -> None:
        """Release what it holds, from code that cannot await."""
        ...


class ConsumerWatch:
    """Notices the end of the task that iterates, under asyncio, and keeps neither it nor the body alive.

    Args:
        body: What is iterated over.
    """

    def __init__(self, body: Body) -> None:
        self._body = weakref.ref(body)
        self._loop = asyncio.get_running_loop()
        self._task: Any = None
        self._callback: Any = None

    def enter(self) -> None:
        """Note the task that runs now."""
        task = asyncio.current_task(self._loop)
        if task is not self._task and task is not None:
            self.stop()
            watch = weakref.ref(self)

            def on_done(task: Any) -> None:
                this = watch()
                if this is not None:
                    this._ended(task)

            self._task, self._callback = task, on_done
            task.add_done_callback(on_done)

    def stop(self) -> None:
        """Notice nothing any more."""
        if self._task is not None:
            self._task.remove_done_callback(self._callback)
            self._task = self._callback = None

    def _ended(self, task: Any) -> None:
        self._task = self._callback = None
        body = self._body()
        if body is None or not body.is_idle:
            return
        # Task groups keep cancellations to themselves, so that the task may seem to have ended in order.
        if task.cancelled() or (sys.version_info >= (3, 11) and task.cancelling()):
            body.abandon()
            return
        watch = weakref.ref(self)

        def check() -> None:
            this = watch()
            body = None if this is None or this._task is not None else this._body()
            if body is not None and body.is_idle:
                body.abandon()

        self._loop.call_later(ABANDONED_SECONDS, check)
