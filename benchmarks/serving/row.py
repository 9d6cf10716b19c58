"""One line of the table: a piece of work, what it takes, and what it may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

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
    """

    name: str
    loops: dict[str, Loop]
    unit: str
    at_most: float | None = None
    times_of: dict[str, float] = field(default_factory=dict)
    faster_than: dict[str, float] = field(default_factory=dict)
    times: dict[str, Times] = field(default_factory=dict)
    measure: Callable[[float], dict[str, Times]] | None = None

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
    def ratios(self) -> dict[str, tuple[float, float, bool]]:
        """By name: the ratio found, the one promised, and whether it holds."""
        found = {}
        for name, most in self.times_of.items():
            value = ratio(self.ours, self.times[name])
            found[name] = (value, most, value <= most)
        for name, least in self.faster_than.items():
            value = ratio(self.times[name], self.ours)
            found[name] = (value, least, value >= least)
        return found

    @property
    def holds(self) -> bool:
        within = self.at_most is None or self.nanoseconds(next(iter(self.times))) <= self.at_most
        return within and all(holds for _, _, holds in self.ratios.values())


def show(row: Row, judged: bool) -> None:
    """Print a row with all its contenders."""
    print(f"\n{row.name}")
    for place, name in enumerate(row.times):
        line = f"  {name:<44} {row.nanoseconds(name):>10,.0f} ns a {row.unit}"
        if place == 0 and row.at_most is not None:
            line += f"   at most {row.at_most:,.0f}"
            if judged:
                line += "  ok" if row.nanoseconds(name) <= row.at_most else "  MISSED"
        if name in row.ratios:
            value, promised, holds = row.ratios[name]
            sign = "at most" if name in row.times_of else "at least"
            line += f"   {value:.2f} x, {sign} {promised:g}"
            if judged:
                line += "  ok" if holds else "  MISSED"
        print(line)
