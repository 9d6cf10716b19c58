"""The command: ``python -m tests.reached [arguments of pytest]``, the whole suite without any.

Says for each source how many of its lines with code, and of the ways that its branches can go, the tests reach, in any
process that they start; and names the others, but for those that `unreachable.txt` gives a reason for. Places add up
over runs until the sources change; ``--new`` forgets them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mutants import active_mutant
from mutants.copied_tree import ROOT, build_in, copy_sources, copy_tests, pytest_in
from reached.place import Place, Places
from reached.python_places import with_places
from reached.report import report

FOLDER = ROOT / "build" / "reached"
TREE = FOLDER / "tree"
NUMBERS = FOLDER / "numbers"


def main() -> int:
    """Run the tests, and report."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--new"]
    places = _made("--new" in sys.argv)
    copy_tests(TREE)
    # A test of the style or the types of the sources, and one that packs them, says nothing of those in the copy.
    status = pytest_in(TREE, NUMBERS, "-q", *(arguments or ["tests", "--ignore=tests/project"]))
    numbers = active_mutant.mapped(NUMBERS)
    report(places, {number for number in places if numbers[number]})
    return status


def _made(is_new: bool) -> dict[int, Place]:
    """The places by number, in a copy that is made unless it is there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp, file = FOLDER / "stamp", FOLDER / "places.json"
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.glob("ndstream/**/*.py"))}
    core = "".join(path.read_text() for path in sorted(ROOT.glob("src/*.p*")))
    wanted = hashlib.sha256("\0".join([core, *sources.values()]).encode()).hexdigest()
    if is_new or not stamp.exists() or stamp.read_text() != wanted:
        stamp.unlink(missing_ok=True)
        copy_sources(TREE)
        build_in(TREE, "reached.build_core", str(file))
        rows = json.loads(file.read_text())
        places = Places(first_number=1 + len(rows))
        for name, source in sources.items():
            (TREE / name).write_text(with_places(name, source, places))
        rows |= {number: asdict(place) for number, place in places.by_number.items()}
        file.write_text(json.dumps(rows))
        NUMBERS.write_bytes(bytes(active_mutant.SIZE))
        stamp.write_text(wanted)
    return {int(number): Place(**row) for number, row in json.loads(file.read_text()).items()}


if __name__ == "__main__":
    os.chdir(ROOT)
    raise SystemExit(main())
