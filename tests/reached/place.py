"""A place of the sources: a statement, or a way that a branch can go."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """What is counted once."""

    file: str
    line: int
    way: str
    """Which way of a branch, as ``if is false``; empty for a statement."""
    text: str
    ordinal: int
    """Which of those on one line that are otherwise alike."""


class Places:
    """Numbers the places of all sources."""

    def __init__(self, first_number: int = 1) -> None:
        self.by_number: dict[int, Place] = {}
        self._next = first_number
        self._seen: Counter[tuple[str, int, str]] = Counter()

    def add(self, file: str, lines: list[str], line: int, way: str = "") -> int:
        """The number of a new place."""
        number = self._next
        self._next += 1
        self._seen[file, line, way] += 1
        self.by_number[number] = Place(file, line, way, lines[line - 1].strip(), self._seen[file, line, way])
        return number
