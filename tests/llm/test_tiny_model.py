"""The model that the engine runs: small, and the same every time."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm import engine
from llm.tiny_model import make

engine.require()


def test_the_model_is_small_and_the_same_file_every_time(tmp_path: Path) -> None:
    first, second = (make(tmp_path / name).read_bytes() for name in "ab")
    assert first == second
    assert len(first) < 1_000_000


def test_an_engine_that_does_not_start_says_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm.tiny_model.make", lambda path: path)
    with pytest.raises(RuntimeError, match="did not start"), engine.running(tmp_path):
        pass
