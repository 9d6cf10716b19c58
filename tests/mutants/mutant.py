"""What a mutant is called, and which of all possible ones are taken.

A mutant is known by its file, function, change and the text of its line, so that it keeps its name, its result and its
place in the sample while other lines come and go.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One change of one place."""

    file: str
    function: str
    change: str
    line_text: str
    ordinal: int
    line: int
    source: str
    """What changes when the file does."""
    at_import: bool
    """Whether the place is run by the import of the module, so that it takes a new process."""

    @property
    def name(self) -> str:
        """What it is known by: all but its line number."""
        ordinal = f" ({self.ordinal})" if self.ordinal > 1 else ""
        return f"{self.file} | {self.function} | {self.line_text} | {self.change}{ordinal}"

    @property
    def key(self) -> str:
        """The name in few letters."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:12]


class Numbering:
    """Gives each place its mutant while a source is walked: in a first walk all, in a second those taken a number."""

    def __init__(self, numbers: dict[str, int] | None = None) -> None:
        self.mutants: list[Mutant] = []
        self._numbers = numbers or {}
        self._sources: dict[str, str] = {}
        self._seen: Counter[tuple[str, str, str, str]] = Counter()

    def number(self, file: str, function: str, change: str, lines: list[str], line: int, at_import: bool) -> int:
        """The number of the mutant if it was taken, 0 if not."""
        text = lines[line - 1].strip()
        key = (file, function, change, text)
        self._seen[key] += 1
        if file not in self._sources:
            self._sources[file] = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
        mutant = Mutant(file, function, change, text, self._seen[key], line, self._sources[file], at_import)
        self.mutants.append(mutant)
        return self._numbers.get(mutant.name, 0)


def sample(mutants: Collection[Mutant], size: int, seed: int) -> list[Mutant]:
    """So many of them, the same for the same seed, whatever was added or removed beside them."""
    return sorted(mutants, key=lambda mutant: hashlib.sha256(f"{seed} {mutant.name}".encode()).digest())[:size]


def core_and_python(mutants: Iterable[Mutant]) -> tuple[list[Mutant], list[Mutant]]:
    """Those of the Cython sources, and those of the Python ones."""
    of_core: list[Mutant] = []
    of_python: list[Mutant] = []
    for mutant in mutants:
        (of_core if mutant.file.startswith("src/") else of_python).append(mutant)
    return of_core, of_python
