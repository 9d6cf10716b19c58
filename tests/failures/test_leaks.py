"""Rounds of success and of each way to fail leave nothing behind; ``make leaks`` runs 100,000 of each."""

from __future__ import annotations

import sys

import pytest

from failures.leaks import ROUNDS, growth, leaks

ROUNDS_IN_THE_SUITE = 120

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")


@pytest.mark.parametrize("name", ROUNDS)
def test_no_round_leaves_anything_behind(name: str) -> None:
    grown, tasks = growth(name, ROUNDS_IN_THE_SUITE)
    if leaks(grown, tasks, ROUNDS_IN_THE_SUITE):
        # Other code may have kept something once.
        grown, tasks = growth(name, ROUNDS_IN_THE_SUITE)
    assert not leaks(grown, tasks, ROUNDS_IN_THE_SUITE), (grown, tasks)


def test_a_block_left_by_each_round_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    monkeypatch.setitem(ROUNDS, "lines", lambda: kept.append(object()))
    grown, tasks = growth("lines", ROUNDS_IN_THE_SUITE)
    assert leaks(grown, tasks, ROUNDS_IN_THE_SUITE)
