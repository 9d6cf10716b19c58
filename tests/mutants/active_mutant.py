"""Which mutant is active, and which places were reached: one file, mapped into every process of a run.

All mutants are compiled at once; each asks `at` whether it is the active one, and whether it is or not, that its place
was reached. The file is named by the variable NDSTREAM_MUTANTS; the compiled core maps the same one. A copy of this
module lies beside the changed sources.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

VARIABLE = "NDSTREAM_MUTANTS"
MAX_NUMBER = 65_535
"""Numbers of mutants are from 1 to this; 0 is none."""
SIZE = 4 * (MAX_NUMBER + 1)


def mapped(path: str | Path) -> memoryview:
    """The file as 32-bit numbers: the active mutant, then for each number whether its place was reached."""
    with open(path, "r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), SIZE)).cast("i")


_numbers = mapped(os.environ[VARIABLE]) if VARIABLE in os.environ else memoryview(bytearray(SIZE)).cast("i")


def at(number: int) -> bool:
    """Whether the mutant is active; its place counts as reached."""
    _numbers[number] = 1
    return _numbers[0] == number


def activate(number: int) -> None:
    """Make one mutant the active one, in every process; 0 for none."""
    _numbers[0] = number


def forget_reached() -> None:
    """From here on no place was reached."""
    _numbers[1:] = memoryview(bytes(SIZE - 4)).cast("i")


def reached() -> set[int]:
    """The numbers of the places that were reached since `forget_reached`."""
    reached = _numbers.tobytes()
    found = set()
    index = reached.find(b"\x01", 4)
    while index >= 0:
        found.add(index // 4)
        index = reached.find(b"\x01", index + 1)
    return found
