"""The stream over log files: the values of one file after the other, each file with offsets and lines of its own.

Values come by `itertools.chain`, from decoder to caller, without a Python frame for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from types import TracebackType
from typing import Any, Generic, TypeVar

from ndstream._core import NDJSONDecoder
from ndstream.logs._errors import LogFileError
from ndstream.logs._opened_file import OpenedFile, PathOrFile, open_file
from ndstream.logs._positions import START, Position
from ndstream.logs._report import FileReport, Report

T = TypeVar("T")


class LogFiles(Generic[T]):
    """The decoder, each time that it has more to give: for each chunk of each file, and at each end."""

    def __init__(self, paths: Iterable[PathOrFile], decoder: NDJSONDecoder[T]) -> None:
        self.decoder = decoder
        self.file: OpenedFile | None = None
        self.report = Report()
        self.closed = False
        self._paths = iter(paths)

    def __iter__(self) -> Iterator[Iterator[T]]:
        return self._feeds()

    def _feeds(self) -> Iterator[Iterator[T]]:
        for path in self._paths:
            self.file = open_file(path)
            self.report.files.append(FileReport(self.file.path, self.file.format))
            self.decoder.reset()
            try:
                for chunk in self.file.chunks:
                    yield self.decoder.feed(chunk)
                yield self.decoder.finish()
            except LogFileError as error:
                yield _raising(error)
            self._settle()
            self.file.close()
        self.closed = True

    def settle(self) -> None:
        self._settle()

    def _settle(self) -> None:
        if self.file is not None:
            report = self.report.files[-1]
            report.bytes, report.compressed_bytes = self.decoder.offset, self.file.compressed_offset
            report.lines, report.values, report.bad = self.decoder.line, self.decoder.frames, self.decoder.errors

    def close(self) -> None:
        self.closed = True
        self._paths = iter(())
        if self.file is not None:
            self.file.close()


def _raising(error: Exception) -> Iterator[Any]:
    raise error
    yield


class LogStream(chain[T]):
    """An iterator over the values of log files. It is made by `read`.

    After an error the iteration can go on: with the next line, or with the next file where a file ended early.

    Example:
        >>> from ndstream import logs
        >>> with logs.read("app.log.gz") as stream:  # doctest: +SKIP
        ...     for value in stream:
        ...         print(stream.path, stream.line, value)
    """

    _files: LogFiles[T]

    @property
    def path(self) -> str | None:
        """The path or name of the file that the last value came from; None before the first, and if it has none."""
        return None if self._files.file is None else self._files.file.path

    @property
    def offset(self) -> int:
        """Where the last line ended, in bytes of the file's content."""
        return self._files.decoder.offset

    @property
    def line(self) -> int:
        """The 1-based number of the last line in its file."""
        return self._files.decoder.line

    @property
    def compressed_offset(self) -> int:
        """How much of the file was read for what came out so far, in bytes as stored."""
        return 0 if self._files.file is None else self._files.file.compressed_offset

    @property
    def position(self) -> Position:
        """The end of the last line, as a place to go on from."""
        return START if self._files.file is None else self._files.file.position(self.offset)

    @property
    def report(self) -> Report:
        """What was read so far."""
        self._files.settle()
        return self._files.report

    @property
    def closed(self) -> bool:
        """Whether the files have been released."""
        return self._files.closed

    def close(self) -> None:
        """End the iteration and release the file. Closing twice is harmless."""
        self._files.close()

    def __enter__(self) -> LogStream[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def stream_of(files: LogFiles[T]) -> LogStream[T]:
    """The stream over these files."""
    stream: LogStream[T] = LogStream.from_iterable(files)  # type: ignore[assignment]
    stream._files = files
    return stream
