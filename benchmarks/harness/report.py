"""From times to tables: on the screen as they come, and as a page of Markdown."""

from __future__ import annotations

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
    reference: str = "the first"


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
        f"{per_unit:,.0f} ns" if per_unit >= 100 else f"{per_unit:.1f} ns",
        told,
        "" if entry.budget is None else str(entry.budget),
        None if entry.budget is None else entry.budget.met(middle, more),
        per_unit,
        middle,
        max(median(run[entry.name].faults) for run in runs),
    )


def _per_unit(times: Times) -> float:
    return median(times.nanoseconds) / times.units


def _times(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio < 3 else f"{ratio:.1f}"


def show(table: Table, judged: bool = True) -> None:
    """Print a table, with or without what comes of its budgets."""
    print(f"\n{table.title}  [{table.key}]")
    for line in table.lines:
        faults = f"  ({line.faults:.0f} page faults a round)" if line.faults else ""
        verdict = line.verdict if judged else ""
        print(f"  {line.name:41}{line.amount:>13}{line.ratio:>27}{line.budget:>13}{verdict:>5}{faults}")
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


def page(tables: list[Table], facts: Facts, minutes: float) -> str:
    """The page of results."""
    return "\n".join(_page(tables, facts, minutes)) + "\n"


def _page(tables: list[Table], facts: Facts, minutes: float) -> Iterator[str]:
    yield from (
        "# Results",
        "",
        f"Written by `make bench` (`python -m benchmarks.compare`), which took {minutes:.0f} minutes.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in facts.items()),
        "",
        _verdict(tables) + (" Missed are:" if _missed(tables) else ""),
        "",
        *(f"- {missed}" for missed in _missed(tables)),
        "",
        "![The cost of an event, and of a line](results.svg)",
    )
    for table in tables:
        timed = bool(table.unit)
        yield from ("", f"## {table.title}", "")
        if timed:
            yield f"| contender | per {table.unit} | in units of {table.reference} | budget | met |"
            yield "|---|--:|--:|--:|---|"
        else:
            yield "| | | budget | met |"
            yield "|---|--:|--:|---|"
        for line in table.lines:
            cells = [line.name, line.amount, *([line.ratio] if timed else []), line.budget, line.verdict]
            yield f"| {' | '.join(cells)} |"
    yield METHOD


METHOD = """
## How it is measured

- The *floor* is a user's own loop at best: `orjson.loads` of payloads that were split beforehand. Peers with
  a JSON decoder of their own are given orjson instead, unless their name says otherwise.
- Each contender's loop is first run to collect what it gets, which must equal what is in the stream;
  then the same loop, collecting nothing, is timed (`contenders.py`, `loops.py`). The streams are in
  `shapes.py`, always the same bytes.
- A stream is 1 MiB, which is more than a processor's own cache leaves room for. That costs the floor more
  than it costs a decoder: its payloads lie apart, and are not read in one go. So there are tables of shorter
  streams, repeated as often as makes up for it, which stay in the cache; there the floor is at its fastest,
  and the budgets are at their hardest.
- The contenders of a table take turns in one process, in an order that is drawn anew for each round. Each
  turn is two runs, of which the second is timed. Contenders are compared within the round; the median
  over the rounds is the process's ratio. This is done in 15 processes where budgets are near 1 (in 2 for
  streams of twice the size, in 5 elsewhere), each with its own hash seed and its memory elsewhere: where
  code and data happen to lie changes ratios by up to 5 %. The table gives the median process, and in
  brackets the range of the middle half of them.
- Time is processor time: nothing here waits, and what other processes take meanwhile is not a contender's.
- Before the rounds everything runs once, then `gc.collect()` and `gc.freeze()`. The garbage collector stays
  on, and the process keeps to one processor.
- In a process that does nothing else, a loop's few live objects can be alone in an arena of Python's
  allocator, or at the top of malloc's heap. Either is then returned to the system and asked for again, over
  and over, at the cost of whichever contender is unlucky. A real program has other objects that prevent
  it. So the process holds some MiB of small objects, one in every 64 KiB, with room between them for all
  contenders, and tells malloc to keep its memory (`rounds.py`). The page faults of every round are
  counted, and told on the screen where there are any; `--no-ballast` shows the difference.
- HTTP libraries: the time is what ndstream takes beyond the library's own bytes alone, read to the end; the
  ratio is all of ndstream's loop in units of the same bytes, split at LF by hand, with `orjson.loads`. The server
  is in the same process, on another thread, whose time is not counted. Three processes; in brackets the range.
  By hand, requests and urllib3 are read by what waits for whole HTTP chunks; `docs/http.md` tells why ndstream is not.
- n/a: the library has no way to do it. BytesIO and `decode_lines` need all bytes at once; that is timed,
  but it is no streaming.
- Memory is the most that a process had resident while a stream went through it, above what it had before.
  `loads=bytes` is the decoder alone. What it takes to make a value is orjson's, and measured beside it.
"""
