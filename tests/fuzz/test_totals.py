"""The totals of several runs add up, and are what the last run left if one is cut short."""

from __future__ import annotations

from pathlib import Path

from fuzz import totals


def test_executions_of_runs_add_up_and_of_edges_the_most_count(tmp_path: Path) -> None:
    totals.add(tmp_path, "sse", {"executions": 10, "oracle": 2, "edges": 7})
    totals.add(tmp_path, "sse", {"executions": 5, "sanitized": 5, "edges": 3, "lines": 4})
    totals.add(tmp_path, "ndjson", {"executions": 1})
    known = totals.load(tmp_path)
    assert known["sse"]["executions"] == 15
    assert (known["sse"]["sanitized"], known["sse"]["oracle"]) == (5, 2)
    assert (known["sse"]["edges"], known["sse"]["lines"]) == (7, 4)
    assert known["ndjson"]["executions"] == 1


def test_a_save_that_was_cut_short_leaves_the_totals_as_they_were(tmp_path: Path) -> None:
    totals.add(tmp_path, "sse", {"executions": 10})
    (tmp_path / "totals.tmp").write_text('{"sse": {"exec')
    assert totals.load(tmp_path)["sse"]["executions"] == 10


def test_the_table_has_a_row_for_each_target_and_one_for_all(tmp_path: Path) -> None:
    totals.add(tmp_path, "sse", {"executions": 1500, "edges": 9})
    totals.add(tmp_path, "ndjson", {"executions": 500, "edges": 8})
    rows = totals.table(totals.load(tmp_path)).splitlines()[2:]
    assert rows == [
        "| sse | 1,500 | 0 | 0 | 9 | 0 |",
        "| ndjson | 500 | 0 | 0 | 8 | 0 |",
        "| all | 2,000 | 0 | 0 |  |  |",
    ]
