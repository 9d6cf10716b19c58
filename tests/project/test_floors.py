"""Imports go down the floors of docs/design.md, and never in a circle."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from project.imports import imports_between

ROOT = Path(__file__).resolve().parents[2]
DESIGN = (ROOT / "docs" / "design.md").read_text()


class Room(NamedTuple):
    """A row of the table: its floor, the modules that begin so, and the floors it may import."""

    floor: int
    modules: tuple[str, ...]
    below: range


def rooms(page: str) -> list[Room]:
    """The table of floors, as the page shows it."""
    found = []
    for floor, paths, allowed in re.findall(r"^\| (\d) \| (.+?) \|.*\| ([\w -]+) \|$", page, re.MULTILINE):
        modules = [path.replace("src/", "ndstream/_core").strip("/") for path in re.findall("`(.+?)`", paths)]
        highest = re.search(r"\d$", allowed)
        found.append(
            Room(
                int(floor),
                tuple(module.removesuffix(".py").replace("/", ".") for module in modules),
                range(0 if highest is None else int(highest[0]) + 1),
            )
        )
    return found


def room_of(module: str, rooms: list[Room]) -> Room:
    [found] = [room for room in rooms if any(f"{module}.".startswith(f"{name}.") for name in room.modules)]
    return found


def arrows_upwards(imports: dict[str, set[str]], rooms: list[Room]) -> list[str]:
    wrong = []
    for module, imported in imports.items():
        own = room_of(module, rooms)
        for other in sorted(imported):
            room = room_of(other, rooms)
            if room != own and room.floor not in own.below:
                wrong.append(f"{module} (floor {own.floor}) imports {other} (floor {room.floor})")
    return wrong


def circle(imports: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


ROOMS = rooms(DESIGN)
IMPORTS = imports_between(ROOT / "ndstream", ROOT / "src")


def test_the_table_of_floors_is_read_whole() -> None:
    assert [room.floor for room in ROOMS] == [0, 1, 2, 3, 4, 4, 5, 6]
    assert [len(room.below) for room in ROOMS] == [0, 1, 1, 3, 4, 4, 5, 6]
    assert "ndstream._core" in ROOMS[1].modules


@pytest.mark.parametrize("module", IMPORTS)
def test_every_module_has_a_place_in_the_table(module: str) -> None:
    assert room_of(module, ROOMS)


def test_imports_only_go_down() -> None:
    assert arrows_upwards(IMPORTS, ROOMS) == []


def test_imports_go_in_no_circle() -> None:
    assert circle(IMPORTS) == []


MADE = {
    "__init__.py": "from made._low import low\nfrom made.high import top as shown",
    "_low.py": "low = 1",
    "_middle/__init__.py": "from made._middle.one import one",
    "_middle/one.py": "from made import low\none = 1",
    "_middle/two.py": "from made._middle import one",
    "high.py": "import made._low\nfrom . import _middle\ntop = 1",
}
"""A package without a fault: from `one`, its own package's names lead to `_low` alone."""
MADE_ROOMS = [
    Room(0, ("made._low",), range(0)),
    Room(1, ("made._middle",), range(1)),
    Room(2, ("made.high",), range(2)),
]


def made(folder: Path, **changes: str) -> dict[str, set[str]]:
    for name, source in MADE.items():
        path = folder / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source + "\n" + changes.get(path.stem, ""))
    return imports_between(folder / "made")


def test_a_package_without_a_fault_has_none(tmp_path: Path) -> None:
    imports = made(tmp_path)
    assert imports == {
        "made._low": set(),
        "made._middle.one": {"made._low"},
        "made._middle.two": {"made._middle.one"},
        "made.high": {"made._low", "made._middle.one"},
    }
    assert not arrows_upwards(imports, MADE_ROOMS)
    assert not circle(imports)


@pytest.mark.parametrize(
    "line",
    [
        "import made.high",
        "from made.high import top",
        "from made import high",
        "from made import shown",
        "from .. import high",
        "from ..high import top",
        "import made",
        "if TYPE_CHECKING:\n    from made.high import top",
        "def later():\n    from made.high import top",
    ],
)
def test_an_arrow_upwards_is_seen_however_it_is_written(line: str, tmp_path: Path) -> None:
    wrong = arrows_upwards(made(tmp_path, two=line), MADE_ROOMS)
    assert wrong == ["made._middle.two (floor 1) imports made.high (floor 2)"]


@pytest.mark.parametrize(
    "line",
    [
        "from made._middle.two import two",
        "from made._middle import two",
        "if TYPE_CHECKING:\n    from .two import two",
        "def later():\n    import made._middle.two",
    ],
)
def test_a_circle_is_seen_however_it_is_written(line: str, tmp_path: Path) -> None:
    found = circle(made(tmp_path, one=line))
    assert set(found) == {"made._middle.one", "made._middle.two"}
