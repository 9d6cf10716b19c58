"""Files and disks as they go wrong: one clear line, what came before it written, and nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from ndstream._cli import cat_values
from ndstream._cli.cat_values import copy_rest
from ndstream._cli.selection import Selection
from ndstream._cli.value_output import ValueOutput
from ndstream.logs import DeadLetter, LogFileError
from processes.commands import COMMAND, PATIENCE, cat, environment, only_line
from processes.unprivileged import public_folder, run_unprivileged

FULL = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
runpy.run_module("ndstream", run_name="__main__")
"""


def on_a_full_disk(size: int, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the command where no file can be larger than so many bytes."""
    return subprocess.run(
        [sys.executable, "-c", FULL, str(size), *arguments],
        capture_output=True,
        timeout=PATIENCE,
        cwd=cwd,
        env=environment(),
    )


def test_a_disk_that_is_full_for_dead_letters_stops_it_with_whole_letters(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n" + b"bad\n" * 100)
    result = on_a_full_disk(1000, "cat", "--bad", "bad", "log", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"1\n", 1)
    assert "bad: File too large" in result.stderr.decode().splitlines()[-1]
    letters = [orjson.loads(line) for line in (tmp_path / "bad").read_bytes().splitlines()]
    assert letters
    assert {letter["raw"] for letter in letters} == {"bad"}


def test_a_disk_that_is_full_for_a_checkpoint_stops_it_and_the_old_one_is_there(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n")
    assert cat("--checkpoint", "place", "log", cwd=tmp_path).returncode == 0
    before = (tmp_path / "place").read_bytes()
    with (tmp_path / "log").open("ab") as file:
        file.write(b"2\n")
    result = on_a_full_disk(10, "cat", "--checkpoint", "place", "log", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"2\n", 1)
    assert only_line(result.stderr) == "ndstream: place: File too large"
    assert (tmp_path / "place").read_bytes() == before
    assert cat("--checkpoint", "place", "log", cwd=tmp_path).stdout == b"2\n"


def test_a_file_that_may_not_be_read_is_one_line_and_the_others_come() -> None:
    with public_folder() as folder:
        for name in ("secret", "open"):
            (folder / name).write_bytes(b"1\n")
        (folder / "secret").chmod(0)
        result = run_unprivileged("cat", "secret", "open", cwd=folder)
    assert (only_line(result.stderr), result.stdout) == ("ndstream: secret: Permission denied", b"1\n")
    assert result.returncode == 1


@pytest.mark.parametrize("option", ["--checkpoint", "--bad"])
def test_a_folder_that_may_not_be_written_is_one_line_before_anything_is_read(option: str) -> None:
    with public_folder() as folder:
        (folder / "log").write_bytes(b"1\n")
        folder.chmod(0o555)
        result = run_unprivileged("cat", option, "file", "log", cwd=folder)
        folder.chmod(0o777)
    assert (result.stdout, result.returncode) == (b"", 1)
    assert only_line(result.stderr).startswith("ndstream: file")
    assert only_line(result.stderr).endswith(": Permission denied")


def test_a_fifo_is_read_as_it_is_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(
        [*COMMAND, "cat", "pipe"], stdout=subprocess.PIPE, cwd=tmp_path, env=environment(), bufsize=0
    ) as process:
        with (tmp_path / "pipe").open("wb", 0) as pipe:
            for line in (b"1\n", b"22\n"):
                pipe.write(line)
                assert process.stdout is not None
                assert process.stdout.read(len(line)) == line
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("name", [b"-", b"a\nb", b"\xff", b"*"])
def test_names_of_any_bytes_are_read(name: bytes, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(name)).write_bytes(b"1\nx\n")
    path = f"./{os.fsdecode(name)}"
    result = cat("--bad", "letters", "--json", path, cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"1\n", 1)
    [letter] = (tmp_path / "letters").read_bytes().splitlines()
    assert os.fsencode(DeadLetter.from_json(letter).file) == b"./" + name
    figures = orjson.loads(result.stderr.splitlines()[-1])
    assert ("path_base64" in figures["files"][0]) is (name == b"\xff")


def test_a_thousand_files_are_read_with_few_handles(tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number:04}.log").write_bytes(b"%d\n" % number)
    script = 'ulimit -n 64; exec "$@"'
    for options in ((), ("--workers", "2"), ("--sample", "1"), ("--checkpoint", "place")):
        ran = subprocess.run(
            ["bash", "-c", script, "bash", *COMMAND, "cat", *options, "*.log"],
            capture_output=True,
            timeout=PATIENCE,
            cwd=tmp_path,
            env=environment(),
        )
        assert (ran.stdout, ran.stderr) == (b"".join(b"%d\n" % number for number in range(1000)), b"")


def test_each_damage_right_behind_another_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    damages = [LogFileError(f"damage {number}", path="a.gz") for number in range(3)]
    asked = []

    def open_after_damage(_: str, damage: LogFileError, line: int, __: int | None) -> None:
        asked.append((damage, line))
        assert len(asked) <= len(damages)
        if damage is not damages[-1]:
            raise damages[damages.index(damage) + 1]

    monkeypatch.setattr(cat_values, "open_after_damage", open_after_damage)
    options = {"max_frame_size": None, "on_truncated": "raise", "items": False}
    with ValueOutput(skips_errors=False, dead_letters=None) as target:
        copy_rest("a.gz", damages[0], 7, Selection(None, [], options, None), target)
    assert asked == [(damage, 7) for damage in damages]
    assert target.failures == 2
    assert [line.partition("damage ")[2][:1] for line in capfd.readouterr().err.splitlines()] == ["1", "2"]
