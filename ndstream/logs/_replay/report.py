"""What a replay did so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ndstream.logs._reading.stream import LogStream
from ndstream.logs._replay.lag import Lag

_SECOND = 1_000_000_000


@dataclass
class ReplayReport:
    """What was replayed so far; in a dry run, what would be.

    Attributes:
        records: How many records were delivered.
        bad: How many lines were bad, those without a usable stamp included.
        outside: How many records are before `start`, or not before `end`.
        unstamped: How many records without a usable stamp were delivered at once, as was asked for.
        reordered: How many records were read after a later one of their log, and put in their place.
        out_of_order: How many records came after a later one all the same, since the window was too small for them.
            They were delivered at once.
        shortened_gaps: How many times `max_gap` made a wait shorter.
        assumed_utc: How many stamps state no zone and were taken for UTC, since no `zone` was given.
        first: The earliest time of a record, in nanoseconds since 1970; None before the first one.
        last: The latest one.
        duration: How long the records so far take at this speed, in seconds.
        compressed_bytes: How much of the files was read, in bytes as stored. The window is ahead of what was delivered.
        lag: How late the last record was delivered, in seconds; 0 without a pace.
        max_lag: How late the latest one was.
    """

    records: int = 0
    bad: int = 0
    outside: int = 0
    unstamped: int = 0
    reordered: int = 0
    out_of_order: int = 0
    shortened_gaps: int = 0
    assumed_utc: int = 0
    first: int | None = None
    last: int | None = None
    duration: float = 0.0
    _lag: Lag = field(default_factory=Lag, repr=False, compare=False)
    _streams: list[LogStream[Any]] = field(default_factory=list, repr=False, compare=False)
    _compressed_bytes_before: int = field(default=0, repr=False, compare=False)

    @property
    def compressed_bytes(self) -> int:
        """How much of the files was read, in bytes as stored. It is counted when it is asked for."""
        return self._compressed_bytes_before + sum(stream.report.compressed_bytes for stream in self._streams)

    def begin_round(self, streams: list[LogStream[Any]]) -> None:
        """Count what these streams read, too."""
        self._streams = streams

    def end_round(self) -> None:
        """The streams of this round were read."""
        self._compressed_bytes_before, self._streams = self.compressed_bytes, []

    @property
    def lag(self) -> float:
        """How late the last record was delivered, in seconds."""
        return self._lag.last / _SECOND

    @property
    def max_lag(self) -> float:
        """How late the latest record was delivered, in seconds."""
        return self._lag.max / _SECOND

    @property
    def p99_lag(self) -> float:
        """How late 99 of 100 records were delivered at most, in seconds; up to one part in 16 too much."""
        return self._lag.quantile(0.99) / _SECOND

    def to_dict(self) -> dict[str, Any]:
        """The report as values of JSON."""
        counts = {name: getattr(self, name) for name in self.__dataclass_fields__ if not name.startswith("_")}
        counts["compressed_bytes"] = self.compressed_bytes
        return counts | {"lag": self.lag, "max_lag": self.max_lag, "p99_lag": self.p99_lag}
