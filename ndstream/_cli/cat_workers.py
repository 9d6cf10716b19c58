"""``ndstream cat --workers``: several processes decode, and one copies.

Workers say which ranges of a split are good lines. The parent copies these from the file, in order, and deals with the
bad ones as one process would.
"""

from __future__ import annotations

import errno
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import islice
from multiprocessing import get_context
from typing import Any

import click

from ndstream._cli.cat_values import copy_rest
from ndstream._cli.input_files import open_input
from ndstream._cli.messages import label
from ndstream._cli.selection import Selection
from ndstream._cli.split_check import Checked, begin_worker, check_split
from ndstream._cli.value_output import ValueOutput
from ndstream._errors import StreamError
from ndstream._framing import MAX_SNIFFED_BYTES, sniff
from ndstream.logs import FileReport, LogFileError, Split, splits
from ndstream.logs._files.fingerprint import digest
from ndstream.logs._files.opened_file import OpenedFile

MIN_SPLIT_SIZE = 1024 * 1024
MAX_SPLIT_SIZE = 8 * 1024 * 1024
_SPLITS_PER_WORKER = 4


def plan(names: Sequence[str], selection: Selection, workers: int) -> list[Split]:
    """Split the files, all of them or none.

    Args:
        names: Paths of regular files.
        selection: Which lines are wanted.
        workers: How many processes there will be.

    Raises:
        click.UsageError: A file cannot be split, or holds no lines.
        OSError: A file cannot be read.
        LogFileError: A file is damaged at its beginning.
    """
    found: list[Split] = []
    for name in names:
        file = open_input(name, selection.max_window)
        try:
            head = bytes(next(file.chunks, b""))[:MAX_SNIFFED_BYTES]
        finally:
            file.close()
        framing = selection.framing or sniff(head, at_end=True)
        if framing != "ndjson":
            raise click.UsageError(f"--workers reads lines of NDJSON, and {name} holds {framing}: leave out --workers")
        size = min(max((file.size or 0) // (_SPLITS_PER_WORKER * workers), MIN_SPLIT_SIZE), MAX_SPLIT_SIZE)
        for split in splits(name, size, max_window=selection.max_window):
            if split.unsplittable is not None:
                raise click.UsageError(f"--workers: {name} cannot be split: {split.unsplittable}; leave out --workers")
            found.append(split)
    return found


def copy_splits(
    planned: Sequence[Split], selection: Selection, sample: dict[str, Any], target: ValueOutput, workers: int
) -> None:
    """Copy the good lines of split files, in order.

    Args:
        planned: All splits of each file, one file after the other.
        selection: Which lines are wanted.
        sample: The share of the lines that is wanted, as options of the decoder.
        target: Where lines and bad lines go.
        workers: How many processes decode.

    Raises:
        click.exceptions.Exit: There is a bad line, and they are not skipped; or a worker was killed.
    """
    # To fork is safe, since no thread runs yet, and the fastest way to begin. Elsewhere it is not safe.
    context = get_context("fork" if sys.platform == "linux" else "spawn")
    # All of a pool are started at once, and those without a split would do nothing.
    workers = max(1, min(workers, len(planned)))
    pool = ProcessPoolExecutor(workers, context, begin_worker, (os.getpid(),))

    def check(split: Split) -> Future[Checked]:
        try:
            return pool.submit(check_split, split, selection, sample, not target.skips_errors)
        except BrokenProcessPool as error:
            # It is said where the split would have been copied, after those before it.
            broken: Future[Checked] = Future()
            broken.set_exception(error)
            return broken

    left = iter(planned)
    # So many that no worker waits for the parent, and that what they say takes little memory.
    running = deque((split, check(split)) for split in islice(left, 2 * workers + 1))
    copy: _SplitFileCopy | None = None
    try:
        while running:
            split, future = running.popleft()
            if copy is None or copy.is_over_at(split):
                if copy is not None:
                    copy.close()
                copy = _SplitFileCopy(split, selection, sample, target)
            while not copy.ended:
                checked = _result_of(future, split, target)
                copy.take(split, checked)
                if checked.rest is None:
                    break
                split, future = checked.rest, check(checked.rest)
            running.extend((following, check(following)) for following in islice(left, 1))
    finally:
        if copy is not None:
            copy.close()
        pool.shutdown(cancel_futures=True)


def _result_of(future: Future[Checked], split: Split, target: ValueOutput) -> Checked:
    try:
        return future.result()
    except BrokenProcessPool:
        target.say(f"a worker was killed at {split}: run it again, with fewer --workers if memory is short")
        raise click.exceptions.Exit(1) from None


class _SplitFileCopy:
    """One file, whose good lines are copied in the order of its splits."""

    def __init__(self, split: Split, selection: Selection, sample: dict[str, Any], target: ValueOutput) -> None:
        self._selection = replace(selection, sample=sample)
        self._name = split.path
        self._target = target
        self._report = FileReport(split.path, split.format)
        target.report.files.append(self._report)
        target.begin(split.path)
        self.ended = False
        self._file: OpenedFile | None = None
        self._chunk, self._chunk_offset = b"", 0
        try:
            self._file = open_input(split.path, selection.max_window)
            if digest(self._file.head[: split.head_size]) != split.head:
                raise OSError(errno.ESTALE, "this is not the file that was split; run it again")
        except OSError as error:
            self._fail(error)

    def is_over_at(self, split: Split) -> bool:
        """Whether a split begins the next file."""
        return split.start == 0

    def take(self, split: Split, checked: Checked) -> None:
        """Copy what a worker found good, and deal with what it found bad."""
        report = self._report
        lines_before = report.lines
        try:
            for piece in checked.pieces:
                if isinstance(piece, bytes):
                    self._target.write(piece)
                else:
                    self._target.copy(*piece, list(self._pieces(*piece)))
        except (OSError, LogFileError) as error:
            if getattr(error, "filename", None) == "standard output":
                raise
            self._fail(error)
            return
        report.lines += checked.lines
        report.values += checked.values
        report.bad += checked.bad
        report.bytes = checked.stop
        for bad in checked.errors:
            self._target.take_bad_frame(self._name, _with_line(bad, lines_before), self._name)
        if checked.failure is not None:
            if isinstance(checked.failure, LogFileError) and checked.failure.frame:
                self._target.keep_bad_frame(self._name, _with_line(checked.failure, lines_before), None)
            self._fail(checked.failure)
            if isinstance(checked.failure, LogFileError) and not checked.is_done:
                # Where workers have to go on after damage, only reading what precedes it tells: one process does.
                copy_rest(self._name, checked.failure, report.lines, self._selection, self._target)
        elif checked.is_done:
            self.ended = True
            is_last = split.stop is None or (split.format == "plain" and split.stop == split.size)
            if checked.goes_on or not is_last:
                self._target.say(f"{label(self._name)}: ended at its [DONE]; what follows it was not read")
        if split.format == "plain":
            report.compressed_bytes = checked.stop
        elif split.stop is None:
            report.compressed_bytes = split.size or 0
        else:
            report.compressed_bytes = split.member.compressed_offset
        self._target.move()

    def _pieces(self, start: int, stop: int) -> Iterator[memoryview]:
        """The bytes of a range, which begins at or after the end of the one before."""
        assert self._file is not None
        while start < stop:
            end = self._chunk_offset + len(self._chunk)
            if start < end:
                piece = memoryview(self._chunk)[start - self._chunk_offset : stop - self._chunk_offset]
                yield piece
                start += len(piece)
            else:
                self._chunk_offset = end
                self._chunk = bytes(next(self._file.chunks, b""))
                if not self._chunk:
                    raise OSError(errno.ESTALE, "the file became shorter while it was read")

    def _fail(self, error: Exception) -> None:
        self.ended = True
        self._report.error = error
        self._target.fail(self._name, error)

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()


def _with_line(error: StreamError, lines_before: int) -> StreamError:
    """The error with the number that its line has in the file."""
    if error.line is not None:
        line = error.line + lines_before
        error.args = (str(error).replace(f"(line {error.line})", f"(line {line})", 1),)
        error.line = line
    return error
