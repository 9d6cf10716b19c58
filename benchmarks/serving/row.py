"""One line of the table: a piece of work, what it takes, and what it may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from benchmarks.harness.report import Line, Table, nanoseconds
from benchmarks.harness.rounds import Loop, Times, ratio, take_turns


@dataclass
class Row:
    """A piece of work and what it is compared with.

    Attributes:
        name: What is done.
        loops: Ours first; the others by name.
        unit: What one unit is.
        at_most: How many nanoseconds a unit may take; None for no such budget.
        times_of: By the name of a loop: how often its time ours may take at most.
        faster_than: By the name of a loop: how many times less than that ours takes at least.
        measure: Takes the times, for about so many seconds; None to let the loops take turns.
        further: What is said beside the times, once they are taken.
    """

    name: str
    loops: dict[str, Loop]
    unit: str
    at_most: float | None = None
    times_of: dict[str, float] = field(default_factory=dict)
    faster_than: dict[str, float] = field(default_factory=dict)
    times: dict[str, Times] = field(default_factory=dict)
    measure: Callable[[float], dict[str, Times]] | None = None
    further: list[Line] = field(default_factory=list)

    def measured(self, seconds: float) -> Row:
        self.times = self.measure(seconds) if self.measure else take_turns(self.loops, seconds, seed=1)
        return self

    @property
    def ours(self) -> Times:
        return next(iter(self.times.values()))

    def nanoseconds(self, name: str) -> float:
        times = self.times[name]
        return median(times.nanoseconds) / times.units

    @property
    def table(self) -> Table:
        lines = (*map(self._line, self.times), *self.further)
        return Table(self.name, self.name, self.unit, lines, compared="ours against it")

    def _line(self, name: str) -> Line:
        taken = self.nanoseconds(name)
        compared, budget, met = "", "", None
        if name in self.times_of:
            value = ratio(self.ours, self.times[name])
            compared, budget = f"{value:.2f} x its time", f"≤ {self.times_of[name]:g} x"
            met = value <= self.times_of[name]
        elif name in self.faster_than:
            value = ratio(self.times[name], self.ours)
            compared, budget = f"{value:.1f} x as fast", f"≥ {self.faster_than[name]:g} x"
            met = value >= self.faster_than[name]
        elif self.at_most is not None and self.times[name] is self.ours:
            budget, met = f"≤ {self.at_most:,.0f} ns", taken <= self.at_most
        return Line(name, nanoseconds(taken), compared, budget, met)
