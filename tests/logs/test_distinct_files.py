"""Each file is read once, whatever names it has, and not again from the archive that rotation makes of it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from logs.archives import GZIP, outcome
from ndstream import logs
from processes.commands import cat

LINES = [b'{"time":%d}' % time for time in range(1_767_225_600, 1_767_226_100)]
CONTENT = b"".join(line + b"\n" for line in LINES)
LAST = b'{"time":1767226100}'
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The path of a log that was rotated just now: ``app.log.1`` is not compressed yet."""
    (tmp_path / "app.log.1").write_bytes(CONTENT)
    (tmp_path / "app.log").write_bytes(LAST + b"\n")
    return tmp_path / "app.log"


def test_one_file_under_several_names_is_read_once_and_the_report_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"1\n")
    (tmp_path / "b.log").symlink_to(tmp_path / "a.log")
    os.link(tmp_path / "a.log", tmp_path / "c.log")
    result = outcome(f"{tmp_path}/*.log")
    assert result.lines == [b"1"]
    assert result.report.repeated == [str(tmp_path / "b.log"), str(tmp_path / "c.log")]
    assert outcome(f"{tmp_path}/*.log", duplicates=True).lines == [b"1"] * 3


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_file_beside_its_compressed_copy_is_read_once_and_the_report_says_so(suffix: str, log: Path) -> None:
    copy = log.with_name(f"app.log.1.{suffix}")
    copy.write_bytes(COMPRESSORS[suffix](CONTENT))
    result = outcome(f"{log}*")
    assert (result.lines, result.errors) == ([*LINES, LAST], [])
    assert result.report.repeated == [str(copy)]
    assert sorted(outcome(f"{log}*", duplicates=True).lines) == sorted([*LINES, *LINES, LAST])


@pytest.mark.parametrize("size", [0, 10, 200, -1])
@pytest.mark.parametrize("suffix", ["gz", "tmp"])
def test_a_copy_that_is_still_being_written_is_left_out(suffix: str, size: int, log: Path) -> None:
    log.with_name(f"app.log.1.{suffix}").write_bytes(GZIP.make(CONTENT)[:size])
    result = outcome(f"{log}*")
    assert (result.lines, result.errors) == ([*LINES, LAST], [])


def test_an_archive_with_another_content_under_the_name_of_a_copy_is_read(log: Path) -> None:
    log.with_name("app.log.1.gz").write_bytes(gzip.compress(b"0\n"))
    result = outcome(f"{log}*")
    assert sorted(result.lines) == sorted([b"0", *LINES, LAST])
    assert result.report.repeated == []


@pytest.mark.parametrize("more", [b'{"time":9}\n', CONTENT])
def test_an_archive_that_has_more_than_the_file_beside_it_is_read(more: bytes, log: Path) -> None:
    archive = log.with_name("app.log.1.gz")
    archive.write_bytes(gzip.compress(CONTENT + more))
    result = outcome([archive, log.with_name("app.log.1")])
    assert result.report.repeated == []
    assert len(result.lines) == 2 * len(LINES) + more.count(b"\n")


def test_a_damaged_archive_under_the_name_of_a_copy_is_told(log: Path) -> None:
    log.with_name("app.log.1.gz").write_bytes(b"\x1f\x8b\x08\xff" + bytes(100))
    result = outcome(f"{log}*")
    assert sorted(result.lines) == sorted([*LINES, LAST])
    assert [error.reason for error in result.errors] == ["corrupt"]


def test_an_archive_whose_original_is_not_among_the_files_is_read(log: Path) -> None:
    copy = log.with_name("app.log.1.gz")
    copy.write_bytes(gzip.compress(CONTENT))
    assert outcome([copy, log]).lines == [*LINES, LAST]


def test_a_pipe_under_the_name_of_a_copy_is_not_looked_into(tmp_path: Path) -> None:
    names = [tmp_path / "app.log", tmp_path / "app.log.gz"]
    names[0].write_bytes(b"1\n")
    os.mkfifo(names[1])
    with logs.read(names, loads=bytes) as stream:
        assert next(stream) == b"1"
        # It is no copy either: it is read in its turn.
        assert stream.report.repeated == []


def test_a_run_with_a_checkpoint_reads_neither_the_copy_nor_what_is_left_of_the_two_again(log: Path) -> None:
    copy = log.with_name("app.log.1.gz")
    copy.write_bytes(gzip.compress(CONTENT))
    checkpoint = log.with_name("checkpoint")
    assert outcome(f"{log}*", checkpoint=checkpoint).lines == [*LINES, LAST]
    log.with_name("app.log.1").unlink()
    assert outcome(f"{log}*", checkpoint=checkpoint).lines == []


def test_splits_replay_and_the_command_leave_copies_out(log: Path) -> None:
    log.with_name("app.log.1.gz").write_bytes(gzip.compress(CONTENT))
    split = logs.splits(f"{log}*", 1000)
    assert [line for each in split for line in outcome(each).lines] == [*LINES, LAST]
    replayed: list[bytes] = []
    logs.replay(f"{log}*", replayed.append, by="time", speed=float("inf"), loads=bytes)
    assert replayed == [*LINES, LAST]
    assert cat("app.log*", cwd=log.parent).stdout == CONTENT + LAST + b"\n"
