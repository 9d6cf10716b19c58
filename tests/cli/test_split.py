"""``ndstream split``, and ``cat --split``, which reads what it says."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest

from cli.same_process import called
from ndstream._cli.split import split_from_json, split_to_json
from ndstream.logs import splits
from processes.commands import COMMAND, PATIENCE, cat, environment, only_line, run, run_to

LINES = b"".join(b'{"number":%d}\n' % i for i in range(100))


def test_the_splits_of_a_file_come_to_the_file_whatever_their_size(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINES)
    splits = run("split", "--size", "300", "log", cwd=tmp_path).stdout.decode().splitlines()
    assert len(splits) == -(-len(LINES) // 300)
    assert b"".join(cat("--split", split, cwd=tmp_path).stdout for split in splits) == LINES


def test_the_shell_reads_them_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINES)
    command = " ".join(COMMAND)
    script = f"{command} split --size 800 log | xargs -d '\\n' -P 2 -n 1 {command} cat --split"
    ran = subprocess.run(
        ["bash", "-c", script], stdout=subprocess.PIPE, cwd=tmp_path, timeout=PATIENCE, env=environment(), check=True
    )
    assert sorted(ran.stdout.splitlines()) == sorted(LINES.splitlines())


def test_a_file_that_cannot_be_split_says_why(tmp_path: Path) -> None:
    (tmp_path / "log.gz").write_bytes(gzip.compress(LINES))
    result = run("split", "log.gz", cwd=tmp_path)
    said = json.loads(result.stdout)
    assert (said["start"], said["stop"], said["format"]) == (0, None, "gzip")
    assert said["unsplittable"] in only_line(result.stderr)
    assert cat("--split", result.stdout.decode().strip(), cwd=tmp_path).stdout == LINES


def test_bad_lines_of_a_split_are_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\nx\n2\n")
    [split] = run("split", "log", cwd=tmp_path).stdout.decode().splitlines()
    result = cat("--split", split, "--on-error", "skip", "--json", cwd=tmp_path)
    assert result.stdout == b"1\n2\n"
    assert json.loads(result.stderr.splitlines()[-1])["bad"] == 1


def test_a_split_of_another_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n2\n")
    [split] = run("split", "log", cwd=tmp_path).stdout.decode().splitlines()
    (tmp_path / "log").write_bytes(b"3\n4\n5\n")
    result = cat("--split", split, cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"", 1)
    assert "is not the file that was split" in only_line(result.stderr)
    (tmp_path / "log").unlink()
    result = cat("--split", split, cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"", 1)
    assert "no such file on the host" in only_line(result.stderr)


@pytest.mark.parametrize("name", ["start", "stop", "head_size", "member", "size", "stop_member"])
@pytest.mark.parametrize("wrong", [-1, 1.0, "1"], ids=repr)
def test_a_split_whose_numbers_are_none_is_refused(name: str, wrong: object, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n2\n")
    for split in splits(tmp_path / "log", 2):
        values = split_to_json(split)
        assert split_from_json(values) == split
        values[name] = [wrong, *values[name][1:]] if name == "member" else wrong
        with pytest.raises(ValueError, match="its numbers must be integers from 0 on"):
            split_from_json(values)


@pytest.mark.parametrize(
    ("name", "message"), [("path", "path must be a string"), ("format", "must be strings"), ("head", "must be strings")]
)
def test_a_split_whose_texts_are_none_is_refused(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n")
    [split] = splits(tmp_path / "log")
    with pytest.raises(TypeError, match=message):
        split_from_json({**split_to_json(split), name: 1})


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_name_that_is_not_utf8_is_exact(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\n.log")
    (tmp_path / name).write_bytes(LINES)
    [split] = run("split", name, cwd=tmp_path).stdout.decode().splitlines()
    assert cat("--split", split, cwd=tmp_path).stdout == LINES


def test_a_file_without_a_beginning_or_an_end_to_cut_at_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    status, out, err = called(capfd, "split", tmp_path / "pipe")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "is a pipe or a device" in err


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    result = run("split", "none", cwd=tmp_path)
    assert (only_line(result.stderr), result.returncode) == ("ndstream: none: No such file or directory", 1)


@pytest.mark.parametrize(
    ("target", "words"), [(">&-", "Bad file descriptor"), ("> /dev/full", "No space left on device")]
)
def test_a_standard_output_that_takes_nothing_is_an_error(target: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n")
    result = run_to(target, "split", "log", cwd=tmp_path)
    assert (only_line(result.stderr), result.returncode) == (f"ndstream: standard output: {words}", 1)
