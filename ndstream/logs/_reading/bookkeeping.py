"""What is written beside a stream of log files: bad lines as dead letters, and the checkpoint."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ndstream._errors import StreamError
from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._checkpoints.resumption import Resumption
from ndstream.logs._containers.unwrapper import Unwrapper
from ndstream.logs._dead_letters.dead_letters import DeadLetters
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.opened_file import OpenedFile
from ndstream.logs._files.remote import is_url


class _HasPath(Protocol):
    @property
    def path(self) -> str | None: ...


class _Letters(Protocol):
    def write(
        self, file: str, error: StreamError, message: str | None = None, *, source: str | None = None
    ) -> None: ...


class BadLines:
    """What ``on_error`` is if bad lines become dead letters."""

    def begin(self, letters: _Letters, files: _HasPath, *, counts_lines: bool = True) -> None:
        """Say where letters go, who knows the file that is read, and whether line numbers are those of the file."""
        self._letters = letters
        self._files = files
        self._counts_lines = counts_lines

    def __call__(self, error: StreamError) -> None:
        damaged = isinstance(error, LogFileError)
        if error.frame or not damaged:
            path = self._files.path
            again = path if path is not None and not is_url(path) and Path(path).is_file() else None
            if hasattr(error, "envelope"):
                # What is over-long is the text, which is no line of the file.
                again = None
            message = None
            if not self._counts_lines and error.line is not None:
                message = str(error).replace(f" (line {error.line})", "", 1)
                error.line = None
            self._letters.write(path or "", error, message, source=again)
        if damaged:
            raise error


def open_bookkeeping(
    checkpoint: Checkpoint | str | os.PathLike[str] | None,
    dead_letters: DeadLetters | str | os.PathLike[str] | None,
    open_file: Callable[..., OpenedFile],
    unwrapper: Unwrapper[Any] | None = None,
) -> tuple[DeadLetters | None, Resumption | None]:
    """Open the dead letters and the checkpoint, as far as they are asked for, or neither.

    Raises:
        CheckpointError: The checkpoint is damaged, of another version, or in use.
        OSError: One of them cannot be opened.
        ValueError: The dead letters are to be appended to a file that holds something else.
    """
    if dead_letters is None or isinstance(dead_letters, DeadLetters):
        letters = dead_letters
    else:
        letters = DeadLetters(dead_letters, append=checkpoint is not None)
    try:
        if checkpoint is None:
            return letters, None
        place = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
        return letters, Resumption(place, letters, open_file, unwrapper)
    except BaseException:
        if letters is not None:
            letters.close()
        raise
