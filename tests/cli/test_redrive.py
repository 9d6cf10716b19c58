"""``ndstream redrive``: dead letters of ``cat --bad`` as values, each once, once they are mended."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import orjson
import pytest

from processes.commands import COMMAND, PATIENCE, cat, environment, only_line, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the dead letters of a log."""
    (tmp_path / "log").write_bytes(b'{"a":NaN}\n1\n{"b":NaN}\nx\n"' + b"y" * 100 + b'"\n')
    cat("--bad", "bad", "--max-frame-size", "50", "log", cwd=tmp_path)
    return tmp_path


def test_lines_come_out_once_they_are_mended_and_once_only(folder: Path) -> None:
    fix = "sed s/NaN/null/"
    result = run("redrive", "--fix", fix, "bad", cwd=folder)
    assert result.stdout == b'{"a":null}\n{"b":null}\n"' + b"y" * 100 + b'"\n'
    assert (only_line(result.stderr), result.returncode) == ("ndstream: 4 letters, 3 driven, 1 bad still", 1)
    again = run("redrive", "--fix", fix, "bad", cwd=folder)
    assert (again.stdout, only_line(again.stderr)) == (b"", "ndstream: 4 letters, 1 bad still, 3 driven before")


def test_without_a_fix_lines_are_decoded_with_other_limits(folder: Path) -> None:
    result = run("redrive", "bad", cwd=folder)
    assert (result.stdout, result.returncode) == (b'"' + b"y" * 100 + b'"\n', 1)
    assert run("redrive", "--max-frame-size", "50", "--driven", "other", "bad", cwd=folder).stdout == b""


def test_a_fix_that_writes_nothing_drops_and_one_that_fails_leaves_dead(folder: Path) -> None:
    fix = "case $(cat) in x) ;; *) exit 1;; esac"
    result = run("redrive", "--fix", fix, "--json", "--still-bad", "still", "bad", cwd=folder)
    figures = json.loads(result.stderr)
    assert (result.stdout, figures["dropped"], figures["dead"], result.returncode) == (b"", 1, 3, 1)
    still = [orjson.loads(line) for line in (folder / "still").read_bytes().splitlines()]
    assert [letter["reason"] for letter in still] == ["fix_failed"] * 3
    assert [letter["line"] for letter in still] == [1, 3, 5]


@pytest.mark.parametrize("fix", ["", " "])
def test_a_fix_that_is_no_command_drops_nothing(fix: str, folder: Path) -> None:
    result = run("redrive", "--fix", fix, "bad", cwd=folder)
    assert (result.stdout, result.returncode) == (b"", 2)
    assert "COMMAND is empty" in only_line(result.stderr)
    assert not (folder / "bad.driven").exists()


def test_files_that_are_the_same_are_named_by_their_options(folder: Path) -> None:
    result = run("redrive", "--still-bad", "other", "--driven", "other", "bad", cwd=folder)
    assert only_line(result.stderr).startswith("ndstream: --still-bad and --driven must be two files")
    assert result.returncode == 2


def test_when_all_are_done_it_is_no_failure(folder: Path) -> None:
    result = run("redrive", "--fix", "sed 's/NaN/null/;s/^x$/2/'", "bad", cwd=folder)
    assert (len(result.stdout.splitlines()), result.returncode) == (4, 0)


def test_what_is_not_written_is_driven_again(folder: Path) -> None:
    fix = "sed s/NaN/null/"
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, "redrive", "--fix", fix, "bad"]
        ran = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, cwd=folder, timeout=PATIENCE, env=environment()
        )
    assert (only_line(ran.stderr), ran.returncode) == ("ndstream: standard output: No space left on device", 1)
    assert b'{"a":null}' in run("redrive", "--fix", fix, "bad", cwd=folder).stdout


@pytest.mark.parametrize("name", ["bad", "log"])
def test_letters_that_are_bad_still_go_to_another_file_of_letters(name: str, folder: Path) -> None:
    result = run("redrive", "--still-bad", name, "bad", cwd=folder)
    assert (result.stdout, result.returncode) == (b"", 2)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    result = run("redrive", "none", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"", 1)
    assert "none: No such file or directory" in only_line(result.stderr)
