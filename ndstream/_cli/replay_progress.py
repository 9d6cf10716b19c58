"""A progress bar in front of a sink: what is delivered goes on to it, and the bar moves."""

from __future__ import annotations

import math
from pathlib import Path

from ndstream._cli.input_files import find_names, size_of
from ndstream._cli.json_output import printable
from ndstream._cli.output import Output
from ndstream._cli.progress_bar import Bar, make_bar
from ndstream._cli.replay_sinks import LineSink, Sink
from ndstream.logs import ReplayedRecord, ReplayReport

_RECORDS_BETWEEN_MOVES = 64
_MAX_WAIT = 0.5
"""Seconds, so that the bar is seen to be alive while the next record is far away."""


class SinkWithBar:
    """A sink whose bar tells how much of the files was read, and how many lines were delivered or bad.

    Args:
        sink: The sink.
        bar: The bar.
        report: Knows what was read.
    """

    def __init__(self, sink: Sink, bar: Bar, report: ReplayReport) -> None:
        self._sink = sink
        self._bar = bar
        self._report = report
        self._path: str | None = None
        self.flush = sink.flush

    @property
    def counts(self) -> dict[str, int]:
        """What the sink did."""
        return self._sink.counts

    def deliver(self, record: ReplayedRecord, /) -> None:
        """Hand over a line."""
        self._sink.deliver(record)
        if record.path != self._path:
            self._path = record.path
            self._bar.begin(printable(Path(record.path or "standard input").name))
        if self._report.records % _RECORDS_BETWEEN_MOVES == 0:
            self._move()

    def wait(self, seconds: float, /) -> None:
        """Wait until the next line is due, or for less time."""
        self._move()
        self._sink.wait(min(seconds, _MAX_WAIT))

    def _move(self) -> None:
        report = self._report
        self._bar.move(report.compressed_bytes, report.records, report.bad)

    def close(self) -> None:
        """Draw the bar for the last time, and close the sink."""
        self._bar.close(self._report.compressed_bytes, self._report.records, self._report.bad)
        self._sink.close()


def with_bar(sink: Sink, report: ReplayReport, names: list[str], repeat: float) -> Sink:
    """The sink with a bar, if standard error is a terminal and it is known how much there is to read."""
    total = 0 if repeat == math.inf else sum(map(size_of, find_names(names))) * int(repeat)
    # Without an output of its own, it is known from this one whether the terminal is shared.
    output = sink.output if isinstance(sink, LineSink) and sink.output is not None else Output()
    bar = make_bar(total, output)
    return sink if bar is None else SinkWithBar(sink, bar, report)
