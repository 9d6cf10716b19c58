"""Dask: what the workers read is what one process reads, also if one of them is killed in the middle.

The cluster is a real one of two processes. What is compared with comes from `json`, line by line.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import real_parts
from ndstream import logs
from ndstream._errors import DecodeError
from ndstream.logs import DeadLetter

dask = real_parts.library("dask")
real_parts.library("dask.dataframe")
distributed = real_parts.library("distributed")

# A worker that is killed leaves sockets open, which is no news.
pytestmark = pytest.mark.filterwarnings("default")

FIELDS: dict[str, tuple[str, Any]] = {
    "n": ("n", int),
    "size": ("http.bytes", int),
    "path": ("http.path", str),
    "share": ("share", float),
    "ok": ("ok", bool),
    "at": ("at", datetime),
}
GOOD = [
    {
        "n": number,
        "http": {"path": f"/{number % 7}", "bytes": number * 10},
        "share": number / 4,
        "ok": bool(number % 2),
        "at": "2026-01-01T00:00:00.5+02:00",
    }
    for number in range(2000)
]
DRIFT = [
    {"n": None, "http": None},
    {},
    {"http": {}},
    {"n": 5, "http": {"bytes": None, "path": "x"}, "share": 3, "more": [1, {"n": 2}]},
    {"n": 2**63 - 1},
    {"n": -(2**63)},
]
WRONG = [
    b'{"n":"5"}', b'{"n":1.5}', b'{"n":9223372036854775808}', b'{"http":5}', b'{"http":{"bytes":true}}',
    b'{"ok":1}', b'{"share":"1"}', b'{"at":"2026-01-01T00:00:00"}', b'{"at":5}', b"[]", b"x", b"\xff", b'{"n":',
]  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A client of two processes."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log with fields that are missing, fields of wrong types and lines that are no JSON among the good ones."""
    lines = [json.dumps(record).encode() for record in GOOD]
    for number, line in enumerate([*(json.dumps(record).encode() for record in DRIFT), *WRONG]):
        lines.insert(number * 97 + 5, line)
    path = tmp_path / "a.log"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def expected_rows(path: Path) -> list[tuple[Any, ...]]:
    """The columns of all lines that are not wrong, by `json` and in order."""
    rows = []
    for line in path.read_bytes().splitlines():
        if line not in WRONG:
            record = json.loads(line)
            at = None if "at" not in record else datetime(2025, 12, 31, 22, 0, 0, 500_000, timezone.utc)
            http = record.get("http") or {}
            row = [record.get("n"), http.get("bytes"), http.get("path"), record.get("share"), record.get("ok"), at]
            rows.append(tuple(row))
    return rows


def rows_of(frame: Any) -> list[tuple[Any, ...]]:
    return [tuple(None if value is None or value != value else value for value in row) for row in _values(frame)]


def _values(frame: Any) -> list[tuple[Any, ...]]:
    columns = [column.array._pa_array.to_pylist() for _, column in frame.items()]
    return list(zip(*columns, strict=True))


