"""When records are due. Deadlines are absolute, so that no delay adds up; nothing here reads a clock."""

from __future__ import annotations

from ndstream.logs._replay.report import ReplayReport

_LONGEST = 1e30
"""The longest wait between two records, in nanoseconds, however slow the replay is: no number of them is infinite."""


class Schedule:
    """Deadlines, in nanoseconds since the first record.

    The distance of two records in the log, divided by the speed, is their distance in the replay. A record that is
    earlier than one before it is due at once. A wait beyond the longest one is shortened, and all that follows with it.

    Args:
        speed: How many seconds of the log pass in one second; infinite to be due at once, always.
        max_gap: The longest wait between two records, in nanoseconds; None for no limit.
        report: Where to count.

    Example:
        >>> schedule = Schedule(2.0, None, ReplayReport())
        >>> [schedule.due(time) for time in (100, 200, 150, 300)]
        [0, 50, 50, 100]
    """

    def __init__(self, speed: float, max_gap: int | None, report: ReplayReport) -> None:
        self._speed = speed
        self._max_gap = max_gap
        self._report = report
        # The record from which deadlines are counted, and the last deadline.
        self._base_time: int | None = None
        self._base_due = 0
        self._latest = 0
        self._due = 0

    def due(self, time: int | None) -> int:
        """When the next record is due.

        Args:
            time: Its time in nanoseconds since 1970; None for one without a stamp, which is due at once.
        """
        if time is None:
            return self._due
        report = self._report
        if self._base_time is None:
            self._base_time, self._base_due, self._latest = time, self._due, time
        if report.first is None or report.last is None:
            report.first = report.last = time
        report.first, report.last = min(report.first, time), max(report.last, time)
        if time < self._latest:
            report.out_of_order += 1
            return self._due
        self._latest = time
        due = self._base_due + round(min((time - self._base_time) / self._speed, _LONGEST))
        if self._max_gap is not None and due - self._due > self._max_gap:
            report.shortened_gaps += 1
            due = self._due + self._max_gap
            self._base_time, self._base_due = time, due
        self._due = due
        report.duration = due / 1_000_000_000
        return due

    def begin_round(self) -> None:
        """The next record is the first one of another round. It is due together with the last one of this round."""
        self._base_time = None
