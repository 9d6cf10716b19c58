"""What is wrong with a log file, without changing it."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from orjson import loads as orjson_loads

from ndstream._core import DEFAULT_MAX_FRAME_SIZE, NDJSONDecoder
from ndstream._errors import StreamError
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.after_damage import AfterDamage, open_after_damage
from ndstream.logs._files.opened_file import DEFAULT_MAX_WINDOW, open_file

Tail = Literal["complete", "unterminated", "interrupted"]


@dataclass
class CheckReport:
    """What was found in a file.

    Attributes:
        path: The file's path.
        format: "plain", "gzip", "zstd", "bz2", "xz" or "lz4".
        bytes: How much content was read, in bytes.
        compressed_bytes: How much of the file was read, in bytes as stored.
        lines: How many lines there are, blank ones included.
        values: How many of them hold a value.
        bad: How many do not, by reason. An interrupted tail is among them.
        errors: The first of the bad lines.
        tail: How the file ends: "complete" (with a LF, or empty), "unterminated" (with a value that no LF follows, so
            that a number may be cut), or "interrupted" (in the middle of an append: `repair_tail` mends that).
        good_end: The offset after the last line that ends with a LF, and is no trace of an interrupted append.
        damage: What is wrong with the archive first, or with what the file holds instead of lines; None for nothing.
            What follows it is checked as well, if it was found; further damage there is among the bad lines.
    """

    path: str
    format: str = "plain"
    bytes: int = 0
    compressed_bytes: int = 0
    lines: int = 0
    values: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    errors: list[StreamError] = field(default_factory=list)
    tail: Tail = "complete"
    good_end: int = 0
    damage: LogFileError | None = None

    @property
    def ok(self) -> bool:
        """Whether every line is good, and the file is whole. A last value without a LF is good."""
        return not self.bad and self.damage is None


def check(
    path: str | os.PathLike[str],
    *,
    loads: Callable[[bytes], Any] = orjson_loads,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    max_window: int | None = DEFAULT_MAX_WINDOW,
    max_errors: int = 100,
    on_progress: Callable[[CheckReport], object] | None = None,
) -> CheckReport:
    """Read a log file, plain or compressed, and report what is wrong with it. Nothing is changed.

    Args:
        path: The file.
        loads: What a line has to be good for, a callable from bytes.
        max_frame_size: The longest good line, in bytes; None for no limit.
        max_window: How much memory decompressing may take, in bytes; None for no limit.
        max_errors: How many bad lines are kept in the report; all are counted.
        on_progress: Is called with the report after each chunk.

    Returns:
        What was found.

    Raises:
        OSError: The file cannot be read.
        TypeError: An option has the wrong type.
        ValueError: An option has none of its values.

    Example:
        >>> import pathlib, tempfile
        >>> from ndstream import logs
        >>> path = pathlib.Path(tempfile.mkdtemp(), "app.log")
        >>> _ = path.write_bytes(b'{"a":1}\\n{"a"\\n{"a":3}\\n{"a":')
        >>> report = logs.check(path)
        >>> report.ok, report.values, dict(report.bad), report.tail, report.good_end
        (False, 2, {'invalid_json': 1, 'unfinished': 1}, 'interrupted', 21)
    """
    report = CheckReport(os.fspath(path))
    last: StreamError | None = None
    ending = b""

    def note(error: StreamError) -> None:
        nonlocal last
        last = error
        report.bad[error.reason] += 1
        if len(report.errors) < max_errors:
            report.errors.append(error)

    decoder: NDJSONDecoder[Any] = NDJSONDecoder(loads=loads, max_frame_size=max_frame_size, on_error=note)
    file = open_file(report.path, max_window=max_window)
    report.format = file.format
    values = 0
    while True:
        damage = None
        try:
            for chunk in file.chunks:
                report.bytes += len(chunk)
                ending = (ending + bytes(chunk[-3:]))[-3:]
                deque(decoder.feed(chunk), 0)
                report.lines, report.values = decoder.line, values + decoder.frames
                report.compressed_bytes = file.position(decoder.offset).compressed_offset
                if on_progress is not None:
                    on_progress(report)
            end = decoder.offset
            deque(decoder.finish(), 0)
            report.compressed_bytes = file.position(decoder.offset).compressed_offset
        except LogFileError as error:
            damage = error
        finally:
            file.close()
        report.lines, report.values = decoder.line, values + decoder.frames
        if damage is None:
            break
        if report.damage is None:
            report.damage, report.good_end = damage, decoder.offset
            report.tail = "interrupted" if decoder.pending else "complete"
        else:
            note(damage)
        damage._note_cut(decoder._fail(damage))
        rest = _rest_after(report.path, damage, decoder.line, max_window, note)
        if rest is None:
            return report
        file, values = rest.file, report.values
        if rest.torn is not None:
            note(rest.torn)
        decoder.reset(offset=rest.file.offset, line=rest.line)
    if report.damage is not None:
        return report
    report.good_end = end
    if decoder.unterminated:
        report.tail = "unterminated"
    elif decoder.offset < report.bytes:
        # The decoder stays before a last line that was cut.
        report.lines += 1
        if decoder.pending:
            report.tail = "interrupted"
    elif ending.endswith((b"\0\n", b"\0\r\n")) and last is not None and last.line == report.lines:
        # A loss of power leaves NULs, and the next start of the writer a LF after them.
        report.tail, report.good_end = "interrupted", last.offset
    return report


def _rest_after(
    path: str, damage: LogFileError, line: int, max_window: int | None, note: Callable[[StreamError], object]
) -> AfterDamage | None:
    while damage.rest is not None:
        try:
            return open_after_damage(path, damage, line, max_window)
        except LogFileError as error:
            note(error)
            damage = error
    return None
