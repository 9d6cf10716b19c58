"""Input files, as the commands know them before they read."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cli.same_process import called
from ndstream._cli.input_files import check_written, is_regular, size_of


def test_only_a_regular_file_has_a_size(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"12345")
    assert (size_of(str(path)), is_regular(str(path))) == (5, True)
    for other in (tmp_path, tmp_path / "missing", "/dev/null", "-", f"http://localhost{path}"):
        assert (size_of(str(other)), is_regular(str(other))) == (0, False)


def test_two_options_do_not_write_to_one_file_by_whatever_names(tmp_path: Path) -> None:
    one, other, link = tmp_path / "one", tmp_path / "other", tmp_path / "link"
    one.touch()
    other.touch()
    link.hardlink_to(one)
    for name in (one, link, tmp_path / "." / ".." / tmp_path.name / "one"):
        with pytest.raises(click.UsageError, match="--to and --bad are the same file"):
            check_written({"--to": str(one), "--checkpoint": None, "--bad": str(name)})
    with pytest.raises(click.UsageError, match="--to and --bad are the same file"):
        check_written({"--to": str(tmp_path / "new"), "--bad": f"{tmp_path}/./new"})
    check_written({"--to": str(one), "--bad": str(other), "--checkpoint": str(tmp_path / "new")})
    check_written({"--to": "/dev/null", "--bad": "/dev/null"})
    check_written({"--to": "-", "--bad": "-"})


@pytest.mark.parametrize("command", ["cat", "check", "repair"])
def test_a_name_that_is_empty_is_seen_in_what_is_said(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert called(capfd, command, "") == (1, "", "ndstream: '': No such file or directory\n")


@pytest.mark.parametrize(
    "arguments",
    [("cat", "--checkpoint"), ("repair", "--saved"), ("redrive", "--driven"), ("redrive", "--still-bad")],
)
def test_a_file_to_write_has_a_name(arguments: tuple[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = called(capfd, *arguments, "", "log")
    assert (status, f"'{arguments[1]}': the name of the file is empty" in err) == (2, True)
