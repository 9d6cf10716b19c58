"""What all runs of the fuzzer came to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeAlias

Totals: TypeAlias = dict[str, dict[str, int]]
# Numbers that add up, and those of which the largest counts.
ADDED = ("executions", "sanitized", "oracle", "seconds")
LARGEST = ("edges", "features", "lines")


def load(state: Path) -> Totals:
    file = state / "totals.json"
    totals: Totals = json.loads(file.read_text()) if file.exists() else {}
    return totals


def add(state: Path, target: str, numbers: dict[str, int]) -> None:
    """Add the numbers of one run, and save all."""
    totals = load(state)
    known = totals.setdefault(target, {})
    for name in ADDED:
        known[name] = known.get(name, 0) + numbers.get(name, 0)
    for name in LARGEST:
        known[name] = max(known.get(name, 0), numbers.get(name, 0))
    temporary = state / "totals.tmp"
    temporary.write_text(json.dumps(totals, indent=1))
    temporary.replace(state / "totals.json")


def table(totals: Totals) -> str:
    """The totals in Markdown, with a last row for all targets."""
    names = ("executions", "sanitized", "oracle", "edges", "lines")
    lines = [
        "| target | executions | under sanitizers | against an oracle | edges of the core | lines of Python |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for target, known in totals.items():
        lines.append(f"| {target} | " + " | ".join(f"{known.get(name, 0):,}" for name in names) + " |")
    sums = [f"{sum(known.get(name, 0) for known in totals.values()):,}" if name in ADDED else "" for name in names]
    lines.append("| all | " + " | ".join(sums) + " |")
    return "\n".join(lines)
