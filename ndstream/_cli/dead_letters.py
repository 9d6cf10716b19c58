"""Dead letters: bad frames as NDJSON, with what it takes to find them, mend them and decode them again."""

from __future__ import annotations

import base64
import io
import os
from typing import Any

import orjson

from ndstream._errors import FrameTooLargeError, StreamError

DEAD_LETTERS_HELP = """\b
Dead letters are one JSON object a line:
  file, offset, line  where the frame begins: in bytes from 0, in lines from 1 (or null)
  reason, message     what is wrong, as a fixed word and as a sentence
  position            the first wrong byte inside the frame, or null
  raw                 the frame if it is UTF-8, else it is in "base64"
  cut                 true if there are only the first bytes of a frame past --max-frame-size
To decode them again once they are mended:
  jq -r 'select(.raw).raw' bad.ndjson | ndstream cat
  jq -r 'select(.base64).base64' bad.ndjson | base64 -d
"""
"""What a dead letter holds, for ``--help``."""


class DeadLetters:
    """A file of dead letters.

    Args:
        path: Where to write them; what is there is replaced.

    Raises:
        OSError: The file cannot be written. It names the file.

    Example:
        >>> dead_letters = DeadLetters("bad.ndjson")  # doctest: +SKIP
        >>> dead_letters.write("log.ndjson", error, str(error))  # doctest: +SKIP
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = io.FileIO(path, "wb")

    def write(self, name: str, error: StreamError, message: str) -> None:
        """Write one at once, so that nothing that happens later loses it.

        Args:
            name: The file that the frame came from.
            error: What is wrong with the frame.
            message: The error in words.

        Raises:
            OSError: It cannot be written.
        """
        letter: dict[str, Any] = {
            # A file's name may be any bytes, a JSON string may not.
            "file": os.fsencode(name).decode("utf-8", "replace"),
            "offset": error.offset,
            "line": error.line,
            "reason": error.reason,
            "message": message,
            "position": error.position,
        }
        try:
            letter["raw"] = error.frame.decode()
        except UnicodeDecodeError:
            letter["base64"] = base64.b64encode(error.frame).decode()
        if isinstance(error, FrameTooLargeError):
            letter["cut"] = True
        rest = orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as failure:
            failure.filename = self.path
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()
