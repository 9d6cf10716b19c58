"""``ndstream check``: what is wrong with logs, in words and for machines, and the exit status."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ndstream._cli.check import _Checked
from processes.commands import only_line, run

BAD = b'{"a":1}\n{"a":\n"\xff"\n2\n{"a":'


def test_a_log_that_is_in_order_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(b"1\n2\n")
    result = run("check", "app.log", cwd=tmp_path)
    assert (result.stdout, result.stderr, result.returncode) == (b"app.log: 2 lines, 2 values, 0 bad\n", b"", 0)


def test_bad_lines_and_an_interrupted_append_are_told_and_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(BAD)
    result = run("check", "app.log", cwd=tmp_path)
    summary, *errors, tail = result.stdout.decode().splitlines()
    assert summary == "app.log: 5 lines, 2 values, 3 bad (1 invalid_json, 1 invalid_utf8, 1 unfinished)"
    assert [error.startswith("  the line at byte ") for error in errors] == [True] * 3
    assert tail == ("  the last append was interrupted: good up to byte 20; ndstream repair app.log cuts what follows")
    assert (result.returncode, (tmp_path / "app.log").read_bytes()) == (1, BAD)


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_another_framing_is_advised_with_the_command_that_reads_it(tmp_path: Path, as_json: tuple[str, ...]) -> None:
    (tmp_path / "a.log").write_bytes(b"data: 1\n\n")
    result = run("check", *as_json, "a.log", cwd=tmp_path)
    assert b"use ndstream cat --format sse" in result.stdout


def test_json_has_an_object_for_each_file(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(BAD)
    (tmp_path / "b.log").write_bytes(gzip.compress(b"1\n")[:-1])
    result = run("check", "--json", "*.log", cwd=tmp_path)
    bad, cut = map(json.loads, result.stdout.splitlines())
    assert (bad["path"], bad["lines"], bad["values"], bad["tail"], bad["good_end"]) == (
        "a.log",
        5,
        2,
        "interrupted",
        20,
    )
    assert bad["bad"] == {"invalid_json": 1, "invalid_utf8": 1, "unfinished": 1}
    assert [(error["offset"], error["line"], error["reason"]) for error in bad["errors"]] == [
        (8, 2, "invalid_json"),
        (14, 3, "invalid_utf8"),
        (20, 5, "unfinished"),
    ]
    assert (cut["format"], cut["values"], cut["damage"]["reason"], cut["ok"]) == ("gzip", 1, "truncated_archive", False)
    assert (result.stderr, result.returncode) == (b"", 1)


def test_a_last_value_without_its_line_end_and_a_damaged_archive_are_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"1\n2")
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(b"1\n2\n")[:-1])
    result = run("check", "a.log", "b.log.gz", cwd=tmp_path)
    unterminated, summary, damage = result.stdout.decode().splitlines()
    assert unterminated == "a.log: 2 lines, 2 values, 0 bad, no line end after the last value"
    assert summary == "b.log.gz: 2 lines, 2 values, 0 bad"
    assert damage.startswith("  b.log.gz ends inside member 1, at byte 23: it was cut")
    assert (result.stderr, result.returncode) == (b"", 1)


def test_so_many_bad_lines_are_shown_as_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x\n" * 30)
    assert len(run("check", "log", cwd=tmp_path).stdout.splitlines()) == 11
    assert len(run("check", "--max-errors", "0", "log", cwd=tmp_path).stdout.splitlines()) == 1


def test_a_file_that_cannot_be_read_is_one_line_and_the_others_are_checked(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n")
    result = run("check", "none", ".", "log", cwd=tmp_path)
    assert result.stderr == b"ndstream: none: No such file or directory\nndstream: .: Is a directory\n"
    assert (result.stdout, result.returncode) == (b"log: 1 line, 1 value, 0 bad\n", 1)


def test_what_is_in_a_log_does_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\x1b[31m\n")
    assert b"\x1b" not in run("check", "log", cwd=tmp_path).stdout


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_name_that_is_not_utf8_is_exact_in_json(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.log")
    (tmp_path / name).write_bytes(b"1\n")
    said = json.loads(run("check", "--json", name, cwd=tmp_path).stdout)
    assert (said["path"], said["path_base64"]) == ("\ufffd.log", "/y5sb2c=")
    assert run("check", name, cwd=tmp_path).stdout.decode() == "\ufffd.log: 1 line, 1 value, 0 bad\n"


def test_a_file_is_needed() -> None:
    assert "Missing argument 'FILE ...'" in only_line(run("check").stderr)


class Bar:
    """In place of a bar: what it was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.calls.append((name, *given))

    @contextmanager
    def hidden(self) -> Iterator[None]:
        self.calls.append(("hide",))
        yield
        self.calls.append(("show",))


def test_the_bar_goes_through_all_files_and_out_of_the_way_of_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_bytes(b"1\nx\n")
    (tmp_path / "b").write_bytes(b"2\n3\n")
    bar: Any = Bar()
    checked = _Checked(bar)
    for name in ("a", "none", "b"):
        checked.check(str(tmp_path / name), {})
    checked.close()
    assert bar.calls == [
        *[("begin", "a"), ("move", 4, 2, 1)],
        *[("begin", "none"), ("hide",), ("show",)],
        *[("begin", "b"), ("move", 8, 4, 1), ("close", 8, 4, 1)],
    ]
    assert capfd.readouterr().err == f"ndstream: {tmp_path}/none: No such file or directory\n"
