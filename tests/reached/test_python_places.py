"""Each statement and each way of a branch tells that it was reached, and nothing else changes."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from reached.place import Places
from reached.python_places import with_places
from reached.report import report

SOURCE = '''\
"""A module."""

from __future__ import annotations


def first_positive(numbers: list[int]) -> str:
    for number in numbers:
        if number > 0:
            return "one" if number == 1 else "more"
        elif number == -1:
            continue
    while numbers:
        numbers.pop()
    return "none"
'''


def told(monkeypatch: pytest.MonkeyPatch, *calls: list[int]) -> tuple[list[str], set[str]]:
    """What the function says of these numbers, and the ways of its branches that it took."""
    places = Places()
    source = with_places("first.py", SOURCE, places)
    numbers: set[int] = set()
    active = types.ModuleType("active_mutant")
    active.at = lambda number: numbers.add(number)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "active_mutant", active)
    module: dict[str, Any] = {}
    exec(compile(source, "first.py", "exec"), module)
    said = [module["first_positive"](call) for call in calls]
    ways = {f"{places.by_number[number].line} {places.by_number[number].way}".strip() for number in numbers}
    return said, ways


def test_a_way_that_is_taken_is_told_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    said, ways = told(monkeypatch, [1])
    assert said == ["one"]
    assert ways == {"6", "7", "7 for has another", "8", "8 if is true", "9", "9 if is true"}


def test_together_the_calls_take_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    said, ways = told(monkeypatch, [1], [2], [-1], [-2])
    assert said == ["one", "more", "none", "none"]
    places = Places()
    with_places("first.py", SOURCE, places)
    assert ways == {f"{place.line} {place.way}".strip() for place in places.by_number.values()}


@pytest.mark.parametrize("name", ["TYPE_CHECKING", "_TYPE_CHECKING"])
def test_what_is_for_type_checkers_alone_is_no_place(name: str) -> None:
    places = Places()
    with_places("first.py", f"{name} = False\nif {name}:\n    import typing\nelse:\n    pass\n", places)
    assert [place.line for place in places.by_number.values()] == [1]


def test_the_report_names_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    places = Places()
    with_places("ndstream/first.py", SOURCE, places)
    last = max(places.by_number)
    report(places.by_number, set(places.by_number) - {last})
    _, python, left = capsys.readouterr().out.splitlines()
    assert (
        python == "Python: 88.89 % (8 of 9) of lines, 100.00 % (10 of 10) of branches; 1 places left without a reason"
    )
    assert left == '    ndstream/first.py:14: line: return "none"'
