"""``ndstream cat`` of logs that are followed, resumed, sampled or unwrapped: the values of `ndstream.logs`, as lines.

A checkpoint is saved only after all values before it were written to standard output: they may come twice after a
kill, and none is lost.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from operator import attrgetter
from typing import Any, Literal

import click

from ndstream import logs
from ndstream._cli.input_files import is_output, is_regular
from ndstream._cli.messages import STDIN
from ndstream._cli.selection import line_of
from ndstream._cli.value_output import ValueOutput
from ndstream._errors import StreamError
from ndstream._sources.clocks import SystemClock

_LINES_BETWEEN_MOVES = 1024
_CHUNK_SIZE = 64 * 1024


class OutputCheckpoint(logs.Checkpoint):
    """A checkpoint that is saved once all values before it were written.

    Args:
        path: The file.
        on_mismatch: What to do if a log is another one than before.
        target: Where values are written.
    """

    def __init__(self, path: str, on_mismatch: str, target: ValueOutput) -> None:
        super().__init__(path, on_mismatch=on_mismatch)
        self._target = target

    def save(self, cursors: Any, sync: Callable[[], object] | None = None) -> None:
        """Write what is buffered, then save."""
        self._target.buffer.flush()
        super().save(cursors, sync)


class FlushingClock(SystemClock):
    """The real time. Before each wait for more data, what came so far is written."""

    def __init__(self, target: ValueOutput) -> None:
        super().__init__()
        self._target = target

    def wait(self, seconds: float) -> None:
        self._target.buffer.flush()
        super().wait(seconds)


def copy_logs(
    names: Sequence[str] | logs.Split,
    target: ValueOutput,
    *,
    checkpoint: str | None,
    on_mismatch: str,
    unwrap: Literal["docker", "cri"] | None,
    follow: dict[str, Any] | None,
    options: dict[str, Any],
) -> None:
    """Copy the values of logs.

    Args:
        names: Paths, globs and URLs; of files that are not followed also ``-``. Or one split.
        target: Where values and bad frames go.
        checkpoint: The checkpoint's file; None for none.
        on_mismatch: What to do if a log is another one than in the checkpoint: "raise" or "restart".
        unwrap: Whose envelopes to take off.
        follow: Options of `logs.follow`; None to read what is there now.
        options: Options of the decoder, and of `logs.read` if nothing is followed.

    Raises:
        click.exceptions.Exit: There is a bad frame, and they are not skipped.
        OSError: A file cannot be opened, or the checkpoint not be written.
        StreamError: The checkpoint cannot be gone on from.
    """
    for name in [names.path] if isinstance(names, logs.Split) else names:
        if is_output(name):
            raise OSError(errno.EINVAL, "this is the output as well", name)
    place = None if checkpoint is None else OutputCheckpoint(checkpoint, on_mismatch, target)
    common: dict[str, Any] = {"loads": line_of, "checkpoint": place, **options}
    if unwrap is not None:
        common["unwrap"] = unwrap
    if target.skips_errors and target.dead_letters is not None:
        common["dead_letters"] = target.dead_letters
    stream: Any
    if follow is None:
        sources: Any = names
        if not isinstance(names, logs.Split):
            sources = [_standard_input(target) if name == STDIN else name for name in names]
        stream = logs.read(sources, duplicates=checkpoint is None, **common)
        target.report = stream.report
    else:
        assert not isinstance(names, logs.Split)
        common["loads"] = _counted(target, ", ".join(names))
        try:
            stream = logs.follow(*names, clock=FlushingClock(target), **follow, **common)
        except NotImplementedError as error:
            raise click.UsageError(str(error)) from None
    with closing(stream):
        _copy(stream, map(attrgetter("value"), stream) if unwrap else stream, target)


def _copy(stream: Any, lines: Iterator[bytes], target: ValueOutput) -> None:
    while True:
        try:
            for line in lines:
                # Each line is written before the next one is asked for: what is asked for says that it was dealt with.
                target.write(line)
                target.buffer.writelines(islice(lines, _LINES_BETWEEN_MOVES))
                _note(stream, target)
            _note(stream, target)
            return
        except logs.CheckpointError:
            raise
        except logs.LogFileError as error:
            if error.frame and not target.skips_errors:
                target.keep_bad_frame(stream.path or STDIN, error, None)
            target.fail(stream.path or STDIN, error)
        except StreamError as error:
            path = stream.path or STDIN
            _note(stream, target)
            if isinstance(stream, logs.FollowStream):
                target.report.files[0].bad += 1
            if not target.skips_errors:
                target.take_bad_frame(path, error, path if is_regular(path) else None)


def _note(stream: Any, target: ValueOutput) -> None:
    """Bring the counts up to date, and show them."""
    if isinstance(stream, logs.LogStream):
        target.report = stream.report
    elif target.skips_errors and target.dead_letters is not None:
        target.report.files[0].bad = target.dead_letters.count
    target.move()


def _counted(target: ValueOutput, names: str) -> Callable[[bytes], bytes]:
    """What makes a line of a payload of the followed files, and counts it."""
    report = logs.FileReport(names)
    target.report.files.append(report)

    def line_and_count(payload: bytes) -> bytes:
        line = line_of(payload)
        report.values += 1
        report.lines += 1
        report.bytes += len(payload) + 1
        report.compressed_bytes = report.bytes
        return line

    return line_and_count


def _standard_input(target: ValueOutput) -> Iterator[bytes]:
    """The chunks of standard input. Before each one is waited for, what came so far is written."""
    while True:
        target.buffer.flush()
        chunk = os.read(0, _CHUNK_SIZE)
        if not chunk:
            return
        yield chunk
