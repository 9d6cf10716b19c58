"""The clock of a replay: how long to wait for a deadline, and how late it was met."""

from __future__ import annotations

from collections.abc import Callable

from ndstream.logs._replay.lag import Lag

MIN_WAIT = 1_000_000
"""A shorter wait, in nanoseconds, is left out: a system wakes a sleeping process no more precisely than that."""

_MAX_WAIT = 3_600.0
"""What no system refuses to wait for, in seconds."""


class Pace:
    """Deadlines on a clock that never goes back.

    Args:
        clock: Tells nanoseconds.
        lag: Where to take note of delays.
    """

    def __init__(self, clock: Callable[[], int], lag: Lag) -> None:
        self._clock = clock
        self._lag = lag
        self._start: int | None = None

    def seconds_until(self, due: int) -> float:
        """How long to wait for a deadline; 0 if it has come, which is noted.

        Args:
            due: The deadline, in nanoseconds since the first call.
        """
        now = self._clock()
        if self._start is None:
            self._start = now
        ahead = self._start + due - now
        if ahead > MIN_WAIT:
            return min(ahead / 1_000_000_000, _MAX_WAIT)
        self._lag.add(-ahead)
        return 0.0
