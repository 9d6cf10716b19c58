"""The options of a replay, checked before anything is opened."""

from __future__ import annotations

import math
import os
from datetime import datetime

from ndstream.logs._files.remote import is_url
from ndstream.logs._replay.log_records import Log
from ndstream.logs._stamps.date_time import DateTimeForm
from ndstream.logs._stamps.stamp_error import StampError
from ndstream.logs._stamps.stamp_reader import nanoseconds_of


def check_pace(speed: float, max_gap: float | None, repeat: float, window: int) -> None:
    """Check the numbers.

    Raises:
        TypeError: One of them is no number.
        ValueError: One of them is out of range.
    """
    for name, number in (("speed", speed), ("max_gap", max_gap), ("repeat", repeat), ("window", window)):
        if number is None and name == "max_gap":
            continue
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise TypeError(f"{name} must be a number, not {type(number).__name__}")
    if not speed > 0:
        raise ValueError(f"speed must be more than 0, such as 0.5, 10 or math.inf, not {speed}")
    if max_gap is not None and not max_gap >= 0:
        raise ValueError(f"max_gap must be a number of seconds from 0 on, or None, not {max_gap}")
    if repeat != math.inf and (repeat % 1 != 0 or repeat < 1):
        raise ValueError(f"repeat must be a whole number from 1 on, or math.inf, not {repeat}")
    if window % 1 != 0 or window < 0:
        raise ValueError(f"window must be a whole number of records from 0 on, not {window}")


def check_period(start: datetime | str | int | None, end: datetime | str | int | None) -> tuple[int | None, int | None]:
    """The times that bound a replay, in nanoseconds since 1970.

    Raises:
        TypeError: One of them is no moment.
        ValueError: One of them states no zone, there is no such time, or the end comes first.
    """
    first, last = time_of("start", start), time_of("end", end)
    if first is not None and last is not None and first > last:
        raise ValueError(f"start must not be later than end: {start} is later than {end}")
    return first, last


def check_logs(logs: list[Log], *, repeat: float, has_checkpoint: bool, window: int, dry_run: bool) -> None:
    """Check what the options ask of the logs.

    Raises:
        ValueError: They cannot be read twice, or are not the one log that a checkpoint is for.
    """
    if has_checkpoint and (window or repeat > 1 or dry_run):
        raise ValueError(
            "checkpoint= is a place in each log, which is read once and in its order: pass window=0, and leave out "
            "repeat= and dry_run="
        )
    for path in (file for files in logs for file in files if repeat > 1):
        if not (isinstance(path, str) and (is_url(path) or os.path.isfile(path))):
            name = path if isinstance(path, str) else "a file object"
            raise ValueError(f"repeat= reads everything again, which {name} does not allow: pass a path of a file")


def time_of(name: str, moment: datetime | str | int | None) -> int | None:
    """A moment that bounds a replay, in nanoseconds since 1970.

    Args:
        name: The name of the option.
        moment: A datetime with a zone, a text of RFC 3339, or nanoseconds since 1970.

    Raises:
        TypeError: It is none of these.
        ValueError: It states no zone, or there is no such time.

    Example:
        >>> time_of("start", "1970-01-01T00:00:01Z")
        1000000000
    """
    if moment is None or (isinstance(moment, int) and not isinstance(moment, bool)):
        return moment
    if isinstance(moment, datetime):
        try:
            return nanoseconds_of(moment)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if not isinstance(moment, str):
        raise TypeError(f"{name} must be a datetime, a text or nanoseconds, not {type(moment).__name__}")
    form = DateTimeForm()
    try:
        time = form.parse(moment)
    except StampError:
        raise ValueError(f"{name} must be like 2026-01-01T00:00:00Z, not {moment!r}") from None
    if form.without_zone:
        raise ValueError(f"{name} states no zone: write {moment}Z for UTC, or add an offset such as +02:00")
    return time
