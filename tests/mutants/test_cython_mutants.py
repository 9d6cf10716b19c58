"""Mutants of Cython: all are in one build, and each changes what it says as soon as it is active."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from mutants import active_mutant

TESTS = Path(__file__).resolve().parents[1]

CORE = """\
# cython: language_level=3
cimport cython


cdef inline bint is_small(Py_ssize_t number) noexcept nogil:
    return number < 3


cdef int counted(list numbers) except? -1:
    cdef Py_ssize_t number
    cdef int count = 0
    for number in numbers:
        if is_small(number) and number != 0:
            count += 1
        if number == 3 or number == 4:
            count += 10
    return count


def judged(numbers):
    if not numbers:
        raise ValueError("nothing")
    return counted(numbers) - 1
"""
SETUP = """\
from Cython.Distutils.extension import Extension
from setuptools import setup

setup(name="judge", py_modules=[], ext_modules=[Extension("judge", ["src/_core.pyx"])])
"""
# Each mutant by number and what it makes of some lists; a process for all of them, since one may do anything.
PROGRAM = """\
import json
import judge
from mutants import active_mutant

said = {}
for row in [{"number": 0}, *json.load(open("mutants.json"))]:
    active_mutant.activate(row["number"])
    active_mutant.forget_reached()
    answers = []
    for numbers in ([0, 1, 2, 3, 4], [3], [1], [0], []):
        try:
            answers.append(judge.judged(numbers))
        except Exception as error:
            answers.append(repr(error))
    said[row.get("change", "")] = [answers, sorted(active_mutant.reached())]
print(json.dumps(said))
"""


def test_every_mutant_of_one_build_is_seen_when_it_is_active_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "_core.pyx").write_text(CORE)
    (tmp_path / "setup.py").write_text(SETUP)
    (tmp_path / "numbers").write_bytes(bytes(active_mutant.SIZE))
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{tmp_path}", "CFLAGS": "-O0 -w"}
    environment[active_mutant.VARIABLE] = str(tmp_path / "numbers")
    build = [sys.executable, "-m", "mutants.build_core", "1000", "1", "1", "mutants.json"]
    built = subprocess.run(build, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    before, reached = said.pop("")
    assert before == [21, 9, 0, -1, "ValueError('nothing')"]
    # Each place was reached by what was asked, so that each mutant had its turn.
    assert len(reached) >= len(said) >= 10
    assert {change for change, (answers, _) in said.items() if answers == before} <= {"condition is negated"}
