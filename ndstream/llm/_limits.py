"""How many things one reply may have, so that a server cannot make its reader hold much more than it sent.

A frame of a few bytes can open a choice, a block or a call, which take hundreds of bytes each to keep. Real replies
have a few dozen. Past a limit nothing more is kept, and the reply ends with an error of the kind ``too_large``.
"""

from __future__ import annotations

MAX_CHOICES = 1024
"""Choices or candidates of one reply."""

MAX_PARTS = 100_000
"""Blocks, items, parts, steps and tool calls of one reply, together."""

MAX_PATH_STEPS = 256
"""Steps of a path into the arguments of a call."""


class PartCounter:
    """Counts the parts of a reply, up to the limit.

    Attributes:
        exceeded: Whether there were more.
    """

    __slots__ = ("_left", "exceeded")

    def __init__(self, limit: int = MAX_PARTS) -> None:
        self._left = limit
        self.exceeded = False

    def count(self) -> bool:
        """Count one more part. Returns whether it is within the limit, so that it is to be kept."""
        if self._left:
            self._left -= 1
            return True
        self.exceeded = True
        return False
