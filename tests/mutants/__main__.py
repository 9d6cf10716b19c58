"""The command: ``python -m tests.mutants``.

Makes the changed tree, starts pytest in it, and prints what survived. It goes on where it was stopped; what it knows is
in build/mutants. `equivalent.txt` names the mutants that no test can tell from the original, each with its reason.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mutants import active_mutant
from mutants.changed_tree import FOLDER, TREE, make
from mutants.copied_tree import ROOT, pytest_in
from mutants.report import report

FOLDERS = ("core", "streams", "sources", "llm", "logs", "cli", "serving", "over_http")


def main() -> int:
    """Run, or only report."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--size", type=int, default=400, help="mutants of the core, and as many of Python (400)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--first", type=int, default=0, help="run only so many of each (all)")
    parser.add_argument("--only", default="", help="run only mutants with this in their name")
    parser.add_argument("--tests", nargs="*", default=FOLDERS, help="folders of tests (all that test the package)")
    parser.add_argument("--seconds", type=float, default=60, help="what the tests of one mutant may take (60)")
    parser.add_argument("--cases", type=int, default=0, help="use at most so many cases of each test function (all)")
    parser.add_argument("--pause", help="between mutants, wait as long as this file exists")
    parser.add_argument("--report", action="store_true", help="run nothing, say what is known")
    options = parser.parse_args()
    mutants = make(options.size, options.seed)
    if not options.report:
        numbers = FOLDER / "numbers"
        numbers.write_bytes(bytes(active_mutant.SIZE))
        limits = f"{options.size} {options.seed} {options.first} {options.seconds} {options.cases}"
        which = f"{limits} {options.pause or '-'} {options.only}"
        tests = [f"tests/{folder}" for folder in options.tests]
        arguments = ["-p", "no:randomly", "-p", "no:terminal", "-p", "mutants.session", *tests]
        pytest_in(TREE, numbers, *arguments, MUTANT_OPTIONS=which)
    return report(mutants, options.first or options.size, options.seed)


if __name__ == "__main__":
    os.chdir(ROOT)
    raise SystemExit(main())
