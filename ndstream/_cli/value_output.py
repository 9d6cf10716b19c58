"""What all ways of ``ndstream cat`` share: where values go, what is done about bad frames, and what is counted."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType

import click

from ndstream._cli import messages, progress_bar
from ndstream._cli.figures import Figures, write_figures
from ndstream._cli.messages import label
from ndstream._cli.output import Output
from ndstream._errors import StreamError
from ndstream.logs import DeadLetters, LogFileError, Report

_BUFFER_SIZE = 256 * 1024


class ValueOutput:
    """Values to standard output, bad frames to their file, counts; as a context manager, it ends the output.

    If the run was interrupted, what is buffered is dropped: the output is then a beginning of what it would
    have been, and whoever reads it slowly keeps the process no longer. On any other end it is written.

    Args:
        skips_errors: Whether to go on after a bad frame.
        dead_letters: Where bad frames are written.
        figures: How to say at the end how much passed; None not to.
        total: How many bytes there are to read; 0 if that is not known.

    Attributes:
        buffer: Where values are written, one a line.
        report: The counts of each file.
        failures: How many files could not be read to their end.
        skips_errors: Whether to go on after a bad frame.
        dead_letters: Where bad frames are written.
    """

    def __init__(
        self, *, skips_errors: bool, dead_letters: DeadLetters | None, figures: Figures | None = None, total: int = 0
    ) -> None:
        self.skips_errors = skips_errors
        self.dead_letters = dead_letters
        self.report = Report()
        self.failures = 0
        self._figures = figures
        self._output = Output()
        self.buffer = io.BufferedWriter(self._output, _BUFFER_SIZE)
        self._bar = progress_bar.make_bar(total, self._output)
        self._began = time.perf_counter()

    def __enter__(self) -> ValueOutput:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        # Values are written first, then the bar is finished, then come the words.
        try:
            if kind is None or issubclass(kind, Exception):
                self.buffer.flush()
        finally:
            # Otherwise the buffer, when it is collected, would write what is left.
            self._output.close()
            if self._bar is not None:
                self._bar.close(self.report.compressed_bytes, self.report.lines, self.report.bad)
                self._bar = None
            self._say_figures()

    @property
    def bad_frames(self) -> int:
        """How many frames were bad so far."""
        return self.report.bad

    def copy(self, start: int, stop: int, pieces: Sequence[bytes | memoryview]) -> None:
        """Write a range of lines as they are."""
        self.buffer.flush()
        self._output.write_all(*pieces)

    def write(self, data: bytes) -> None:
        """Write lines."""
        self.buffer.write(data)

    def say(self, message: str) -> None:
        """Write a message to standard error, clear of the bar."""
        with nullcontext() if self._bar is None else self._bar.hidden():
            messages.say(message)

    def fail(self, name: str, error: Exception) -> None:
        """Say why a file cannot be read any further."""
        self.failures += 1
        words = error.strerror if isinstance(error, OSError) and error.strerror else messages.with_options(str(error))
        # Errors of files begin with the name of the file.
        self.say(words if isinstance(error, LogFileError) and error.path else f"{label(name)}: {words}")

    def begin(self, name: str) -> None:
        """Show on the bar which file is read."""
        if self._bar is not None:
            self._bar.begin(Path(label(name)).name)

    def move(self) -> None:
        """Show on the bar how far it is."""
        if self._bar is not None:
            self._bar.move(self.report.compressed_bytes, self.report.lines, self.report.bad)

    def take_bad_frame(self, name: str, error: StreamError, source: str | None) -> None:
        """Do about a bad frame what is to be done, after the values before it.

        Args:
            name: The name of the file.
            error: What is wrong with the frame.
            source: The file to read an over-long frame again from; None if that cannot be.

        Raises:
            click.exceptions.Exit: It ends the run.
        """
        self.keep_bad_frame(name, error, source)
        if not self.skips_errors:
            self.buffer.flush()
            self.say(messages.bad_frame(name, messages.with_options(str(error))))
            raise click.exceptions.Exit(1)

    def keep_bad_frame(self, name: str, error: StreamError, source: str | None) -> None:
        """Write a bad frame to its file, if there is one."""
        if self.dead_letters is not None:
            self.dead_letters.write(name, error, source=source)

    def _say_figures(self) -> None:
        bad = messages.count(self.bad_frames, "bad frame")
        if self.bad_frames and self.skips_errors:
            self.say(f"{bad} skipped" if self.dead_letters is None else f"{bad} written to {self.dead_letters.path}")
        if self._figures is not None:
            write_figures(self.report, time.perf_counter() - self._began, self._figures)
