"""What nobody uses is not in the tree: no function, class, attribute or constant, in Python and in Cython.

`names` says what counts as a use. Local variables and imports are checked by ruff and by Cython itself.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

import pytest

from project.names import (
    Definition,
    classes_without_hooks,
    definitions_in,
    definitions_in_cython,
    uses_in,
    without_comments,
    words_in,
)

ROOT = Path(__file__).resolve().parents[2]

UNUSED = {
    "ExamplesAreCode": "griffe finds it in the module that mkdocs.yml names",
    "MISUSE_OF_LOADS": "C returns it, as the number 1",
    "_kept": "keeps memory allocated",
    "_leaving": "keeps the task that it refers to",
    "_reading_paused": "asked of a protocol by aiohttp",
    "on_files": "called by mkdocs",
    "on_page_markdown": "called by mkdocs",
    "on_post_page": "called by mkdocs",
    "pause_reading": "asked of a protocol by aiohttp",
    "resume_reading": "asked of a protocol by aiohttp",
}
"""Names that no source uses, and why they are there."""
FOR_TESTS = {
    "_touched": "counts work",
    "assumed_utc": "a figure of a report, for its reader",
    "reordered": "a figure of a report, for its reader",
}
"""Names of the package that tests alone use, and why they are there."""


def tracked(*patterns: str) -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no checkout of git")
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).exists()]


@cache
def python_sources() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in tracked("*.py")}


@cache
def python_definitions() -> list[Definition]:
    plain = classes_without_hooks(python_sources().values())
    return [each for path, tree in python_sources().items() for each in definitions_in(path, tree, plain)]


@cache
def uses_by_path() -> dict[Path, set[str]]:
    return {path: set(uses_in(tree)) for path, tree in python_sources().items()}


@cache
def cython_sources() -> dict[Path, str]:
    return {path: without_comments(path.read_text()) for path in tracked("src/*.pyx", "src/*.pxi")}


def words_of_cython() -> list[str]:
    return [word for source in cython_sources().values() for word in words_in(source)]


def unused(definitions: Iterable[Definition], used: Collection[str]) -> dict[str, str]:
    return {each.name: f"{each.path.relative_to(ROOT)}:{each.line}" for each in definitions if each.name not in used}


def test_every_name_in_python_is_used() -> None:
    used = set().union(words_of_cython(), *uses_by_path().values())
    definitions = python_definitions()
    assert len(definitions) > 1000
    assert unused(definitions, {*used, *UNUSED}) == {}


def test_the_package_has_nothing_that_tests_alone_use() -> None:
    used = set().union(
        words_of_cython(),
        *(uses for path, uses in uses_by_path().items() if not path.is_relative_to(ROOT / "tests")),
        # What is documented is for users.
        *(words_in(page.read_text()) for page in tracked("*.md")),
    )
    definitions = [each for each in python_definitions() if each.path.is_relative_to(ROOT / "ndstream")]
    assert len(definitions) > 1000
    assert unused(definitions, {*used, *UNUSED, *FOR_TESTS}) == {}


def test_every_name_in_cython_is_used() -> None:
    definitions = [each for path, source in cython_sources().items() for each in definitions_in_cython(path, source)]
    assert len(definitions) > 300
    left = Counter(words_of_cython())
    left.subtract(each.name for each in definitions)
    used = set().union((name for name, count in left.items() if count > 0), *uses_by_path().values())
    assert unused(definitions, {*used, *UNUSED}) == {}


def test_what_is_excepted_is_there() -> None:
    names = {each.name for each in python_definitions()} | set(words_of_cython())
    assert {*UNUSED, *FOR_TESTS} <= names


def test_an_unused_name_is_found_wherever_it_is_defined() -> None:
    source = """
class Base: ...
class Own(Base):
    UNUSED_1 = 1
    def __init__(self): self.unused_2 = self.used_1
    def unused_3(self):
        if self: unused_local = 1
class Foreign(Elsewhere):
    def called_elsewhere(self): self.read_elsewhere = 1
class OfForeign(Foreign):
    def called_elsewhere_too(self): ...
@property
def unused_4(): ...
@application.command
def registered(): ...
try:
    unused_5, (used_2, *_) = 1, 2
except ValueError:
    unused_6: int = 1
print(Own, OfForeign, used_2, "used_3", key_1=1)
"""
    tree = ast.parse(source)
    found = unused(definitions_in(ROOT / "made.py", tree, classes_without_hooks([tree])), set(uses_in(tree)))
    assert list(found) == ["UNUSED_1", "unused_2", "unused_3", "unused_4", "unused_5", "unused_6"]
    assert {"used_1", "used_2", "used_3", "key_1"} <= set(uses_in(tree))


def test_an_unused_name_of_cython_is_found_wherever_it_is_defined() -> None:
    source = '''
cdef extern from *:
    """
    #define NDSTREAM_UNUSED_1 1
    static inline int *ndstream_unused_2(int number) { return ndstream_used(number); }
    """
cdef enum Kind:
    # A comment.
    UNUSED_3, UNUSED_4
cdef class Unused_5(Base):
    """A docstring with ndstream_used in it."""
    cdef readonly Py_ssize_t unused_6, unused_7
    cdef inline Result unused_8(self, int number) except NULL:  # ndstream_used
        pass
    def unused_9(self, /): pass
'''
    found = [each.name for each in definitions_in_cython(Path("made.pxi"), source)]
    assert [re.sub(r".*_", "", name) for name in found] == ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
    assert without_comments(source).count("ndstream_used") == 1