def test_a_bag_has_the_values_of_the_files_in_order(path: Path) -> None:
    for size in (1000, 20_000, 10**9):
        values, bad, reports = logs.read_bag(path, size=size, on_error="keep")
        found, letters, read = dask.compute(values, bad, reports, scheduler="threads")
        assert found == list(logs.read(path, on_error="skip"))
        assert [letter.raw for letter in letters] == [b"x", b"\xff", b'{"n":']
        assert sum(report.bytes for report in read) == path.stat().st_size
        assert sum(report.values for report in read) == len(found)
        assert len(read) == values.npartitions == -(-path.stat().st_size // size)


def test_bad_lines_are_known_by_their_offset_in_the_file(path: Path) -> None:
    _, bad, _ = logs.read_bag(path, size=5000, on_error="keep")
    content = path.read_bytes()
    letters = bad.compute(scheduler="sync")
    assert len(letters) == 3
    for letter in letters:
        assert content[letter.offset :].startswith(letter.raw + b"\n")
        assert (letter.file, letter.length) == (str(path), len(letter.raw))


def test_a_frame_has_the_declared_columns_whatever_the_lines_hold(path: Path) -> None:
    expected = expected_rows(path)
    for size in (1000, 10**9):
        frame, bad, reports = logs.read_dataframe(path, fields=FIELDS, size=size, on_error="keep")
        types = {name: str(kind) for name, kind in frame.dtypes.items()}
        assert types == {
            "n": "int64[pyarrow]", "size": "int64[pyarrow]", "path": "string[pyarrow]", "share": "double[pyarrow]",
            "ok": "bool[pyarrow]", "at": "timestamp[us, tz=UTC][pyarrow]",
        }  # fmt: skip
        found, letters, read = dask.compute(frame, bad, reports, scheduler="sync")
        assert {name: str(kind) for name, kind in found.dtypes.items()} == types
        assert rows_of(found) == expected
        assert list(letters["raw"]) == WRONG
        assert int(read["values"].sum()) == len(expected)
        assert set(read["path"]) == {str(path)}


def test_each_part_of_a_frame_has_the_same_types(tmp_path: Path) -> None:
    """The first holds no number at all, the second numbers, the last nothing."""
    path = tmp_path / "a.log"
    path.write_bytes(b'{"n":null}\n' * 10 + b'{"n":12345}\n' * 10)
    frame, _, _ = logs.read_dataframe(path, fields={"n": ("n", int)}, size=110)
    kinds = {str(part.compute(scheduler="sync").dtypes["n"]) for part in frame.partitions}
    assert kinds == {"int64[pyarrow]"}
    assert int(frame["n"].sum().compute(scheduler="sync")) == 123_450
    (tmp_path / "empty.log").write_bytes(b"")
    frame, _, _ = logs.read_dataframe(tmp_path / "empty.log", fields={"n": ("n", int)})
    assert len(frame.compute(scheduler="sync")) == 0


def test_dead_letters_of_a_frame_can_be_written(path: Path, tmp_path: Path) -> None:
    _, bad, _ = logs.read_dataframe(path, fields=FIELDS, size=5000, on_error="keep")
    letters = [DeadLetter(**row) for row in bad.compute(scheduler="sync").to_dict("records")]
    with logs.DeadLetters(tmp_path / "bad.ndjson") as file:
        for letter in letters:
            file.add(letter)
    assert [letter.raw for letter in letters] == WRONG
    written = [DeadLetter.from_json(line) for line in (tmp_path / "bad.ndjson").read_bytes().splitlines()]
    assert written == letters


def test_what_is_computed_together_is_read_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    true_read = logs.read

    def counting_read(split: Any, **options: Any) -> Any:
        read.append(split)
        return true_read(split, **options)

    monkeypatch.setattr("ndstream.logs._dask.split_tasks.read", counting_read)
    for parts in (
        logs.read_bag(path, size=20_000, on_error="keep"),
        logs.read_dataframe(path, fields=FIELDS, size=20_000, on_error="keep"),
    ):
        read.clear()
        dask.compute(*parts, scheduler="sync")
        assert sorted(read, key=lambda split: split.start) == logs.splits(path, 20_000)


def test_a_bad_line_is_raised_unless_it_is_to_be_kept(path: Path, cluster: Any) -> None:
    values, _, _ = logs.read_bag(path, size=5000)
    for scheduler in ("sync", cluster):
        with pytest.raises(DecodeError) as caught:
            values.count().compute(scheduler=scheduler)
        assert (caught.value.frame, caught.value.reason) in {
            (b"x", "invalid_json"), (b"\xff", "invalid_utf8"), (b'{"n":', "invalid_json"),
        }  # fmt: skip


def test_splits_and_archives_can_be_read_as_well(path: Path) -> None:
    some = logs.splits(path, 20_000)[1:3]
    values, _, _ = logs.read_bag(some, on_error="keep")
    expected = [value for split in some for value in logs.read(split, on_error="skip")]
    assert values.compute(scheduler="sync") == expected


def test_options_are_those_of_read(path: Path) -> None:
    options: dict[str, Any] = {"contains": b'"path": "/3"', "sample": 0.5, "seed": 7}
    values, _, _ = logs.read_bag(path, size=5000, loads=bytes, **options)
    assert values.compute(scheduler="sync") == list(logs.read(path, loads=bytes, **options))


def test_two_processes_give_what_one_gives(path: Path, cluster: Any) -> None:
    values, bad, _ = logs.read_bag(path, size=10_000, on_error="keep")
    frame, wrong, _ = logs.read_dataframe(path, fields=FIELDS, size=10_000, on_error="keep")
    found = dask.compute(values, bad, scheduler=cluster)
    assert found == dask.compute(values, bad, scheduler="sync")
    table, letters = dask.compute(frame, wrong, scheduler=cluster)
    assert rows_of(table) == expected_rows(path)
    assert list(letters["raw"]) == WRONG
    sums = frame.groupby("path")["size"].sum().compute(scheduler=cluster)
    assert sums.to_dict() == {
        f"/{rest}": sum(number * 10 for number in range(2000) if number % 7 == rest) for rest in range(7)
    } | {"x": 0}


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(path: Path, cluster: Any, tmp_path: Path) -> None:
    """It is killed after it has read some splits, whose results are lost with it."""
    killed = str(tmp_path / "killed")

    def kill_once(values: list[Any]) -> list[Any]:
        values = list(values)
        if any(isinstance(value, dict) and value.get("n") == 1000 for value in values) and not os.path.exists(killed):
            Path(killed).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return values

    values, bad, reports = logs.read_bag(path, size=3000, on_error="keep")
    before = set(cluster.scheduler_info()["workers"])
    found, letters, read = dask.compute(values.map_partitions(kill_once), bad, reports, scheduler=cluster)
    assert os.path.exists(killed)
    assert found == list(logs.read(path, on_error="skip"))
    assert [letter.raw for letter in letters] == [b"x", b"\xff", b'{"n":']
    assert len(read) == values.npartitions
    cluster.wait_for_workers(2)
    assert set(cluster.scheduler_info()["workers"]) != before


def test_a_split_that_kills_its_workers_is_named_unless_tasks_are_fused(path: Path, cluster: Any) -> None:
    def die(line: bytes) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    values, _, _ = logs.read_bag(path, size=10**9, loads=die)
    with pytest.raises(distributed.KilledWorker) as caught:
        values.count().compute(scheduler=cluster, optimize_graph=False)
    assert f"{path}[0:" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "at least one column"),
        ({"n": "n"}, "must be a path and a type"),
        ({"n": ("n", list)}, "must be a path and a type"),
        ({"n": ("n", int, 5)}, "must be a path and a type"),
        ({"n": ("n", None)}, "must be a path and a type"),
    ],
    ids=str,
)
def test_columns_have_types(fields: Any, message: str, path: Path) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        logs.read_dataframe(path, fields=fields)


