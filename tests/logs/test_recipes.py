"""The recipes for other engines: the one that needs no engine runs here, all of them in ``make recipes``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import real_parts
from processes.commands import environment

RECIPES = Path(__file__).resolve().parents[2] / "examples" / "recipes"


def test_the_recipe_for_concurrent_futures_finds_all_sums_and_bad_lines() -> None:
    real_parts.library("msgspec")
    ran = subprocess.run(
        [sys.executable, str(RECIPES / "check.py"), "concurrent_futures"],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "as expected" in ran.stdout


def test_each_recipe_is_among_those_that_are_checked() -> None:
    names = {path.stem for path in RECIPES.glob("*.py")} - {"check"}
    program = (RECIPES / "check.py").read_text()
    assert [name for name in names if f'"{name}"' not in program] == []
