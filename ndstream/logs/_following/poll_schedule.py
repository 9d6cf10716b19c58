"""When each of the followed logs is looked at again: at once while data comes, less and less often while none does."""

from __future__ import annotations

import heapq
from itertools import count

from ndstream.logs._following.followed_log import FollowedLog

FIRST_WAIT = 0.01
"""Seconds from the last data to the next look, which double from look to look."""

QUIET_SHARE = 1 / 20
"""The longer no data came, the longer is the wait: this share of it, between `poll_interval` and `QUIET_INTERVAL`."""

QUIET_INTERVAL = 1.0
"""The most seconds between two looks at a file, unless `poll_interval` is longer."""


class PolledLog:
    """A log in the schedule.

    Attributes:
        log: The log.
        wait: How many seconds passed between the last two looks at it.
        active_at: When it had data last.
    """

    def __init__(self, log: FollowedLog, now: float) -> None:
        self.log = log
        self.wait = 0.0
        self.active_at = now


class PollSchedule:
    """The logs by the time at which they are due.

    Args:
        poll_interval: Seconds between two looks at a log that is at rest.
    """

    def __init__(self, poll_interval: float) -> None:
        self._poll_interval = poll_interval
        self._heap: list[tuple[float, int, PolledLog]] = []
        # Logs that are due at the same time keep their order.
        self._numbers = count()

    def add(self, log: FollowedLog, now: float) -> None:
        """Look at a log at once."""
        self._push(now, PolledLog(log, now))

    def take_due(self, now: float) -> PolledLog | None:
        """Take out the log that has been due for longest; None if none is due yet."""
        return heapq.heappop(self._heap)[2] if self._heap and self._heap[0][0] <= now else None

    def put_back(self, polled: PolledLog, now: float, moved: bool) -> None:
        """Look at a log again after a while.

        Args:
            polled: What was taken out.
            now: The time at which it was.
            moved: Whether there was anything new.
        """
        if moved:
            polled.wait, polled.active_at = 0.0, now
        else:
            quiet = (now - polled.active_at) * QUIET_SHARE
            most = max(self._poll_interval, min(quiet, QUIET_INTERVAL))
            polled.wait = min(max(2 * polled.wait, FIRST_WAIT), most)
        self._push(now + polled.wait, polled)

    def seconds_to_next(self, now: float) -> float:
        """How long there is nothing to look at, at most `poll_interval`; not above 0 if a log is due."""
        return min(self._heap[0][0] - now, self._poll_interval) if self._heap else self._poll_interval

    def _push(self, due: float, polled: PolledLog) -> None:
        heapq.heappush(self._heap, (due, next(self._numbers), polled))
