"""What is known of a sample: how many were killed, and which were not."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mutants.mutant import Mutant, core_and_python, sample
from mutants.results import known_results, result_key

EQUIVALENT = Path(__file__).with_name("equivalent.txt")


def equivalent() -> dict[str, str]:
    """The reasons why some mutants are no faults, by their names."""
    reasons: dict[str, str] = {}
    name = ""
    for line in EQUIVALENT.read_text().splitlines():
        if line.startswith("    "):
            reasons[name] = f"{reasons.get(name, '')} {line.strip()}".strip()
        elif line and not line.startswith("#"):
            name = line
    return reasons


def report(mutants: dict[int, Mutant], size: int, seed: int) -> int:
    """Print it; the exit status is 1 where a mutant survived."""
    survivors = 0
    for title, some in zip(("core", "Python"), core_and_python(mutants.values()), strict=True):
        survivors += _report_some(title, sample(some, size, seed))
    return 1 if survivors else 0


def _report_some(title: str, mutants: Collection[Mutant]) -> int:
    results, reasons = known_results(), equivalent()
    found = {mutant: results[result_key(mutant)] for mutant in mutants if result_key(mutant) in results}
    killed = [mutant for mutant, row in found.items() if row["result"] == "killed"]
    alike = [mutant for mutant in found if mutant not in killed and mutant.name in reasons]
    survived = [mutant for mutant in found if mutant not in killed and mutant.name not in reasons]
    counted = len(killed) + len(survived)
    percent = 100 * len(killed) / counted if counted else 0.0
    print(
        f"{title}: {len(found)} of {len(mutants)} tried, {len(alike)} equivalent; "
        f"of the other {counted}: {len(killed)} killed ({percent:.1f} %), {len(survived)} survived"
    )
    for mutant in sorted(survived, key=lambda mutant: (mutant.file, mutant.line)):
        print(f"    {found[mutant]['how']:12} {mutant.line:4} {mutant.name}")
    return len(survived)
