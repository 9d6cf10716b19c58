"""Mutants of Python: none is seen until it is active, and then it alone."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from mutants.mutant import Mutant, Numbering, sample
from mutants.python_mutants import with_mutants

SOURCE = '''\
"""A module."""

from __future__ import annotations

LIMIT = 3


def judged(number: int, names: list[str], *, strict: bool = False) -> str:
    """What is said of a number."""
    found: list[str] = []
    for name in names:
        if not name:
            continue
        if name == "end":
            break
        found.append(name)
    if number < LIMIT and found:
        raise ValueError("small")
    return "many" if number - 1 > LIMIT else "few"
'''


def candidates() -> list[Mutant]:
    numbering = Numbering()
    with_mutants("package/judge.py", SOURCE, numbering)
    return numbering.mutants


def answers(source: str, number: int, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the module says with one mutant active."""
    active = types.ModuleType("active_mutant")
    active.at = lambda asked: asked == number  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "active_mutant", active)
    module: dict[str, Any] = {}
    exec(compile(source, "judge.py", "exec"), module)
    said: list[object] = [module["LIMIT"], module["judged"].__kwdefaults__]
    for asked_of in (2, 3, 4, 5, 6):
        for names in ([], ["a"], ["", "a"], ["end", "a"], ["end"], [""]):
            try:
                said.append(module["judged"](asked_of, names))
            except Exception as error:
                said.append(repr(error))
    return said


def test_no_mutant_is_seen_until_it_is_active(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {mutant.name: number for number, mutant in enumerate(candidates(), 1)}
    changed = with_mutants("package/judge.py", SOURCE, Numbering(numbers))
    with_import = "from active_mutant import at as _at_\n" + SOURCE.replace("from __future__ import annotations\n", "")
    assert answers(changed, 0, monkeypatch) == answers(with_import, 0, monkeypatch)


def test_every_mutant_changes_what_the_module_says_or_how_often_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    mutants = candidates()
    numbers = {mutant.name: number for number, mutant in enumerate(mutants, 1)}
    changed = with_mutants("package/judge.py", SOURCE, Numbering(numbers))
    before = answers(changed, 0, monkeypatch)
    alike = {mutant.change for mutant in mutants if answers(changed, numbers[mutant.name], monkeypatch) == before}
    # A break where the names end anyway, and a number of names that is counted as true either way.
    assert alike <= {"continue becomes break", "> becomes >=", "break becomes continue"}


def test_each_kind_of_change_is_made() -> None:
    changes = {mutant.change for mutant in candidates()}
    assert changes >= {
        "3 becomes one more", "False becomes True", "statement is left out", "continue becomes break",
        "== becomes !=", "break becomes continue", "< becomes <=", "and becomes or", "condition is negated",
        "- becomes +", "returns None", "not is left out",
    }  # fmt: skip


def test_what_the_import_runs_is_told_from_what_a_call_runs() -> None:
    at_import = {mutant.change for mutant in candidates() if mutant.at_import}
    assert at_import == {"3 becomes one more", "3 becomes one less", "False becomes True"}


def test_a_sample_stays_what_it_was_when_lines_come_and_go() -> None:
    numbering = Numbering()
    with_mutants("package/judge.py", SOURCE.replace("    found:", "    names = list(names)\n    found:"), numbering)
    before = [mutant.name for mutant in sample(candidates(), 12, seed=1)]
    after = [mutant.name for mutant in sample(numbering.mutants, 12, seed=1)]
    kept = [name for name in after if "names = list" not in name]
    assert kept == before[: len(kept)]
    assert len(kept) > 8
    assert [mutant.name for mutant in sample(candidates(), 12, seed=2)] != before
