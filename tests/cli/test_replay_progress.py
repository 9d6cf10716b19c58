"""The bar of a replay moves with what is delivered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ndstream._cli.replay_progress import SinkWithBar
from ndstream.logs import ReplayedRecord


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
