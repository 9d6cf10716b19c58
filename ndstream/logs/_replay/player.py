"""Delivers records one after the other, each when it is due; with a blocking callable, an async one, or none."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from contextlib import closing
from inspect import isawaitable
from itertools import count
from typing import Any

from ndstream.logs._replay.pace import Pace
from ndstream.logs._replay.report import ReplayReport
from ndstream.logs._replay.schedule import Schedule
from ndstream.logs._replay.stamped_record import ReplayedRecord, StampedRecord


class Player:
    """One replay.

    Args:
        records: Gives all records, each time that it is called.
        rounds: How often; may be infinite.
        schedule: Says when a record is due.
        pace: Waits for that; None for no waiting.
        wall_clock: Tells the nanoseconds since 1970 that go into stamps; None if stamps stay as they are.
        loads: A callable from a line to a value, for lines whose stamp was replaced.
        report: Where to count.
    """

    def __init__(
        self,
        records: Callable[[], Generator[StampedRecord, None, None]],
        rounds: float,
        schedule: Schedule,
        pace: Pace | None,
        wall_clock: Callable[[], int] | None,
        loads: Callable[[bytes], Any],
        report: ReplayReport,
    ) -> None:
        self._records = records
        self._rounds = rounds
        self._schedule = schedule
        self._pace = pace
        self._wall_clock = wall_clock
        self._loads = loads
        self._report = report
        self._wall_start: int | None = None

    def _due_records(self) -> Generator[tuple[int, StampedRecord], None, None]:
        for number in count(1):
            before = self._report.records
            # Closed here, so that what closing the files raises is not lost.
            with closing(self._records()) as records:
                for record in records:
                    due = self._schedule.due(record.time)
                    yield due, record
                    self._report.records += 1
                    self._report.unstamped += record.time is None
            # A round without records would be repeated at once for ever.
            if number >= self._rounds or self._report.records == before:
                return
            self._schedule.begin_round()

    def _delivery(self, due: int, record: StampedRecord) -> Any:
        value = self._value(due, record)
        return value if record.place is None else ReplayedRecord(value, record.time, *record.place)

    def _value(self, due: int, record: StampedRecord) -> Any:
        if self._wall_clock is None:
            return record.content
        line = record.content
        if record.time is not None:
            if self._pace is None:
                now = self._wall_clock()
            else:
                # The moment when it is due, so that distances are kept to the nanosecond.
                if self._wall_start is None:
                    self._wall_start = self._wall_clock() - due
                now = self._wall_start + due
            line = record.stamps.replace(line, now)
        return line if self._loads is bytes else self._loads(line)

    def run(self, to: Callable[[Any], Any] | None, sleep: Callable[[float], object]) -> ReplayReport:
        """Deliver all records to a callable that blocks until it has dealt with one; to None in a dry run."""
        pace = self._pace
        with closing(self._due_records()) as records:
            for due, record in records:
                while pace is not None and (seconds := pace.seconds_until(due)):
                    sleep(seconds)
                if to is None:
                    continue
                result = to(self._delivery(due, record))
                if result is not None and isawaitable(result):
                    if isinstance(result, Coroutine):
                        # It will never run, which is no news.
                        result.close()
                    raise TypeError("to= returned something to await: pass an async function, and await the replay")
        return self._report

    async def arun(self, to: Callable[[Any], Any] | None, sleep: Callable[[float], Any]) -> ReplayReport:
        """Deliver all records to an async callable; to None in a dry run."""
        pace = self._pace
        with closing(self._due_records()) as records:
            for due, record in records:
                while pace is not None and (seconds := pace.seconds_until(due)):
                    await sleep(seconds)
                if to is not None:
                    await to(self._delivery(due, record))
        return self._report
