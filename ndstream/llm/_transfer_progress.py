"""How far a transfer of several layers is, which come side by side."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        completed: How much of it is done, in bytes.
        total: Its size, in bytes.
    """

    completed: int
    total: int


@dataclass(frozen=True)
class Progress:
    """All layers that were named so far.

    Attributes:
        status: What the server says it is doing.
        completed: How much is done, in bytes.
        total: The size of all layers, in bytes; it grows as layers are named.
        layers: Each layer by its digest.

    Example:
        >>> Progress("pulling", 60, 150, {"sha256:aa": Layer(60, 100), "sha256:bb": Layer(0, 50)}).fraction
        0.4
    """

    status: str = ""
    completed: int = 0
    total: int = 0
    layers: dict[str, Layer] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1; 0 while no size is known."""
        return self.completed / self.total if self.total > 0 else 0.0
