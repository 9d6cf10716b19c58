"""A time that passes only while it is waited for, in which things happen at chosen moments."""

from __future__ import annotations

from collections.abc import Callable

Action = tuple[float, Callable[[], object]]


class ScriptedClock:
    """A clock for `logs.follow`.

    Args:
        script: Seconds from the start, and what happens then, in order.
    """

    def __init__(self, *script: Action) -> None:
        self.time = 0.0
        self.waits = 0
        self._script = list(script)

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.waits += 1
        end = self.time + seconds
        while self._script and self._script[0][0] <= end:
            self.time, action = self._script.pop(0)
            action()
        self.time = end

    async def sleep(self, seconds: float) -> None:
        self.wait(seconds)

    def wake(self) -> None:
        pass