def test_another_way_with_bad_lines_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="on_error must be 'raise' or 'keep'"):
        logs.read_bag(path, on_error="skip")  # type: ignore[arg-type]


def test_without_dask_the_error_names_the_extra(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "dask.bag", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'ndstream\[dask\]'"):
        logs.read_bag(path)


@pytest.mark.skipif(os.name == "nt", reason="names of files are bytes on POSIX alone")
def test_a_name_that_is_not_utf8_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a\xff.log")
    path.write_bytes(b"1\nx\n")
    frame, bad, reports = logs.read_dataframe(path, fields={"n": ("n", int)}, on_error="keep")
    assert list(bad.compute(scheduler="sync")["raw"]) == [b"1", b"x"]
    assert len(reports.compute(scheduler="sync")) == 1
    assert len(frame.compute(scheduler="sync")) == 0


def test_needles_may_be_an_iterator_for_all_splits(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"1\n2\n3\n")
    values = logs.read_bag(path, size=2, contains=iter(["1", "3"])).values
    assert values.compute(scheduler="sync") == [1, 3]


@pytest.mark.parametrize("fields", [["a"], "a", {"a": ("a", [int])}])
def test_fields_that_are_no_columns_are_refused(tmp_path: Path, fields: Any) -> None:
    (tmp_path / "app.log").write_bytes(b"{}\n")
    with pytest.raises(TypeError, match="fields"):
        logs.read_dataframe(tmp_path / "app.log", fields=fields)
