"""A copy of the project whose sources hold all mutants of a sample at once, under build/mutants."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from mutants.copied_tree import ROOT, build_in, copy_sources, copy_tests
from mutants.mutant import Mutant, Numbering, sample
from mutants.python_mutants import with_mutants

FOLDER = ROOT / "build" / "mutants"
TREE = FOLDER / "tree"
MUTANTS = FOLDER / "mutants.json"


def make(size: int, seed: int) -> dict[int, Mutant]:
    """Make the tree unless it is there, and copy the tests; the mutants by number, core first, then Python."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp = FOLDER / "stamp"
    wanted = f"{size} {seed} {_hash_of_sources()}"
    if not stamp.exists() or stamp.read_text() != wanted:
        stamp.unlink(missing_ok=True)
        _make_sources(size, seed)
        stamp.write_text(wanted)
    copy_tests(TREE)
    return taken()


def taken() -> dict[int, Mutant]:
    """The mutants that are in the tree, by number."""
    return {row.pop("number"): Mutant(**row) for row in json.loads(MUTANTS.read_text())}


def _hash_of_sources() -> str:
    tool = [*sorted(Path(__file__).parent.glob("[!t]*_mutants.py")), Path(__file__).with_name("compile_core.py")]
    sources = [*sorted(ROOT.glob("src/*.p*")), *sorted(ROOT.glob("ndstream/**/*.py")), *tool]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in sources)).hexdigest()


def _make_sources(size: int, seed: int) -> None:
    copy_sources(TREE)
    print("compiling the core with its mutants", flush=True)
    of_core = FOLDER / "core.json"
    build_in(TREE, "mutants.build_core", str(size), str(seed), "1", str(of_core))
    MUTANTS.write_text(json.dumps([*json.loads(of_core.read_text()), *_change_python(size, seed, size + 1)], indent=0))


def _change_python(size: int, seed: int, first_number: int) -> list[dict[str, object]]:
    sources = {str(file.relative_to(ROOT)): file.read_text() for file in sorted(ROOT.glob("ndstream/**/*.py"))}
    candidates = Numbering()
    for file, source in sources.items():
        with_mutants(file, source, candidates)
    taken = dict(enumerate(sample(candidates.mutants, size, seed), first_number))
    numbers = {mutant.name: number for number, mutant in taken.items()}
    for file in {mutant.file for mutant in taken.values()}:
        (TREE / file).write_text(with_mutants(file, sources[file], Numbering(numbers)))
    return [{"number": number, **asdict(mutant)} for number, mutant in taken.items()]
