"""Compile the core of a copied tree so that it tells its places: ``python -m reached.build_core FILE``.

Runs in the folder of the copy, and writes the places with their numbers to FILE.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mutants.compile_core import compile_core, declare
from reached.cython_places import insert_places
from reached.place import Places


def build(file: Path) -> None:
    """Compile in place, and write the places."""
    places = Places()

    def insert(tree: Any) -> None:
        insert_places(tree, places)

    declare()
    if wrong := compile_core(insert):
        raise RuntimeError(f"the core with its places told does not compile: {sorted(wrong)}")
    file.write_text(json.dumps({number: asdict(place) for number, place in places.by_number.items()}))


if __name__ == "__main__":
    build(Path(sys.argv[1]))
