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


class Room:
    """How many more parts a reply may have.

    Attributes:
        exceeded: Whether more were asked for.
    """

    __slots__ = ("_left", "exceeded")

    def __init__(self, parts: int = MAX_PARTS) -> None:
        self._left = parts
        self.exceeded = False

    def take(self) -> bool:
        """Count one more part. Returns whether there was room for it."""
        if self._left:
            self._left -= 1
            return True
        self.exceeded = True
        return False
