"""The page on targets says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ndstream import serving
from ndstream.serving import TARGETS

from .expected import FINISH

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "targets.md").read_text()


def rows(first: str) -> list[list[str]]:
    """The rows of the table whose head begins so, as cells."""
    lines = PAGE[PAGE.index(f"| {first} |") :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_targets_has_each_with_its_class_and_its_content_type() -> None:
    found = {cells[0].strip('`"'): cells[1:3] for cells in rows("`to=`")}
    assert set(found) == set(TARGETS)
    for name, (class_name, content_type) in found.items():
        assert getattr(serving, class_name.strip("`")) is TARGETS[name]
        assert TARGETS[name].content_type.startswith(content_type.strip("`"))


def test_the_table_of_finish_reasons_has_the_words_that_clients_see() -> None:
    for reason, *words in rows("finish reason"):
        for target, word in zip(FINISH, words, strict=True):
            assert f"`{FINISH[target][reason.strip('`')]}`" in word, (reason, target)


def test_the_first_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    exec(found[1], {})
    assert '"delta":"Hi"' in capsys.readouterr().out
