"""The numbers of the events of a response, by which a stream that was cut can be resumed without loss or repetition.

The server resumes after the number that it is asked for. Events up to the last one that is known are skipped, and one
past the next is a gap. As long as events are missing none is counted as the last one, so that they can be asked for
again.
"""

from __future__ import annotations

from typing import Any, Literal

from ndstream.llm._lenient_readers import as_index
from ndstream.llm._server_error import ServerError


class Sequence:
    """Where in the numbered events a reply is.

    Attributes:
        last_frame: The last frame with a number. The most frequent events are put here by the wire itself.
    """

    __slots__ = ("_due", "_known_to", "last_frame")

    def __init__(self, known_to: int | None = None) -> None:
        """Begin after the number up to which a resumed stream repeats what is known; None for a new stream."""
        self.last_frame: dict[str, Any] = {} if known_to is None else {"sequence_number": known_to}
        self._known_to = -1 if known_to is None else known_to
        # The number that is due first in a resumed stream; None once it came, and in any other stream.
        self._due = None if known_to is None else known_to + 1

    @property
    def last_number(self) -> int | None:
        """The number of the last event, or None if the server does not number them."""
        return as_index(self.last_frame.get("sequence_number"))

    def place(self, frame: dict[str, Any]) -> Literal["next", "known", "gap"]:
        """Whether a frame is to be folded, is known already, or comes after events that are missing."""
        number = as_index(frame.get("sequence_number"))
        if number is None:
            return "next"
        if number <= self._known_to:
            return "known"
        if self._due is not None and number > self._due:
            return "gap"
        self._due = None
        self.last_frame = frame
        return "next"

    def gap(self, frame: dict[str, Any]) -> ServerError:
        """The error of a stream that leaves events out before this frame."""
        return ServerError(
            f"the stream goes on at sequence_number {as_index(frame.get('sequence_number'))}, but the earlier reply "
            f"ends at {self._known_to}: request it again with starting_after={self._known_to}",
            "gap",
        )
