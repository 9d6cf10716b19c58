"""What becomes of bad lines in a replay, and of lines without a usable time stamp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ndstream._diagnosis import shown, where
from ndstream._errors import DecodeError, StreamError
from ndstream.logs._containers.unwrapper import with_envelope
from ndstream.logs._errors import LogFileError
from ndstream.logs._reading.bookkeeping import BadLines
from ndstream.logs._replay.report import ReplayReport
from ndstream.logs._stamps.stamp_error import StampError


class BadLineHandler:
    """What ``on_error`` is for the stream of one log.

    Args:
        on_error: "raise", "skip", or a callable that is given each error.
        letters: Where bad lines go instead; None for nowhere.
        report: Where to count.
    """

    def __init__(self, on_error: str | Callable[[StreamError], object], letters: Any, report: ReplayReport) -> None:
        self._on_error = on_error
        self._letters = letters
        self._report = report
        self._bad_lines = BadLines()
        self._stream: Any = None

    def begin(self, stream: Any) -> None:
        """Say which stream it is, which knows the file that is read."""
        self._stream = stream
        self._bad_lines.begin(self._letters, stream)

    def __call__(self, error: StreamError) -> None:
        if isinstance(error.__cause__, StampError):
            error = without_stamp(error, error.__cause__)
        damaged = isinstance(error, LogFileError)
        self._report.bad += not damaged
        if self._letters is not None:
            self._bad_lines(error)
        elif callable(self._on_error):
            self._on_error(error)
        elif damaged:
            raise error
        elif self._on_error == "raise":
            # The caller has no stream to ask for it.
            error.path = self._stream.path  # type: ignore[attr-defined]
            raise error


def without_stamp(error: StreamError, cause: StampError) -> DecodeError:
    """The error for a line that is in order but for its time stamp."""
    place = where("line", error.offset, error.line)
    found = DecodeError(
        f"{place} cannot be put in order of time: {cause}: {shown(error.frame)}",
        frame=error.frame,
        offset=error.offset,
        line=error.line,
        reason="timestamp",
    )
    found.__cause__ = cause
    if hasattr(error, "envelope"):
        with_envelope(found, error.envelope)
    return found
