"""Reading log files: one file after the other, each with lines and offsets of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import ndstream
from ndstream import logs


def test_each_file_has_lines_and_offsets_of_its_own(tmp_path: Path) -> None:
    one, two = tmp_path / "1.log", tmp_path / "2.log"
    one.write_bytes(b'{"a":1}\n\n{"a":2}')
    two.write_bytes(b'{"a":3}\n')
    with logs.read([one, two]) as stream:
        seen = [(value["a"], stream.path, stream.line, stream.offset) for value in stream]
    assert seen == [(1, str(one), 1, 8), (2, str(one), 3, 16), (3, str(two), 1, 8)]
    assert stream.closed


def test_a_bad_line_is_raised_and_the_iteration_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "bad.log"
    path.write_bytes(b"1\nx\n3\n")
    stream = logs.read(path)
    assert next(stream) == 1
    with pytest.raises(ndstream.DecodeError) as caught:
        next(stream)
    assert (caught.value.offset, caught.value.line) == (2, 2)
    assert list(stream) == [3]
    assert (stream.report.values, stream.report.bad) == (2, 1)


def test_a_file_that_is_read_takes_no_dead_letters(tmp_path: Path) -> None:
    log, other = tmp_path / "app.log", tmp_path / "other.log"
    log.write_bytes(b'{"n":1}\n')
    other.symlink_to(log)
    for paths in (log, f"{log}*", [other]):
        with pytest.raises(ValueError, match=r"dead_letters= names .*other\.log, which is read"):
            logs.read(paths, dead_letters=other)
    with pytest.raises(ValueError, match="which is read"):
        logs.read(logs.splits(log)[0], dead_letters=other)
    with pytest.raises(ValueError, match="which is read"):
        logs.replay(log, print, by="n", dead_letters=other)
    assert log.read_bytes() == b'{"n":1}\n'


def test_needles_may_be_an_iterator_for_all_files(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("1.log", "2.log")]
    for number, path in enumerate(paths):
        path.write_bytes(b"1%d\n2\n3\n" % number)
    assert list(logs.read(paths, contains=iter(["1", "3"]))) == [10, 3, 11, 3]
    with logs.follow(*paths, contains=iter(["1"]), stop_after_idle=0.01) as stream:
        assert sorted(stream) == [10, 11]
    replayed: list[object] = []
    logs.replay(paths, replayed.append, by="n", contains=iter(["1"]), unstamped="at_once")
    assert sorted(map(str, replayed)) == ["10", "11"]


def test_a_split_in_a_list_is_refused_as_such(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"1\n2\n")
    found: list[Any] = logs.splits(path, 2)
    for paths in (found, [found[0], path]):
        with pytest.raises(TypeError, match="splits are read one by one"):
            logs.read(paths)
    with pytest.raises(TypeError, match="a split already"):
        logs.splits(found[0])


def test_empty_chunks_of_an_iterable_are_no_end() -> None:
    chunks: Any = iter([b"", b"1\n", b"", b"", b"2\n"])
    assert list(logs.read([chunks])) == [1, 2]


def test_all_public_names_are_listed_whether_they_were_used_or_not() -> None:
    assert set(logs.__all__) <= set(dir(logs))
