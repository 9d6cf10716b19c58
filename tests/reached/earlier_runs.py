"""What earlier runs reached: it counts for each file until that file changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mutants import active_mutant
from reached.place import Place


def places_in(file: Path) -> dict[int, Place]:
    """The places by number, as they were written down."""
    return {int(number): Place(**row) for number, row in json.loads(file.read_text()).items()}


def reached_earlier(folder: Path, digests: Mapping[str, str]) -> set[Place]:
    """The places that were reached, of the files that are still the same.

    Args:
        folder: Where the runs keep what they know.
        digests: What tells the text of each file now.
    """
    if not (folder / "stamp").exists():
        return set()
    known = json.loads((folder / "stamp").read_text())
    numbers = active_mutant.mapped(folder / "numbers")
    places = places_in(folder / "places.json")
    return {
        place
        for number, place in places.items()
        if numbers[number] and known.get(place.file) == digests.get(place.file)
    }


def mark(folder: Path, places: Mapping[int, Place], reached: set[Place]) -> None:
    """Note that these were reached, and no others."""
    (folder / "numbers").write_bytes(bytes(active_mutant.SIZE))
    numbers = active_mutant.mapped(folder / "numbers")
    for number, place in places.items():
        if place in reached:
            numbers[number] = 1
