"""The command: ``python -m tests.reached [arguments of pytest]``, the whole suite without any.

Says for each source how many of its lines with code, and of the ways that its branches can go, the tests reach, in any
process that they start; and names the others, with the reasons that `unreachable.txt` gives. The places of a file add
up over runs until that file changes, so that after a change its own tests are enough; ``--new`` forgets all.
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
from reached.earlier_runs import mark, places_in, reached_earlier
from reached.place import Place, Places
from reached.python_places import with_places
from reached.report import report

FOLDER = ROOT / "build" / "reached"
TREE = FOLDER / "tree"
NUMBERS = FOLDER / "numbers"


NOT_HERE = (
    # A test of the style or the types of the sources, and one that packs them, says nothing of those in the copy.
    "--ignore=tests/project",
    # These interrupt at each call, and a call that tells a place is one that the sources do not have.
    "--ignore=tests/failures/test_interrupts.py",
    "--deselect=tests/streams/test_interrupts.py::test_no_place_in_our_own_code_loses_a_value",
    "--deselect=tests/streams/test_interrupts.py::test_an_interrupt_never_hides_that_the_source_failed",
)


def main() -> int:
    """Run the tests, and report."""
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
        return 0
    arguments = [argument for argument in sys.argv[1:] if argument != "--new"]
    places = _made("--new" in sys.argv)
    copy_tests(TREE)
    status = pytest_in(TREE, NUMBERS, "-q", *(arguments or ["tests"]), *NOT_HERE)
    numbers = active_mutant.mapped(NUMBERS)
    report(places, {number for number in places if numbers[number]})
    return status


def _made(is_new: bool) -> dict[int, Place]:
    """The places by number, in a copy that is made unless it is there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp, file = FOLDER / "stamp", FOLDER / "places.json"
    python = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.glob("ndstream/**/*.py"))}
    core = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.glob("src/*.p*"))}
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in (python | core).items()}
    if is_new:
        stamp.unlink(missing_ok=True)
    if not stamp.exists() or json.loads(stamp.read_text()) != digests:
        reached = reached_earlier(FOLDER, digests)
        stamp.unlink(missing_ok=True)
        copy_sources(TREE)
        build_in(TREE, "reached.build_core", str(file))
        rows = json.loads(file.read_text())
        places = Places(first_number=1 + len(rows))
        for name, source in python.items():
            (TREE / name).write_text(with_places(name, source, places))
        rows |= {number: asdict(place) for number, place in places.by_number.items()}
        file.write_text(json.dumps(rows))
        mark(FOLDER, places_in(file), reached)
        stamp.write_text(json.dumps(digests))
    return places_in(file)


if __name__ == "__main__":
    os.chdir(ROOT)
    raise SystemExit(main())
