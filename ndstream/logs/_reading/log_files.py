"""The files of a stream: one is opened after the other, each with offsets and lines of its own.

Values go from decoder to caller through `itertools.chain`, so that no Python code runs for each. Whatever is to give
values next waits in a queue: the stream of the file that is open, then the opener of the next file. The queue is
taken from in C as well: an interrupt, which Python code would be given, can cost neither a value nor a file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ndstream._core import NDJSONDecoder
from ndstream._errors import StreamError
from ndstream._sources.opened_source import Chunk, OpenedSyncSource
from ndstream._streams import Stream
from ndstream.logs._checkpoints.resumption import Resumption
from ndstream.logs._containers.unwrapper import Unwrapper
from ndstream.logs._dead_letters.dead_letters import DeadLetters
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.after_damage import AfterDamage
from ndstream.logs._files.distinct_files import identity_of_regular_file
from ndstream.logs._files.opened_file import OpenedFile
from ndstream.logs._files.paths import BinaryFile, generations_of
from ndstream.logs._files.positions import START, Position
from ndstream.logs._reading.report import FileReport, Report


class LogFiles:
    """The files of a stream, and the one that is open. As an iterator it gives nothing: a turn opens the next file.

    Args:
        sources: The files to read.
        open_file: Opens one of them.
        make_decoder: Makes the decoder for its lines.
        unwrapper: What takes the lines apart that a container runtime wrote; None for plain lines.
        on_error: What to do about a damaged file: a callable is given the error, anything else raises it.
        duplicates: Whether a file is read again under another name.
        resumption: Where earlier runs stopped, and where this one is saved; None if it is not.
        dead_letters: Where bad lines go, which is closed with the stream.
        start_line: How many lines precede what is read of the file.
        open_rest: Opens what follows the damage in an archive; None not to go on there.
        repeated: Paths that were left out of the files, for the report.

    Attributes:
        unwrapper: As given.
    """

    def __init__(
        self,
        sources: list[str | BinaryFile],
        open_file: Callable[[str | BinaryFile], OpenedFile],
        make_decoder: Callable[[], NDJSONDecoder[Any]],
        unwrapper: Unwrapper[Any] | None,
        on_error: object,
        duplicates: bool,
        resumption: Resumption | None = None,
        dead_letters: DeadLetters | None = None,
        start_line: int = 0,
        open_rest: Callable[[str, LogFileError, int], AfterDamage | None] | None = None,
        repeated: Iterable[str] = (),
    ) -> None:
        self._open_rest = open_rest
        self._damage: LogFileError | None = None
        self._torn = self._lines_before = self._content_end = 0
        self._read_to_end = False
        self._start_line = start_line
        self._dead_letters = dead_letters
        self._resumption = resumption
        self._sources = deque(sources)
        self._open_file = open_file
        self._make_decoder = make_decoder
        self.unwrapper = unwrapper
        self._on_error = on_error
        self._duplicates = duplicates
        # Which files were read, whatever name they had: device and inode.
        self._seen: set[tuple[int, int]] = set()
        self._failure: Exception | None = None
        self._stream: Stream[Any] | None = None
        self._decoder: NDJSONDecoder[Any] | None = None
        self._file: OpenedFile | None = None
        self._report = Report(repeated=list(repeated))
        self._current = FileReport(None)
        # Whatever gives values next; None is the end.
        self.turns: deque[Any] = deque([self])
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        """Open the next file, and put its values in the queue."""
        if self._resumption is not None:
            self._resumption.end_file()
        self._raise_failure()
        self._go_on_after_damage()
        identity = None
        while self._sources and (identity := identity_of_regular_file(self._first_source())) in self._seen:
            self._report.repeated.append(str(self._sources.popleft()))
        if not self._sources:
            self._end()
            raise StopIteration
        source = self._sources[0]
        if self.unwrapper is not None and self.unwrapper.may_change_to(_group_of(source)):
            # What the last container left unfinished comes before the lines of another one.
            self.turns.extend((self.unwrapper.leftovers(), self))
            raise StopIteration
        decoder = self._make_decoder()
        try:
            if self._resumption is None or not isinstance(source, str):
                opened = self._open_file(source)
                decoder.reset(offset=opened.offset, line=self._start_line)
            else:
                opened = self._resumption.open(source, decoder)
        except Exception as error:
            # It will be no better the next time.
            self._sources.popleft()
            self._report.files.append(FileReport(source if isinstance(source, str) else None, error=error))
            raise
        values = self._values(opened, decoder)
        if identity is not None and not self._duplicates:
            self._seen.add(identity)
        self._sources.popleft()
        self.turns.extend((values, self))
        raise StopIteration

    def _go_on_after_damage(self) -> None:
        """Put what follows the damage of the last file in the queue, if anything does."""
        rest = None
        while self._damage is not None and rest is None:
            damage, self._damage = self._damage, None
            assert self._decoder is not None
            if self._open_rest is None or damage.path is None:
                return
            try:
                rest = self._open_rest(damage.path, damage, self._decoder.line)
            except LogFileError as error:
                # The next member is damaged in its first line.
                self._failure = error
                self._raise_failure()
        if rest is None:
            return
        decoder = self._make_decoder()
        decoder.reset(offset=rest.file.offset, line=rest.line)
        if self._resumption is not None:
            self._resumption.go_on(rest.file, rest.line, decoder)
        values = self._values(rest.file, decoder)
        if rest.torn is not None:
            self._torn = 1
            self._lines_before -= 1
            self.turns.append(_reporting(rest.torn, self._on_error))
        self.turns.extend((values, self))
        raise StopIteration

    def _first_source(self) -> str | BinaryFile:
        """The next file; rotated ones that hold what an earlier run did not read come before their log."""
        source = self._sources.popleft()
        if self._resumption is not None and isinstance(source, str):
            # A file that is another one than before is left out, since the error says so.
            self._sources.extendleft(reversed(self._resumption.expand(source)))
        else:
            self._sources.appendleft(source)
        return self._sources[0]

    def _values(self, opened: OpenedFile, decoder: NDJSONDecoder[Any]) -> Iterator[Any]:
        self.settle()
        self._torn, self._lines_before = 0, decoder.line
        self._content_end, self._read_to_end = opened.offset, False
        self._current = FileReport(opened.path, opened.format)
        self._report.files.append(self._current)
        self._file, self._decoder = opened, decoder
        self._stream = Stream(OpenedSyncSource(self._chunks(opened, decoder), opened.close), decoder)
        return self._stream if self.unwrapper is None else self.unwrapper.values(self._stream, decoder)

    def _chunks(self, opened: OpenedFile, decoder: NDJSONDecoder[Any]) -> Iterator[Chunk]:
        try:
            for chunk in opened.chunks:
                if self._resumption is not None:
                    self._resumption.add(bytes(chunk))
                self._content_end += len(chunk)
                yield chunk
                if not self._commit():
                    return
                # Positions before this offset need not be remembered.
                opened.position(decoder.offset)
            self._read_to_end = True
        except LogFileError as error:
            error._note_cut(decoder._fail(error))
            self._failure = self._current.error = error
            # Its last line was cut: closing keeps it from being decoded as if it were whole.
            assert self._stream is not None
            self._stream.close()

    def _commit(self) -> bool:
        """Take note that all values so far were dealt with; False if that cannot be saved."""
        try:
            if self._resumption is not None:
                self._resumption.commit()
        except Exception as error:
            # Also what the caller's own work before a save raised.
            self._failure = error
            self._sources.clear()
            assert self._stream is not None
            self._stream.close()
            return False
        return True

    def _raise_failure(self) -> None:
        """What ended the last file, now that its values are out."""
        failure, self._failure = self._failure, None
        if failure is not None:
            if isinstance(failure, LogFileError) and failure.rest is not None:
                self._damage = failure
            if not (callable(self._on_error) and isinstance(failure, LogFileError)):
                raise failure
            self._on_error(failure)

    def _end(self) -> None:
        if self.unwrapper is not None and self.unwrapper.is_unfinished:
            self.turns.extend((self.unwrapper.leftovers(), self))
        else:
            self.turns.append(None)
            self.closed = True
            if self._resumption is not None:
                self._resumption.end()
            self._close_bookkeeping()

    def settle(self) -> Report:
        """The report, up to date."""
        if self._decoder is not None and self._file is not None:
            report = self._current
            report.bytes = self._decoder.offset - self._file.offset
            report.compressed_bytes = self.position.compressed_offset - self._file.compressed_offset
            # The decoder stays before a last line that was cut, so that reading can go on there.
            cut_at_end = self._read_to_end and self._decoder.offset < self._content_end
            report.lines = self._decoder.line - self._lines_before + cut_at_end
            counted = self._decoder if self.unwrapper is None else self.unwrapper
            report.values, report.bad = counted.frames, counted.errors + self._torn
        return self._report

    @property
    def path(self) -> str | None:
        return None if self._file is None else self._file.path

    @property
    def decoder(self) -> NDJSONDecoder[Any] | None:
        return self._decoder

    @property
    def position(self) -> Position:
        if self._file is None or self._decoder is None:
            return START
        return self._file.position(self._decoder.offset)

    def commit(self, now: bool) -> None:
        if self._resumption is None:
            raise ValueError("there is nothing to commit to: pass checkpoint=")
        self._resumption.commit(now=now)

    def close(self) -> None:
        self.closed = True
        self._sources.clear()
        self.turns.clear()
        self.turns.append(None)
        if self._stream is not None:
            self._stream.close()
        self._close_bookkeeping()

    def _close_bookkeeping(self) -> None:
        try:
            if self._resumption is not None:
                self._resumption.close()
        finally:
            if self._dead_letters is not None:
                self._dead_letters.close()


def _reporting(error: StreamError, on_error: object) -> Iterator[Any]:
    """No values: an error, to do about it what was asked for."""
    if callable(on_error):
        on_error(error)
    elif on_error == "raise":
        raise error
    yield from ()


def _group_of(source: str | BinaryFile) -> str | None:
    return generations_of(source) if isinstance(source, str) else None
