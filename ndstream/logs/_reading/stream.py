"""The stream over log files, as its user sees it: an iterator with the place of the last value, and a report.

Values go from decoder to caller through `itertools.chain`, so that no Python code runs for each: see `log_files`.
"""

from __future__ import annotations

from itertools import chain
from types import TracebackType
from typing import Any, TypeVar

from ndstream.logs._files.positions import Position
from ndstream.logs._reading.log_files import LogFiles
from ndstream.logs._reading.report import Report

T = TypeVar("T")


class LogStream(chain[T]):
    """An iterator over the values of log files. It is made by `read`.

    After an error the iteration can go on: with the next line, or with the next file if a file ended early.

    Raises:
        StreamError: From ``next``: a line is bad, a file is damaged (`LogFileError`) or a read failed (a
            `TruncatedError` with its OSError as the cause).
        OSError: From ``next``: a file cannot be opened.

    Example:
        >>> import io
        >>> from ndstream import logs
        >>> with logs.read(io.BytesIO(b'{"a":1}\\n{"a":2}\\n')) as stream:
        ...     [(value["a"], stream.line, stream.offset) for value in stream]
        [(1, 1, 8), (2, 2, 16)]
    """

    _files: LogFiles

    @property
    def path(self) -> str | None:
        """The path or name of the file that the last value came from; None before the first, and if it has none."""
        return self._files.path

    @property
    def offset(self) -> int:
        """Where the last line ended, in bytes of the file's content."""
        decoder = self._files.decoder
        return 0 if decoder is None else decoder.offset

    @property
    def line(self) -> int:
        """The 1-based number of the last line in its file."""
        decoder = self._files.decoder
        return 0 if decoder is None else decoder.line

    @property
    def compressed_offset(self) -> int:
        """How much of the file was read for what came out so far, in bytes as stored."""
        return self._files.position.compressed_offset

    @property
    def position(self) -> Position:
        """The end of the last line: a place to go on from."""
        return self._files.position

    @property
    def report(self) -> Report:
        """What was read so far."""
        return self._files.settle()

    @property
    def closed(self) -> bool:
        """Whether the files have been released."""
        return self._files.closed

    def commit(self, *, now: bool = True) -> None:
        """Save in the checkpoint that all values that came so far, the last one included, were dealt with.

        Args:
            now: Whether to save at once; else that is done when the checkpoint's interval has passed.

        Raises:
            OSError: The checkpoint cannot be written; the old one is intact.
            ValueError: There is no checkpoint.
        """
        self._files.commit(now)

    def close(self) -> None:
        """End the iteration and release the file. Closing twice is harmless.

        A checkpoint is saved. It holds what came before the value that was given last, which may not have been dealt
        with yet; `commit` includes that.
        """
        self._files.close()

    def __enter__(self) -> LogStream[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # The queue refers to the opener and the opener to the queue, so that nothing else would close the file at once.
        if hasattr(self, "_files"):
            self.close()


def stream_of(files: LogFiles) -> LogStream[Any]:
    """The stream over these files."""
    stream = LogStream.from_iterable(iter(files.turns.popleft, None))
    assert isinstance(stream, LogStream)
    stream._files = files
    return stream
