"""Checking a log: what is wrong is told, and nothing is changed."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from ndstream import logs


@pytest.mark.parametrize(
    ("content", "values", "bad", "tail", "good_end"),
    [
        (b"", 0, {}, "complete", 0),
        (b"\n \r\n", 0, {}, "complete", 4),
        (b"1\n2\n", 2, {}, "complete", 4),
        (b"\xef\xbb\xbf1\n", 1, {}, "complete", 5),
        (b"1\n2", 2, {}, "unterminated", 2),
        (b'1\n{"a":', 1, {"unfinished": 1}, "interrupted", 2),
        (b'1\n"\xe2\x82', 1, {"unfinished": 1}, "interrupted", 2),
        (b"1\n" + b"\0" * 100, 1, {"nul_tail": 1}, "interrupted", 2),
        (b"1\n" + b"\0" * 100 + b"2\n3\n", 2, {"nul_run": 1}, "complete", 106),
        (b"1\n\0\0\0\n", 1, {"nul_run": 1}, "interrupted", 2),
        (b"1\n{}\0\r\n", 1, {"invalid_json": 1}, "interrupted", 2),
        (b"1\n\0\0\0{}\n", 1, {"nul_run": 1}, "complete", 8),
        (b"1\n\0\n\n", 1, {"nul_run": 1}, "complete", 5),
        (b"1\nx\n3\n", 2, {"invalid_json": 1}, "complete", 6),
        (b"1\n[2\n3\n]\n\xff\n", 2, {"invalid_json": 2, "invalid_utf8": 1}, "complete", 11),
        (b"1\n" + b"9" * 200 + b"\n3\n", 2, {"too_large": 1}, "complete", 205),
        (b"1\n" + b"9" * 200, 1, {"too_large": 1}, "complete", 2),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_wrong_is_told(
    tmp_path: Path, content: bytes, values: int, bad: dict[str, int], tail: str, good_end: int, compressed: bool
) -> None:
    path = tmp_path / "log"
    stored = gzip.compress(content) if compressed else content
    path.write_bytes(stored)
    before = path.stat()
    report = logs.check(path, max_frame_size=150)
    assert (report.values, dict(report.bad), report.tail, report.good_end) == (values, bad, tail, good_end)
    assert report.lines == len(content.splitlines())
    assert report.ok == (not bad)
    assert [error.reason for error in report.errors] == list(report.bad.elements()) or len(bad) > 1
    assert report.bytes == len(content)
    assert report.format == ("gzip" if compressed and content else report.format)
    assert path.read_bytes() == stored
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_damaged_archive_is_told_after_all_lines_before_it(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"1\n2\n3\n")[:-4])
    report = logs.check(path)
    assert (report.values, report.ok) == (3, False)
    assert isinstance(report.damage, logs.LogFileTruncatedError)
    assert (report.damage.frame, report.damage.offset, report.damage.line) == (b"", 6, 4)


def test_the_damage_has_the_line_that_it_cut(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"1\n22")[:-4])
    damage = logs.check(path).damage
    assert damage is not None
    assert (damage.frame, damage.offset, damage.line, damage.position) == (b"22", 2, 2, 2)


def test_bad_lines_are_counted_past_those_that_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x\n" * 1000)
    report = logs.check(path, max_errors=3)
    assert (report.bad["invalid_json"], [error.line for error in report.errors]) == (1000, [1, 2, 3])


def test_lines_can_have_to_be_good_for_more_than_json(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"1\nx\n")
    assert logs.check(path, loads=int).bad == {"invalid_json": 1}
    assert logs.check(path, loads=bytes).ok


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(OSError, match=path.name):
            logs.check(path)
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    Path(name).write_bytes(b"1\n")
    assert logs.check(name).path == name
