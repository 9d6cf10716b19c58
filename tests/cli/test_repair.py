"""``ndstream repair``: interrupted appends are cut and saved, all else is left as it is."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from processes.commands import only_line, run, run_to


def test_what_an_interrupted_append_left_is_cut_and_saved(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'1\n{"a":')
    result = run("repair", "log", cwd=tmp_path)
    said = b"log: what an interrupted append left was cut: 5 bytes, saved in log.cut-2\n"
    assert (result.stdout, result.stderr, result.returncode) == (said, b"", 0)
    assert ((tmp_path / "log").read_bytes(), (tmp_path / "log.cut-2").read_bytes()) == (b"1\n", b'{"a":')


def test_json_has_an_object_for_each_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1\nx")
    (tmp_path / "b").write_bytes(b"1\n")
    result = run("repair", "--json", "a", "b", cwd=tmp_path)
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"path": "a", "status": "repaired", "size": 2, "cut": 1, "saved": "a.cut-2"},
        {"path": "b", "status": "complete", "size": 2, "cut": 0, "saved": None},
    ]


def test_saved_is_where_the_rest_goes(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\nx")
    assert run("repair", "--saved", "rest", "log", cwd=tmp_path).returncode == 0
    assert (tmp_path / "rest").read_bytes() == b"x"
    assert "--saved is for one file" in only_line(run("repair", "--saved", "rest", "log", "b", cwd=tmp_path).stderr)


def test_a_value_without_its_line_end_gets_one_if_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n2")
    result = run("repair", "log", cwd=tmp_path)
    assert b"--terminate adds one" in result.stdout
    assert (result.returncode, (tmp_path / "log").read_bytes()) == (0, b"1\n2")
    assert run("repair", "--terminate", "log", cwd=tmp_path).returncode == 0
    assert (tmp_path / "log").read_bytes() == b"1\n2\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"1\nx\n", b"the last line is bad and has its line end"), (gzip.compress(b"1\nx"), b"this is an archive")],
)
def test_what_is_no_interrupted_append_is_left_with_a_failure(content: bytes, words: bytes, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(content)
    result = run("repair", "log", cwd=tmp_path)
    assert words in result.stdout
    assert (result.returncode, (tmp_path / "log").read_bytes()) == (1, content)


def test_a_file_that_cannot_be_read_is_one_line_and_the_others_are_mended(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\nx")
    result = run("repair", "none", "log", cwd=tmp_path)
    assert (only_line(result.stderr), result.returncode) == ("ndstream: none: No such file or directory", 1)
    assert (tmp_path / "log").read_bytes() == b"1\n"


@pytest.mark.parametrize(
    ("target", "words"), [(">&-", "Bad file descriptor"), ("> /dev/full", "No space left on device")]
)
def test_a_standard_output_that_takes_nothing_is_an_error(target: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n")
    result = run_to(target, "repair", "log", cwd=tmp_path)
    assert (only_line(result.stderr), result.returncode) == (f"ndstream: standard output: {words}", 1)
