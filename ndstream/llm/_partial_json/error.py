"""What can be wrong with a JSON text that is read while it comes in."""

from __future__ import annotations

from typing import Any, Literal


class PartialJSONError(ValueError):
    """The text is not the beginning of a JSON text, or it ended before the value did.

    Attributes:
        position: The first wrong character, counted from 0 over all fragments; of a number, its first.
        reason: ``invalid_json``, ``too_deep`` or ``unfinished``, for programs to switch on.
    """

    def __init__(
        self, message: str = "", *, position: int = 0, reason: Literal["invalid_json", "too_deep", "unfinished"]
    ) -> None:
        super().__init__(message)
        self.position = position
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return _error_again, (str(self), self.position, self.reason)


def _error_again(message: str, position: int, reason: Any) -> PartialJSONError:
    return PartialJSONError(message, position=position, reason=reason)


class WrongCharacter(Exception):
    """A character that JSON does not allow there, as the steps of the grammar report it.

    Attributes:
        position: Where it is in the piece of text that is being read.
        what: What is wrong.
    """

    def __init__(self, position: int, what: str) -> None:
        self.position = position
        self.what = what
