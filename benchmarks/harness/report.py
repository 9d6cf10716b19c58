"""From times to tables: on the screen as they come, and as a page of Markdown."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.harness.machine import Facts
from benchmarks.harness.rounds import Times, ratio
from benchmarks.harness.rows import Entry, Row


@dataclass(frozen=True)
class Line:
    """What a table says of one contender."""

    name: str
    amount: str
    ratio: str = ""
    budget: str = ""
    met: bool | None = None
    nanoseconds: float | None = None
    times_reference: float | None = None
    faults: float = 0

    @staticmethod
    def of_amount(name: str, amount: float | None, unit: str, limit: float | None = None) -> Line:
        """A line about an amount with a limit, and no time to compare with."""
        budget = "" if limit is None else f"≤ {limit:g} {unit}"
        if amount is None:
            return Line(name, "n/a", budget=budget)
        return Line(name, f"{amount:.1f} {unit}", "", budget, None if limit is None else amount <= limit)

    @property
    def verdict(self) -> str:
        return "" if self.met is None else "yes" if self.met else "no"


@dataclass(frozen=True)
class Table:
    key: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    compared: str = "in units of the first"


def table(row: Row, runs: list[dict[str, Times]]) -> Table:
    return Table(row.key, row.title, row.unit, tuple(_line(row, entry, runs) for entry in row.entries))


def _line(row: Row, entry: Entry, runs: list[dict[str, Times]]) -> Line:
    reference = row.entries[0]
    if entry.case is None:
        return Line(entry.name, "n/a")
    if entry.name not in runs[0] or reference.name not in runs[0]:
        return Line(entry.name, "not installed")
    per_unit = median(_per_unit(run[entry.name]) for run in runs)
    ratios = sorted(ratio(run[entry.name], run[reference.name]) for run in runs)
    middle = median(ratios)
    more = median(_per_unit(run[entry.name]) - _per_unit(run[reference.name]) for run in runs)
    if entry is reference:
        told = "1"
    elif entry.budget is not None and entry.budget.kind == "more":
        told = f"{more:+.0f} ns"
    else:
        outer = len(ratios) // 4
        told = f"{_times(middle)} x ({_times(ratios[outer])} to {_times(ratios[-1 - outer])})"
    return Line(
        entry.name,
        nanoseconds(per_unit),
        told,
        "" if entry.budget is None else str(entry.budget),
        None if entry.budget is None else entry.budget.met(middle, more),
        per_unit,
        middle,
        max(median(run[entry.name].faults) for run in runs),
    )


def nanoseconds(amount: float) -> str:
    """An amount of nanoseconds in words."""
    return f"{amount:,.0f} ns" if amount >= 100 else f"{amount:.1f} ns"


def _per_unit(times: Times) -> float:
    return median(times.nanoseconds) / times.units


def _times(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio < 3 else f"{ratio:.1f}"


def show(table: Table, judged: bool = True) -> None:
    """Print a table, with or without what comes of its budgets."""
    print(f"\n{table.title}" if table.key == table.title else f"\n{table.title}  [{table.key}]")
    for line in table.lines:
        faults = f"  ({line.faults:.0f} page faults a round)" if line.faults else ""
        verdict = line.verdict if judged else ""
        print(f"  {line.name:48}{line.amount:>13}{line.ratio:>27}{line.budget:>13}{verdict:>5}{faults}")
    sys.stdout.flush()


def show_verdict(tables: list[Table]) -> None:
    print(f"\n{_verdict(tables)}")
    for missed in _missed(tables):
        print(f"  missed: {missed}")


def _verdict(tables: list[Table]) -> str:
    verdicts = [line.met for table in tables for line in table.lines if line.met is not None]
    return f"{sum(verdicts)} of {len(verdicts)} budgets are met."


def _missed(tables: list[Table]) -> list[str]:
    return [
        f"{table.title}: {line.name}, {line.ratio or line.amount} for {line.budget}"
        for table in tables
        for line in table.lines
        if line.met is False
    ]


def head(title: str, target: str, module: str, minutes: float, facts: Facts) -> str:
    """What a page of results begins with: what wrote it, when and where."""
    rows = "".join(f"| {name} | {value} |\n" for name, value in facts.items())
    command = f"`make {target}` (`python -m {module}`)"
    written = f"Written on {datetime.date.today()} by {command}, which took {minutes:.0f} minutes."
    return f"# {title}\n\n{written}\n\n| | |\n|---|---|\n{rows}"


def page(head: str, tables: list[Table], *, picture: str = "", method: str = "") -> str:
    """A page of results.

    Args:
        head: What it begins with.
        tables: The tables.
        picture: What is shown of them.
        method: What is said of how they came about.
    """
    return head + "\n" + "\n".join(_page(tables, picture)) + "\n" + method


def _page(tables: list[Table], picture: str) -> Iterator[str]:
    yield _verdict(tables) + (" Missed are:" if _missed(tables) else "")
    if _missed(tables):
        yield from ("", *(f"- {missed}" for missed in _missed(tables)))
    if picture:
        yield from ("", picture)
    for table in tables:
        timed = bool(table.unit)
        yield from ("", f"## {table.title}", "")
        if timed:
            yield f"| contender | per {table.unit} | {table.compared} | budget | met |"
            yield "|---|--:|--:|--:|---|"
        else:
            yield "| | | budget | met |"
            yield "|---|--:|--:|---|"
        for line in table.lines:
            cells = [line.name, line.amount, *([line.ratio] if timed else []), line.budget, line.verdict]
            yield f"| {' | '.join(cells)} |"
