"""The records of logs in order of time, read once for each round of a replay.

The files of one log, which are the generations that rotation made, are read one after the other. Several logs are read
side by side, and merged. In each log a window of records is looked ahead, so that disorder inside it is put right.
Records of equal times stay in the order in which they were read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from heapq import heappop, heappush, merge
from itertools import count
from operator import attrgetter
from typing import Any

from ndstream._errors import StreamError
from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._checkpoints.shared_checkpoint import parts_of
from ndstream.logs._dead_letters.dead_letters import DeadLetter, DeadLetters
from ndstream.logs._dead_letters.letter_list import LetterList
from ndstream.logs._files.distinct_files import distinct_files
from ndstream.logs._files.paths import BinaryFile, PathOrFile, find_files, generations_of, log_order
from ndstream.logs._reading.read import OnError, read
from ndstream.logs._reading.stream import LogStream
from ndstream.logs._replay.bad_lines import BadLineHandler
from ndstream.logs._replay.report import ReplayReport
from ndstream.logs._replay.stamped_record import Place, RecordDecoder, StampedRecord
from ndstream.logs._stamps.stamp_error import MAX_TIME, MIN_TIME
from ndstream.logs._stamps.stamp_reader import StampReader

Log = list["str | BinaryFile"]
"""The files of one log, the oldest first."""


def logs_of(paths: PathOrFile | Iterable[PathOrFile], storage_options: dict[str, Any] | None) -> list[Log]:
    """The logs to read. A file under two names, or beside its compressed copy, is read once.

    Raises:
        FileNotFoundError: A glob matches nothing.
        TypeError: It is no path.
    """
    logs: dict[object, Log] = {}
    for source in distinct_files(find_files(paths, storage_options or {})):
        logs.setdefault(generations_of(source) if isinstance(source, str) else object(), []).append(source)
    for files in logs.values():
        files.sort(key=lambda file: log_order(str(file)))
    return list(logs.values())


class LogRecords:
    """Reads all records, each time once more.

    Args:
        logs: The files of each log.
        make_stamps: Makes what reads the stamps of one log.
        loads: A callable from a line to a value.
        keeps_lines: Whether records hold their lines, and not the values.
        requires_stamps: Whether a line without a usable stamp is a bad line.
        window: How many records are looked ahead in each log.
        start: The earliest time to read, in nanoseconds since 1970; None for no limit.
        end: The earliest time not to read any more, likewise.
        on_error: "raise", "skip", or a callable that is given each error.
        dead_letters: Where bad lines go instead, in the first round; None for nowhere.
        report: Where to count.
        checkpoint: Where to save how far each log was delivered; None for nowhere.
        with_places: Whether records say where they are from.
        read_options: What `read` is to know.
    """

    def __init__(
        self,
        logs: list[Log],
        make_stamps: Callable[[], StampReader],
        loads: Callable[[bytes], Any],
        keeps_lines: bool,
        requires_stamps: bool,
        window: int,
        start: int | None,
        end: int | None,
        on_error: OnError,
        dead_letters: DeadLetters | list[DeadLetter] | str | os.PathLike[str] | None,
        report: ReplayReport,
        checkpoint: Checkpoint | str | os.PathLike[str] | None,
        with_places: bool,
        read_options: dict[str, Any],
    ) -> None:
        self._logs = logs
        self._make_stamps = make_stamps
        self._loads = loads
        self._keeps_lines = keeps_lines
        self._requires_stamps = requires_stamps
        self._window = window
        self._start = MIN_TIME if start is None else start
        self._end = MAX_TIME + 1 if end is None else end
        self._on_error = on_error
        self._dead_letters = dead_letters
        self._report = report
        self._checkpoint = checkpoint
        self._with_places = with_places
        self._read_options = read_options

    def read(self) -> Generator[StampedRecord, None, None]:
        """All records once.

        Raises:
            StreamError: A line is bad or a file damaged. What was read of its log before that has come out.
            OSError: A file cannot be read.
        """
        readers = []
        with ExitStack() as opened:
            checkpoint = self._checkpoint
            if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
                checkpoint = Checkpoint(checkpoint)
            letters = self._open_dead_letters(opened, checkpoint)
            parts: list[Checkpoint | None] = [checkpoint]
            if checkpoint is None:
                parts *= len(self._logs)
            elif len(self._logs) > 1:
                opened.callback(checkpoint.close)
                parts = [*parts_of(checkpoint, self._logs)]
            logs, streams = [], []
            for files, part in zip(self._logs, parts, strict=True):
                readers.append(self._make_stamps())
                decode = RecordDecoder(readers[-1], self._loads, self._keeps_lines, self._requires_stamps)
                handler = BadLineHandler(self._on_error, letters, self._report)
                stream = opened.enter_context(
                    read(files, loads=decode, on_error=handler, checkpoint=part, **self._read_options)
                )
                handler.begin(stream)
                streams.append(stream)
                records: Iterator[StampedRecord] = stream
                if self._read_options["unwrap"] is not None:
                    records = _PlacedTexts(stream) if self._with_places else map(attrgetter("value"), stream)
                elif self._with_places:
                    records = _Placed(stream)
                in_order = self._in_order(filter(self._is_inside, records))
                logs.append(in_order if checkpoint is None else _committed(in_order, stream))
            if letters is not None:
                # They are in the letters of the first round.
                self._on_error = "skip"
            self._report.begin_round(streams)
            try:
                yield from merge(*logs, key=attrgetter("order")) if len(logs) > 1 else logs[0]
            finally:
                self._report.end_round()
                self._report.assumed_utc += sum(reader.without_zone for reader in readers)

    def _open_dead_letters(self, opened: ExitStack, checkpoint: Checkpoint | None) -> Any:
        """What bad lines of this round are written to; None for nothing."""
        target, self._dead_letters = self._dead_letters, None
        if target is None:
            return None
        if isinstance(target, list):
            return LetterList(target)
        if not isinstance(target, DeadLetters):
            target = opened.enter_context(DeadLetters(target, append=checkpoint is not None))
        if checkpoint is not None:
            checkpoint.before_save = partial(_call_both, checkpoint.before_save, target.sync)
        return target

    def _is_inside(self, record: StampedRecord) -> bool:
        inside = record.time is None or self._start <= record.time < self._end
        self._report.outside += not inside
        return inside

    def _in_order(self, records: Iterator[StampedRecord]) -> Iterator[StampedRecord]:
        """The records of one log, sorted as far as the window reaches."""
        waiting: list[tuple[int, int, StampedRecord]] = []
        number = count()
        latest = MIN_TIME
        failure: Exception | None = None
        while True:
            try:
                record = next(records, None)
            except (StreamError, OSError) as error:
                failure = error
                break
            if record is None:
                break
            self._report.reordered += record.order < latest and self._window > 0
            latest = max(latest, record.order)
            heappush(waiting, (record.order, next(number), record))
            if len(waiting) > self._window:
                yield heappop(waiting)[2]
        while waiting:
            yield heappop(waiting)[2]
        if failure is not None:
            raise failure


class _Placed(Iterator[StampedRecord]):
    """The records of a stream, each with its place. After an error it goes on, as a generator would not."""

    def __init__(self, stream: LogStream[StampedRecord]) -> None:
        self._stream = stream

    def __next__(self) -> StampedRecord:
        record = next(self._stream)
        decoder = self._stream._files.decoder
        assert decoder is not None
        return record._replace(place=Place(self._stream.path, decoder._frame_offset, decoder.line))


class _PlacedTexts(Iterator[StampedRecord]):
    """The records in the envelopes of a stream, each with the place where its text began."""

    def __init__(self, stream: LogStream[Any]) -> None:
        self._stream = stream

    def __next__(self) -> StampedRecord:
        record: StampedRecord = next(self._stream).value
        unwrapper = self._stream._files.unwrapper
        assert unwrapper is not None
        return record._replace(place=Place(self._stream.path, unwrapper.offset, unwrapper.line))


def _committed(records: Iterator[StampedRecord], stream: LogStream[StampedRecord]) -> Iterator[StampedRecord]:
    """The records; once the next one is asked for, the last one was delivered, and is committed.

    That holds in a merge as well: it asks a log for its next record only after the last one of this log was delivered.
    """
    for record in records:
        yield record
        stream.commit(now=False)


def _call_both(first: Callable[[], object] | None, second: Callable[[], object]) -> None:
    if first is not None:
        first()
    second()
