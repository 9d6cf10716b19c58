"""The way in: logs are delivered to a callable at the pace of their stamps."""

from __future__ import annotations

import math
import os
import time as times
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, tzinfo
from functools import partial
from inspect import iscoroutinefunction
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypedDict, overload

from orjson import loads as orjson_loads

from ndstream._core import DEFAULT_MAX_FRAME_SIZE
from ndstream._sources.event_loops import sleep as event_loop_sleep
from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._containers.line_formats import Container
from ndstream.logs._dead_letters.dead_letters import DeadLetter, DeadLetters
from ndstream.logs._files.distinct_files import refuse_to_write_to
from ndstream.logs._files.opened_file import DEFAULT_MAX_WINDOW
from ndstream.logs._files.paths import PathOrFile
from ndstream.logs._reading.needles import kept_needles
from ndstream.logs._reading.read import OnError
from ndstream.logs._replay.log_records import LogRecords, logs_of
from ndstream.logs._replay.options import check_logs, check_pace, check_period
from ndstream.logs._replay.pace import Pace
from ndstream.logs._replay.player import Player
from ndstream.logs._replay.report import ReplayReport
from ndstream.logs._replay.schedule import Schedule
from ndstream.logs._stamps.stamp_reader import By, StampFormat, StampReader

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Options(TypedDict, total=False):
    format: StampFormat | None
    zone: tzinfo | None
    year: int | None
    speed: float
    start: datetime | str | int | None
    end: datetime | str | int | None
    max_gap: float | None
    repeat: float
    rewrite: Literal["now"] | None
    window: int
    unstamped: Literal["error", "at_once"]
    loads: Callable[[bytes], Any]
    contains: bytes | str | Iterable[bytes | str] | None
    sample: float | None
    seed: int
    unwrap: Container | None
    on_error: OnError
    dead_letters: DeadLetters | list[DeadLetter] | str | os.PathLike[str] | None
    max_frame_size: int | None
    max_window: int | None
    storage_options: dict[str, Any] | None
    checkpoint: Checkpoint | str | os.PathLike[str] | None
    with_places: bool
    dry_run: bool
    report: ReplayReport | None
    clock: Callable[[], int]
    wall_clock: Callable[[], int]
    sleep: Callable[[float], Any] | None


