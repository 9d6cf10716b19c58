"""The bar of a replay moves with what is delivered."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ndstream._cli import replay_progress
from ndstream._cli.replay_progress import SinkWithBar, with_bar
from ndstream._cli.replay_sinks import LineSink
from ndstream.logs import ReplayedRecord, ReplayReport


class Told:
    """In place of a bar and of a sink: what they were told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.calls.append((name, *given))


def test_the_bar_moves_with_every_64th_line_with_each_wait_and_at_the_end() -> None:
    bar, sink, report = Told(), Told(), SimpleNamespace(bad=0)
    replay: Any = SinkWithBar(sink, bar, report)  # type: ignore[arg-type]
    for number in range(1, 151):
        report.records, report.compressed_bytes = number, 10 * number
        replay.deliver(ReplayedRecord(b"1", None, f"/logs/{'a' if number < 100 else 'b'}", 0, number))
    replay.wait(9)
    replay.wait(0.1)
    replay.close()
    moves = [("move", 640, 64, 0), ("begin", "b"), ("move", 1280, 128, 0), ("move", 1500, 150, 0)]
    assert bar.calls == [("begin", "a"), *moves, ("move", 1500, 150, 0), ("close", 1500, 150, 0)]
    assert [call[0] for call in sink.calls[:150]] == ["deliver"] * 150
    assert sink.calls[150:] == [("wait", 0.5), ("wait", 0.1), ("close",)]


@pytest.mark.parametrize(("repeat", "total"), [(1, 5), (3, 15), (math.inf, 0)])
def test_the_bar_knows_how_much_there_is_to_read_unless_that_has_no_end(
    repeat: float, total: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_bytes(b"1234\n")
    asked = []
    monkeypatch.setattr(replay_progress, "make_bar", lambda total, _: asked.append(total))
    sink = LineSink(str(tmp_path / "out"), append=False)
    assert with_bar(sink, ReplayReport(), [str(tmp_path / "log")], repeat) is sink
    sink.close()
    assert asked == [total]
