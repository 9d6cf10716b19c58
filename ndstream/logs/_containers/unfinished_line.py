"""A line whose last part has not come: kept in a checkpoint, so that the next run can finish it."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from ndstream.logs._containers.line_formats import Envelope


class UnfinishedLine(NamedTuple):
    """The parts of a line so far.

    Attributes:
        envelope: The envelope of the first part.
        offset: Where that begins, in bytes of its file's content.
        line: Its 1-based number.
        size: How many bytes of text came.
        text: The texts of the parts; of an over-long line only as many bytes as tell that it is. Later parts are
            appended to it.
        kept: How many of its bytes were there when this was said. So nothing is copied until it is saved.
    """

    envelope: Envelope
    offset: int
    line: int
    size: int
    text: bytearray
    kept: int

    def to_dict(self) -> dict[str, Any]:
        """The line as values of JSON."""
        return {
            "time": self.envelope.time,
            "stream": self.envelope.stream,
            "offset": self.offset,
            "line": self.line,
            "size": self.size,
            "text_base64": base64.b64encode(self.text[: self.kept]).decode(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> UnfinishedLine:
        """The line in values of JSON.

        Raises:
            KeyError, TypeError, ValueError: There is none.
        """
        offset, line, size = (int(values[name]) for name in ("offset", "line", "size"))
        text = bytearray(base64.b64decode(values["text_base64"], validate=True))
        return cls(Envelope(str(values["time"]), str(values["stream"])), offset, line, size, text, len(text))
