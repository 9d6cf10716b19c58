"""What is known so far, in files that are only appended to: a run that is stopped goes on where it was.

What became of a mutant holds as long as its file does; that one survived, only as long as the tests that tried it do.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from mutants.changed_tree import FOLDER
from mutants.mutant import Mutant


class Test(NamedTuple):
    """What one test took, and the keys of the mutants whose places it reached."""

    seconds: float
    passed: bool
    reached: frozenset[str]


class Lines:
    """A file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        # The last line may have been cut.
        return [json.loads(line) for line in self.path.read_bytes().split(b"\n")[:-1]]

    def add(self, row: dict[str, Any]) -> None:
        with self.path.open("ab") as file:
            file.write(json.dumps(row).encode() + b"\n")


TESTS = Lines(FOLDER / "tests.jsonl")
RESULTS = Lines(FOLDER / "results.jsonl")


def known_tests() -> dict[str, Test]:
    """The tests that ran without a mutant, by their ids; one that never came to its end did not pass."""
    known = {}
    for row in TESTS.read():
        # Each key is held once, whatever number of tests reach its place.
        reached = frozenset(map(sys.intern, row.get("reached", ())))
        known[row["test"]] = Test(row.get("seconds", 0.0), row.get("passed", False), reached)
    return known


def result_key(mutant: Mutant) -> str:
    return f"{mutant.source} {mutant.name}"


def known_results() -> dict[str, dict[str, Any]]:
    """What became of mutants, by `result_key`; the last word counts."""
    return {row["key"]: row for row in RESULTS.read()}
