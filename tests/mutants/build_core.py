"""Compile the core of a copied tree with mutants in it: ``python -m mutants.build_core SIZE SEED FIRST_NUMBER FILE``.

Runs in the folder of the copy, and writes the mutants that were taken to FILE, with their numbers. What Cython cannot
compile is left out, and the rest is compiled again.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mutants.compile_core import compile_core, declare
from mutants.cython_mutants import insert_mutants
from mutants.mutant import Mutant, Numbering, sample


def build(size: int, seed: int, first_number: int, file: Path) -> None:
    """Compile in place, and write what was taken."""
    refused: set[tuple[str, int]] = set()
    taken: list[Mutant] = []

    def insert(tree: Any) -> None:
        # A walk without numbers changes nothing.
        candidates = Numbering()
        insert_mutants(tree, candidates)
        possible = [mutant for mutant in candidates.mutants if (mutant.file, mutant.line) not in refused]
        taken[:] = sample(possible, size, seed)
        numbers = {mutant.name: number for number, mutant in enumerate(taken, first_number)}
        insert_mutants(tree, Numbering(numbers))

    declare()
    while wrong := compile_core(insert):
        if wrong <= refused:
            raise RuntimeError(f"the core with mutants does not compile: {wrong}")
        refused |= wrong
        print(f"without the mutants of {len(refused)} lines that do not compile", flush=True)
    file.write_text(json.dumps([{"number": number, **asdict(each)} for number, each in enumerate(taken, first_number)]))


if __name__ == "__main__":
    build(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
