"""Dead letters in a list, for bad lines that travel in the result of a task instead of in a file."""

from __future__ import annotations

from contextlib import suppress

from ndstream._errors import FrameTooLargeError, StreamError
from ndstream.logs._dead_letters.dead_letters import DeadLetter
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.line_reader import LineReader


class LetterList:
    """Adds a dead letter to a list for each bad line.

    Args:
        letters: The list.
    """

    def __init__(self, letters: list[DeadLetter]) -> None:
        self._letters = letters

    def write(self, file: str, error: StreamError, message: str | None = None, *, source: str | None = None) -> None:
        """Add a letter.

        Args:
            file: The path of the file that the line came from.
            error: What is wrong with the line.
            message: The same in words; by default the error's own.
            source: The file to read an over-long line from again, for its length and digest.
        """
        whole = None
        if isinstance(error, FrameTooLargeError) and source is not None:
            reader = LineReader(source)
            # The letter counts; its length is an extra.
            with suppress(OSError, LogFileError):
                whole = reader.digest(error.offset)
            reader.close()
        self._letters.append(DeadLetter.of(file, error, message, whole))
