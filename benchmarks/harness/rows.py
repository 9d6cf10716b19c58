"""What a row of the comparison is: contenders that take turns, on which bytes, and what is promised of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmarks.harness.contenders import Case, Contender


@dataclass(frozen=True)
class Budget:
    """A promise about a contender's time, in units of the reference's, or as nanoseconds more."""

    kind: Literal["at most", "at least", "more"]
    limit: float

    def __str__(self) -> str:
        if self.kind == "more":
            return f"≤ +{self.limit:g} ns"
        return f"{'≤' if self.kind == 'at most' else '≥'} {self.limit:g} x"

    def met(self, ratio: float, more: float) -> bool:
        if self.kind == "more":
            return more <= self.limit
        return ratio <= self.limit if self.kind == "at most" else ratio >= self.limit


@dataclass(frozen=True)
class Entry:
    """A contender in a row, its stream, and what is promised; no stream where it cannot do what is asked."""

    contender: Contender
    case: Callable[[], Case] | None
    budget: Budget | None = None

    @property
    def name(self) -> str:
        return self.contender.name


@dataclass(frozen=True)
class Row:
    """Contenders that take turns. Times are told per unit, and compared with those of the first.

    The nearer the budgets are to 1, the more processes it takes to tell; and a loop that takes a
    second by itself needs no other run before it to be at its speed.
    """

    key: str
    title: str
    unit: str
    entries: tuple[Entry, ...]
    processes: int = 5
    settle: bool = True
