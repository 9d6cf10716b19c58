"""Dead letters are driven again: each line comes out as a value once it is mended, and once only.

What was driven is written to a file beside the letters, after the caller dealt with it. So a run that is interrupted,
or repeated, drives what is left, and letters that are in the file twice come once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Generic, TypeVar, overload

import orjson

from ndstream._core import DEFAULT_MAX_FRAME_SIZE, NDJSONDecoder
from ndstream._diagnosis import where
from ndstream._errors import DecodeError, StreamError
from ndstream.logs._dead_letters.dead_letters import DeadLetter, DeadLetters
from ndstream.logs._dead_letters.driven_keys import DrivenKeys
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.line_reader import LineReader
from ndstream.logs._files.remote import is_url
from ndstream.logs._reading.read import read

T = TypeVar("T")

_MAX_LETTER_SIZE = 256 * 1024 * 1024


@dataclass
class RedriveReport:
    """What became of the letters so far.

    Attributes:
        letters: How many letters were read.
        driven: How many lines came out as values.
        dropped: How many were dropped by the fix.
        dead: How many are bad still, for whatever reason.
        repeated: How many were driven before, or came twice.
        unreadable: How many lines of the file are no dead letters. A torn last one is among them.
        source_changed: For how many the file they are from holds other bytes there now. A whole letter is driven as it
            is all the same; of an over-long line, of which there is the beginning alone, nothing else can be had.
    """

    letters: int = 0
    driven: int = 0
    dropped: int = 0
    dead: int = 0
    repeated: int = 0
    unreadable: int = 0
    source_changed: int = 0


class Redrive(Generic[T]):
    """An iterator over the values of mended lines. It is made by `redrive`.

    Attributes:
        letter: The letter that the last value came from; None before the first.
        report: What became of the letters so far.
    """

    def __init__(
        self,
        path: str,
        fix: Callable[[DeadLetter], bytes | None] | None,
        driven: str,
        still_bad: DeadLetters | None,
        decoder: NDJSONDecoder[T],
        max_frame_size: int | None,
    ) -> None:
        self.letter: DeadLetter | None = None
        self.report = RedriveReport()
        self._fix = fix
        self._decoder = decoder
        self._max_frame_size = max_frame_size
        self._source: tuple[str, LineReader] | None = None
        self._still_bad = still_bad
        self._driven = DrivenKeys(driven)
        self._letters = read(
            path, loads=DeadLetter.from_json, on_error=self._note_unreadable, max_frame_size=_MAX_LETTER_SIZE
        )
        self._values: Iterator[T] = self._drive()

    def _note_unreadable(self, error: StreamError) -> None:
        self.report.unreadable += 1

    def __iter__(self) -> Redrive[T]:
        return self

    def __next__(self) -> T:
        return next(self._values)

    def _drive(self) -> Iterator[T]:
        try:
            for letter in self._letters:
                self.report.letters += 1
                if letter.key in self._driven:
                    self.report.repeated += 1
                    continue
                self.letter = letter
                try:
                    line = self._mended(letter)
                    values = None if line is None else self._decode(line, letter)
                except StreamError as error:
                    self._keep_dead(letter, error)
                    continue
                if values is None:
                    self.report.dropped += 1
                else:
                    yield from values
                    # The caller asked for more: the last value was dealt with.
                    self.report.driven += len(values)
                self._driven.add(letter.key)
        finally:
            # Whatever ends it: another attempt finds the letters free.
            self.close()

    def _mended(self, letter: DeadLetter) -> bytes | None:
        letter = self._whole(letter)
        if self._fix is None:
            return letter.raw
        try:
            line = self._fix(letter)
        except Exception as error:
            message = f"the fix failed: {type(error).__name__}: {error}"
            raise _still(letter, message, "fix_failed") from error
        if line is not None and not isinstance(line, (bytes, bytearray, memoryview)):
            raise TypeError(f"a fix returns the mended line as bytes, or None to drop it, not {type(line).__name__}")
        return None if line is None else bytes(line)

    def _whole(self, letter: DeadLetter) -> DeadLetter:
        """The letter with all of its line, which is read again if it was over-long."""
        line = self._read_again(letter)
        if not letter.cut:
            if line is not None and line != letter.raw:
                self.report.source_changed += 1
            return letter
        if line is None or not _is_line_of(letter, line):
            self.report.source_changed += line is not None
            limit = "" if self._max_frame_size is None else f" in max_frame_size={self._max_frame_size} bytes"
            raise _still(letter, f"the over-long line cannot be read again from {letter.file}{limit}", letter.reason)
        return replace(letter, raw=line, cut=False, length=len(line), sha256=None)

    def _read_again(self, letter: DeadLetter) -> bytes | None:
        if is_url(letter.file) or not os.path.isfile(letter.file):
            return None
        if self._source is None or self._source[0] != letter.file:
            self._close_source()
            self._source = letter.file, LineReader(letter.file)
        try:
            reader = self._source[1]
            if not letter.cut and reader.format != "plain":
                # It is as good as sure, and to decompress an archive for it takes long.
                return None
            return reader.line(letter.offset, self._max_frame_size)
        except (OSError, LogFileError):
            return None

    def _decode(self, line: bytes, letter: DeadLetter) -> list[T]:
        self._decoder.reset(offset=letter.offset, line=max(0, (letter.line or 1) - 1))
        return list(self._decoder.feed(line + b"\n").finish())

    def _keep_dead(self, letter: DeadLetter, error: StreamError) -> None:
        self.report.dead += 1
        if self._still_bad is not None:
            self._still_bad.add(replace(letter, reason=error.reason, message=str(error), position=error.position))

    def _close_source(self) -> None:
        if self._source is not None:
            self._source[1].close()
            self._source = None

    def close(self) -> None:
        """End the iteration, and close all files. Closing twice is harmless."""
        self._values = iter(())
        self._letters.close()
        self._close_source()
        self._driven.close()
        if self._still_bad is not None:
            self._still_bad.close()

    def __enter__(self) -> Redrive[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@overload
def redrive(
    path: str | os.PathLike[str],
    *,
    fix: Callable[[DeadLetter], bytes | None] | None = None,
    driven: str | os.PathLike[str] | None = None,
    still_bad: DeadLetters | str | os.PathLike[str] | None = None,
    loads: Callable[[bytes], T],
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
) -> Redrive[T]: ...
@overload
def redrive(
    path: str | os.PathLike[str],
    *,
    fix: Callable[[DeadLetter], bytes | None] | None = None,
    driven: str | os.PathLike[str] | None = None,
    still_bad: DeadLetters | str | os.PathLike[str] | None = None,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
) -> Redrive[Any]: ...
def redrive(
    path: str | os.PathLike[str],
    *,
    fix: Callable[[DeadLetter], bytes | None] | None = None,
    driven: str | os.PathLike[str] | None = None,
    still_bad: DeadLetters | str | os.PathLike[str] | None = None,
    loads: Callable[[bytes], Any] = orjson.loads,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
) -> Redrive[Any]:
    """Iterate over the values of the lines in a file of dead letters, once they are mended.

    Args:
        path: The file of dead letters. It may be written to meanwhile: what is there now is read.
        fix: Mends a line: it is given the letter and returns the line as bytes, or None to drop it. If it raises,
            the line stays dead. By default lines are decoded as they are, for instance with another limit.
        driven: Where to keep which letters are done; by default beside `path`, with ``.driven`` at the end.
        still_bad: Where to write the letters that are bad still; a path is appended to. It may not be `path`.
        loads: A callable from a line to a value.
        max_frame_size: The longest line, in bytes; None for no limit. Over-long lines are read again from the file
            that they came from, if it still holds them.

    Returns:
        An iterator with the current ``letter`` and a ``report``.

    Raises:
        FileNotFoundError: There are no such letters.
        OSError: A file cannot be read or written, or another process uses it.
        TypeError: The fix returned something else than bytes or None.
        ValueError: Two of `path`, `still_bad` and `driven` are one file, or one holds something else than it should.

    Example:
        >>> from ndstream import logs
        >>> with logs.redrive("bad.ndjson", fix=lambda letter: letter.raw + b"}") as values:  # doctest: +SKIP
        ...     for value in values:
        ...         print(values.letter.file, value)
    """
    name = os.fspath(path)
    bad_place = still_bad.path if isinstance(still_bad, DeadLetters) else still_bad
    for option, place in (("still_bad", bad_place), ("driven", driven)):
        if place is not None and os.path.exists(place) and os.path.samefile(name, place):
            raise ValueError(f"{option}= must be another file than the one that is read")
    done = f"{name}.driven" if driven is None else os.fspath(driven)
    if bad_place is not None and os.path.realpath(bad_place) == os.path.realpath(done):
        raise ValueError("still_bad= and driven= must be two files")
    if still_bad is not None and not isinstance(still_bad, DeadLetters):
        still_bad = DeadLetters(still_bad, append=True)
    decoder = NDJSONDecoder(loads=loads, max_frame_size=max_frame_size)
    try:
        return Redrive(name, fix, done, still_bad, decoder, max_frame_size)
    except BaseException:
        if still_bad is not None:
            still_bad.close()
        raise


def _still(letter: DeadLetter, message: str, reason: str) -> DecodeError:
    return DecodeError(
        f"{where('line', letter.offset, letter.line)} stays bad: {message}",
        frame=letter.raw,
        offset=letter.offset,
        line=letter.line,
        reason=reason,
    )


def _is_line_of(letter: DeadLetter, line: bytes) -> bool:
    if letter.sha256 is None:
        return line.startswith(letter.raw)
    return len(line) == letter.length and hashlib.sha256(line).hexdigest() == letter.sha256
