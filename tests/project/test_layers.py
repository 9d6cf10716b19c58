"""Imports go down the layers of docs/design.md, and never in a circle."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from project.imports import imports_between

ROOT = Path(__file__).resolve().parents[2]
DESIGN = (ROOT / "docs" / "design.md").read_text()


class Row(NamedTuple):
    """A row of the table: its layer, the modules that begin so, and the layers it may import."""

    layer: int
    modules: tuple[str, ...]
    below: range


def rows(page: str) -> list[Row]:
    """The table of layers, as the page shows it."""
    found = []
    for layer, paths, allowed in re.findall(r"^\| (\d) \| (.+?) \|.*\| ([\w -]+) \|$", page, re.MULTILINE):
        modules = [path.replace("src/", "ndstream/_core").strip("/") for path in re.findall("`(.+?)`", paths)]
        highest = re.search(r"\d$", allowed)
        found.append(
            Row(
                int(layer),
                tuple(module.removesuffix(".py").replace("/", ".") for module in modules),
                range(0 if highest is None else int(highest[0]) + 1),
            )
        )
    return found


def row_of(module: str, rows: list[Row]) -> Row:
    [found] = [row for row in rows if any(f"{module}.".startswith(f"{name}.") for name in row.modules)]
    return found


def arrows_upwards(imports: dict[str, set[str]], rows: list[Row]) -> list[str]:
    wrong = []
    for module, imported in imports.items():
        own = row_of(module, rows)
        for other in sorted(imported):
            row = row_of(other, rows)
            if row != own and row.layer not in own.below:
                wrong.append(f"{module} (layer {own.layer}) imports {other} (layer {row.layer})")
    return wrong


def circle(imports: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


ROWS = rows(DESIGN)
IMPORTS = imports_between(ROOT / "ndstream", ROOT / "src")


def test_the_table_of_layers_is_read_whole() -> None:
    assert [row.layer for row in ROWS] == [0, 1, 2, 3, 4, 4, 5, 6]
    assert [len(row.below) for row in ROWS] == [0, 1, 1, 3, 4, 4, 5, 6]
    assert "ndstream._core" in ROWS[1].modules


@pytest.mark.parametrize("module", IMPORTS)
def test_every_module_has_a_place_in_the_table(module: str) -> None:
    assert row_of(module, ROWS)


def test_imports_only_go_down() -> None:
    assert arrows_upwards(IMPORTS, ROWS) == []


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
MADE_ROWS = [
    Row(0, ("made._low",), range(0)),
    Row(1, ("made._middle",), range(1)),
    Row(2, ("made.high",), range(2)),
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
    assert not arrows_upwards(imports, MADE_ROWS)
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
    wrong = arrows_upwards(made(tmp_path, two=line), MADE_ROWS)
    assert wrong == ["made._middle.two (layer 1) imports made.high (layer 2)"]


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