@overload
def replay(  # type: ignore[overload-overlap]
    paths: PathOrFile | Iterable[PathOrFile],
    to: Callable[[Any], Awaitable[object]],
    *,
    by: By,
    **options: Unpack[_Options],
) -> Coroutine[Any, Any, ReplayReport]: ...
@overload
def replay(
    paths: PathOrFile | Iterable[PathOrFile],
    to: Callable[[Any], object] | None = None,
    *,
    by: By,
    **options: Unpack[_Options],
) -> ReplayReport: ...
def replay(
    paths: PathOrFile | Iterable[PathOrFile],
    to: Callable[[Any], Any] | None = None,
    *,
    by: By,
    format: StampFormat | None = None,
    zone: tzinfo | None = None,
    year: int | None = None,
    speed: float = 1.0,
    start: datetime | str | int | None = None,
    end: datetime | str | int | None = None,
    max_gap: float | None = None,
    repeat: float = 1,
    rewrite: Literal["now"] | None = None,
    window: int = 100,
    unstamped: Literal["error", "at_once"] = "error",
    loads: Callable[[bytes], Any] = orjson_loads,
    contains: bytes | str | Iterable[bytes | str] | None = None,
    sample: float | None = None,
    seed: int = 0,
    unwrap: Container | None = None,
    on_error: OnError = "raise",
    dead_letters: DeadLetters | list[DeadLetter] | str | os.PathLike[str] | None = None,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    max_window: int | None = DEFAULT_MAX_WINDOW,
    storage_options: dict[str, Any] | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    with_places: bool = False,
    dry_run: bool = False,
    report: ReplayReport | None = None,
    clock: Callable[[], int] = times.monotonic_ns,
    wall_clock: Callable[[], int] = times.time_ns,
    sleep: Callable[[float], Any] | None = None,
) -> ReplayReport | Coroutine[Any, Any, ReplayReport]:
    """Deliver the records of logs at the pace at which they were written.

    Deadlines are absolute: a record is due as long after the first one as its stamp says, so that delays do not add
    up. A record that is late is delivered at once, and none is dropped. Several logs are merged in order of time; the
    generations of one log, such as ``app.log.2.gz``, ``app.log.1`` and ``app.log``, are read one after the other.

    The form of stamps is detected from the first line of each log and then kept: RFC 3339 and what loggers make of it,
    or seconds, milliseconds, microseconds or nanoseconds since 1970, as numbers or as digits in a string.

    Args:
        paths: A path, a glob, a URL or a binary file, or several of them.
        to: What each value is delivered to. If it is an async function, the replay has to be awaited. May be None in
            a dry run alone.
        by: The dotted path of the field with the time stamp, or two of them: of whole seconds since 1970, and of the
            nanoseconds beyond them.
        format: How stamps of other forms are read: a format of `datetime.strptime`, or a callable from the field's
            value to a datetime with a zone, or to nanoseconds since 1970.
        zone: The zone of stamps that state none; None for UTC, which the report counts.
        year: The year of the first record, for a `format` without one.
        speed: How many seconds of the log pass in one second; ``math.inf`` to wait for nothing, without a clock.
        start: The earliest time to deliver: a datetime with a zone, a text of RFC 3339, or nanoseconds since 1970.
        end: The earliest time not to deliver any more, likewise.
        max_gap: The longest wait between two records, in seconds; None for no limit.
        repeat: How often the logs are replayed; ``math.inf`` for ever.
        rewrite: "now" to replace each stamp by the time when the record is due, in the form that it has. All other
            bytes of the line stay as they are. A number with an exponent has no such form, and is no usable stamp.
        window: How many records of each log are looked ahead to put them in order of time. What comes later than that
            is delivered at once, and counted.
        unstamped: What to do with a line without a usable stamp: "error" makes it a bad line of reason ``timestamp``,
            "at_once" delivers it right after the record before it.
        loads: A callable from a line (bytes) to a value; ``bytes`` for the lines as they are.
        contains: Only lines that hold these bytes, or one of several needles.
        sample: Only about this share of the lines.
        seed: An integer; another one chooses another sample.
        unwrap: "docker" or "cri" for logs of containers: values and stamps are those of the texts in the envelopes,
            as in `read`.
        on_error: "raise", "skip" (bad lines are counted; a damaged file is raised all the same), or a callable that
            is given each error.
        dead_letters: Where to put bad lines instead of raising them: a path, `DeadLetters`, which stay open, or a
            list. They hold those of the first round.
        max_frame_size: The longest line, in bytes without its end; None for no limit.
        max_window: How much memory decompressing may take, in bytes; None for no limit.
        storage_options: What fsspec is to know to open URLs, such as credentials.
        checkpoint: Where to save how far each log was delivered, and to go on from: a path, or a `Checkpoint`. It goes
            with logs in the order in which they were written: ``window=0``. A record counts as delivered once `to` has
            returned; what `to` keeps back is to be sent in ``Checkpoint(before_save=)``.
        with_places: Whether `to` is given a `ReplayedRecord`: the value with its time, path, offset and line.
        dry_run: Read everything and count, but wait for nothing and deliver nothing.
        report: A report to count in, which can be looked at while the replay runs.
        clock: Nanoseconds that never go back.
        wall_clock: Nanoseconds since 1970, for `rewrite`.
        sleep: Waits for some seconds; an async function if `to` is one.

    Returns:
        The report; if `to` is an async function, a coroutine that returns it.

    Raises:
        FileNotFoundError: A path does not exist, or a glob matches nothing.
        OSError: A file cannot be read.
        StreamError: A line is bad or a file damaged, in the file that its `path` names; what was read of its log
            before that was delivered. A `CheckpointError`: the checkpoint is damaged or in use, or the file is not
            the one that was read.
        TypeError: An option has the wrong type, or `to` is no async function and returned something to await.
        ValueError: An option has none of its values, or does not go with another one.

    Example:
        >>> import io, math
        >>> from ndstream import logs
        >>> log = io.BytesIO(b'{"ts":"2026-01-01T00:00:00Z","n":1}\\n{"ts":"2026-01-01T00:00:30Z","n":2}\\n')
        >>> report = logs.replay(log, print, by="ts", speed=math.inf)
        {'ts': '2026-01-01T00:00:00Z', 'n': 1}
        {'ts': '2026-01-01T00:00:30Z', 'n': 2}
        >>> report.records, report.out_of_order
        (2, 0)
    """
    check_pace(speed, max_gap, repeat, window)
    first, last = check_period(start, end)
    if rewrite not in (None, "now"):
        raise ValueError(f"rewrite must be 'now' or None, not {rewrite!r}")
    if unstamped not in ("error", "at_once"):
        raise ValueError(f"unstamped must be 'error' or 'at_once', not {unstamped!r}")
    if dead_letters is not None and on_error != "raise":
        raise ValueError("dead_letters= takes the bad lines: leave out on_error=, or dead_letters=")
    if not callable(to) and not (to is None and dry_run):
        raise TypeError(f"to must be a callable that takes a value, not {type(to).__name__}")
    if not StampReader(by, format, zone, year).can_replace and rewrite:
        raise ValueError("rewrite= cannot write what a callable reads: pass a format of strptime as format=")
    logs = logs_of(paths, storage_options)
    refuse_to_write_to(chain.from_iterable(logs), dead_letters=dead_letters)
    check_logs(logs, repeat=repeat, has_checkpoint=checkpoint is not None, window=window, dry_run=dry_run)
    counted = ReplayReport() if report is None else report
    options: dict[str, Any] = {
        "contains": kept_needles(contains), "sample": sample, "seed": seed, "unwrap": unwrap,
        "max_frame_size": max_frame_size, "max_window": max_window, "storage_options": storage_options,
        # With several logs, a thread for each would only wait.
        "prefetch": None if len(logs) == 1 else 0,
    }  # fmt: skip
    records = LogRecords(
        logs, partial(StampReader, by, format, zone, year), loads, rewrite is not None, unstamped == "error",
        window, first, last, on_error, dead_letters, counted, checkpoint, with_places, options,
    )  # fmt: skip
    longest = math.inf if max_gap is None else max_gap * 1_000_000_000
    gap = None if longest == math.inf else round(longest)
    pace = None if speed == math.inf or dry_run else Pace(clock, counted._lag)
    player = Player(
        records.read, repeat, Schedule(speed, gap, counted), pace, wall_clock if rewrite else None, loads, counted
    )
    if iscoroutinefunction(to) or iscoroutinefunction(getattr(to, "__call__", None)):  # noqa: B004
        return player.arun(None if dry_run else to, event_loop_sleep if sleep is None else sleep)
    return player.run(None if dry_run else to, times.sleep if sleep is None else sleep)
