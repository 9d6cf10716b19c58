"""Streams changed at random fold; ``python -m tests.llm.mutate`` changes as many as one likes."""

from __future__ import annotations

import random

import pytest

from llm.examples import by_name
from llm.mutate import changed, fault_of, faults, streams
from ndstream import llm


def test_streams_changed_at_random_raise_nothing_undocumented_and_their_deltas_add_up() -> None:
    assert list(faults(1500, seed=1)) == []


def test_every_stream_is_changed() -> None:
    chance = random.Random(1)
    for source in streams():
        assert any(changed(source.frames, chance) != source.frames for _ in range(10)), source.name


def test_deltas_that_do_not_add_up_and_undocumented_errors_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = by_name("ollama chat").frames
    assert fault_of(frames, random.Random(1)) == ""
    monkeypatch.setattr(llm.Reply, "text", "another")
    assert "the reply has 'another'" in fault_of(frames, random.Random(1))
    monkeypatch.setattr(llm.Reply, "usage", property(lambda reply: vars(reply)["missing"]))
    assert "KeyError" in fault_of(frames, random.Random(1))
