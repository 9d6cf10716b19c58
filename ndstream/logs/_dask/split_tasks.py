"""What runs on a worker: a split is read to its end, and all that is known about it is the result.

A task may run more than once, on any worker, so that it writes nothing: bad lines travel in its result.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ndstream.logs._dask.columns import Column, letters_frame, reports_frame, table_of
from ndstream.logs._dead_letters.dead_letters import DeadLetter
from ndstream.logs._reading.read import read
from ndstream.logs._splits.splits import Split


class SplitResult(NamedTuple):
    """What came of a split.

    Attributes:
        content: Its values as a list, or its rows as a frame.
        bad: Its bad lines, likewise.
        reports: What was read, likewise.
    """

    content: Any
    bad: Any
    reports: Any


def values_of(split: Split, keeps_bad: bool, options: dict[str, Any]) -> SplitResult:
    """Read the values of a split.

    Args:
        split: The split.
        keeps_bad: Whether bad lines are part of the result, instead of an error.
        options: What `read` is to know.

    Raises:
        StreamError: A line is bad, or the file is damaged or another one.
        OSError: The file cannot be read on this machine.
    """
    bad: list[DeadLetter] = []
    with read(split, dead_letters=bad if keeps_bad else None, **options) as stream:
        values = list(stream)
    return SplitResult(values, bad, stream.report.files)


def frame_of(split: Split, keeps_bad: bool, options: dict[str, Any], columns: list[Column]) -> SplitResult:
    """Read the rows of a split to a frame of pandas.

    Args:
        split: The split.
        keeps_bad: Whether bad lines are part of the result, instead of an error.
        options: What `read` is to know.
        columns: The columns, in order.

    Raises:
        StreamError: A line is bad, or the file is damaged or another one.
        OSError: The file cannot be read on this machine.
    """
    fields = {column.name: (column.path, column.decoded_as()) for column in columns}
    result = values_of(split, keeps_bad, {**options, "fields": fields})
    return SplitResult(table_of(columns, result.content), letters_frame(result.bad), reports_frame(result.reports))
