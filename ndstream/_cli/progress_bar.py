"""A progress bar on standard error: bytes, lines, bad lines, rate and time left."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ndstream._cli.output import Output

_SECONDS_BETWEEN_DRAWINGS = 0.1
_MAX_NAME_LENGTH = 24


class Bar:
    """A bar with bytes, lines, bad lines, rate and time left. Only calls to it draw it, no thread does.

    Args:
        total: How many bytes there are to read.
        stays: Whether the bar stays on the screen when it is closed.

    Example:
        >>> bar = Bar(1000, stays=True)  # doctest: +SKIP
        >>> bar.move(500, lines=10, bad=0)  # doctest: +SKIP
    """

    def __init__(self, total: int, *, stays: bool) -> None:
        from rich import progress as rich
        from rich.console import Console

        self._stays = stays
        self._drawn = 0.0
        self._progress = rich.Progress(
            rich.TextColumn("{task.description}", markup=False),
            rich.BarColumn(bar_width=None),
            rich.TaskProgressColumn(),
            rich.DownloadColumn(),
            rich.TextColumn("{task.fields[counts]}", markup=False),
            rich.TransferSpeedColumn(),
            rich.TimeRemainingColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
            expand=True,
        )
        self._task = self._progress.add_task("", total=total, counts="")
        self._progress.start()

    def begin(self, name: str) -> None:
        """Show the name of the file that is read now."""
        short = name if len(name) <= _MAX_NAME_LENGTH else f"{name[: _MAX_NAME_LENGTH - 1]}…"
        self._progress.update(self._task, description=short)

    def move(self, completed: int, lines: int, bad: int) -> None:
        """Show how much was read so far. It is drawn at most ten times a second.

        Args:
            completed: How many bytes were read.
            lines: How many lines ended in them.
            bad: How many of those were bad.
        """
        now = time.monotonic()
        if now - self._drawn >= _SECONDS_BETWEEN_DRAWINGS:
            self._drawn = now
            self._progress.update(self._task, completed=completed, counts=_counts(lines, bad), refresh=True)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the bar while something else is written to the terminal."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def close(self, completed: int, lines: int, bad: int) -> None:
        """Draw the bar for the last time, or remove it."""
        self._progress.update(self._task, completed=completed, counts=_counts(lines, bad))
        self._progress.live.transient = not self._stays
        self._progress.stop()


def _counts(lines: int, bad: int) -> str:
    return f"{lines:,} lines" + (f", {bad:,} bad" if bad else "")


def make_bar(total: int, output: Output) -> Bar | None:
    """A bar, if standard error is a terminal and the size of the input is known.

    Args:
        total: How many bytes there are to read; 0 if that is not known.
        output: Where the values go. If that is a terminal as well, the bar does not stay on it.

    Returns:
        The bar, or None.

    Example:
        >>> make_bar(0, Output()) is None
        True
    """
    if not total or sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    shared = output.isatty()
    bar = Bar(total, stays=not shared)
    if shared:
        output.bar = bar
    return bar
