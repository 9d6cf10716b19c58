"""Dead letters of the commands: what they hold, for ``--help``, and the file that they go to."""

from __future__ import annotations

from typing import Any

import click

from ndstream import logs
from ndstream._cli.messages import with_options
from ndstream._errors import StreamError

DEAD_LETTERS_HELP = """\b
Dead letters are one JSON object a line:
  file, offset, line  where the frame begins: in bytes from 0, in lines from 1 (or null)
  reason, message     what is wrong, as a fixed word and as a sentence
  position            the first wrong byte inside the frame, or null
  length              the frame's bytes without its end (null if an over-long one could not be read again)
  raw                 the frame if it is UTF-8, else it is in "base64"
  cut, sha256         for a frame past --max-frame-size: true, since there are only its first bytes, and its SHA-256
  file_base64         the exact bytes of a file's name that is not UTF-8
To decode them again, once they are mended or with other options: ndstream redrive
"""


class OptionDeadLetters(logs.DeadLetters):
    """Dead letters whose messages advise options of the command line."""

    def write(self, file: str, error: StreamError, message: str | None = None, **facts: Any) -> None:
        """Write one, as `logs.DeadLetters` does."""
        super().write(file, error, with_options(str(error) if message is None else message), **facts)


def open_dead_letters(path: str, *, append: bool, option: str = "--bad") -> logs.DeadLetters:
    """Open the file for bad frames that an option names.

    Raises:
        click.BadParameter: It holds something else.
        OSError: It cannot be written, or another process writes to it.
    """
    try:
        return OptionDeadLetters(path, append=append)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from None
