"""Options of ``ndstream cat`` that do not go together: each refused pair says why, before anything is read."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from processes.commands import cat, only_line, run

LINES = b"1\n2\n"


def refused(*arguments: str, cwd: Path) -> str:
    """What is said, on one line, with the exit status of wrong arguments and nothing written."""
    (cwd / "log").write_bytes(LINES)
    before = sorted(cwd.iterdir())
    result = cat(*arguments, cwd=cwd)
    assert (result.stdout, result.returncode) == (b"", 2)
    assert sorted(cwd.iterdir()) == before, "a file was made"
    return only_line(result.stderr)


class TestWorkers:
    def test_workers_do_not_go_with_follow(self, tmp_path: Path) -> None:
        assert "has no splits" in refused("--workers", "2", "--follow", "log", cwd=tmp_path)

    def test_workers_do_not_go_with_a_checkpoint(self, tmp_path: Path) -> None:
        assert "at several places" in refused("--workers", "2", "--checkpoint", "place", "log", cwd=tmp_path)

    def test_workers_do_not_go_with_unwrap(self, tmp_path: Path) -> None:
        assert "in two splits" in refused("--workers", "2", "--unwrap", "cri", "log", cwd=tmp_path)

    @pytest.mark.parametrize("names", [(), ("-",), ("log", "-")])
    def test_workers_do_not_go_with_standard_input(self, names: tuple[str, ...], tmp_path: Path) -> None:
        assert "standard input" in refused("--workers", "2", *names, cwd=tmp_path)

    def test_workers_do_not_go_with_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "a pipe or a device: pipe" in refused("--workers", "2", "pipe", cwd=tmp_path)

    def test_workers_do_not_go_with_a_url(self, tmp_path: Path) -> None:
        assert "a URL: https://host/log" in refused("--workers", "2", "https://host/log", cwd=tmp_path)

    def test_workers_do_not_go_with_one_gzip_member(self, tmp_path: Path) -> None:
        (tmp_path / "log.gz").write_bytes(gzip.compress(LINES))
        said = refused("--workers", "2", "log", "log.gz", cwd=tmp_path)
        assert "--workers: log.gz cannot be split: its members cannot be found" in said

    def test_workers_do_not_go_with_events(self, tmp_path: Path) -> None:
        (tmp_path / "events").write_bytes(b"data: 1\n\n")
        assert "events holds sse" in refused("--workers", "2", "events", cwd=tmp_path)


class TestFollow:
    @pytest.mark.parametrize("names", [(), ("log", "-")])
    def test_follow_does_not_go_with_standard_input(self, names: tuple[str, ...], tmp_path: Path) -> None:
        assert "standard input" in refused("--follow", *names, cwd=tmp_path)

    def test_follow_does_not_go_with_a_url(self, tmp_path: Path) -> None:
        assert "a URL" in refused("--follow", "s3://bucket/log", cwd=tmp_path)

    def test_follow_does_not_go_with_max_window(self, tmp_path: Path) -> None:
        assert "--max-window" in refused("--follow", "--max-window", "1", "log", cwd=tmp_path)

    @pytest.mark.parametrize("option", [("--start", "end"), ("--stop-after-idle", "1")])
    def test_what_is_about_follow_needs_it(self, option: tuple[str, str], tmp_path: Path) -> None:
        assert f"{option[0]} goes with --follow" in refused(*option, "log", cwd=tmp_path)


class TestSplit:
    @pytest.mark.parametrize(
        "option", [("--workers", "2"), ("--follow",), ("--checkpoint", "place"), ("--unwrap", "cri")]
    )
    def test_a_split_does_not_go_with_what_needs_whole_files(self, option: tuple[str, ...], tmp_path: Path) -> None:
        assert f"--split does not go with {option[0]}" in refused("--split", "{}", *option, cwd=tmp_path)

    def test_a_split_does_not_go_with_files(self, tmp_path: Path) -> None:
        [split] = run("split", "log", cwd=log_in(tmp_path)).stdout.splitlines()
        assert "leave out FILE" in refused("--split", split.decode(), "log", cwd=tmp_path)

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"path":1}'])
    def test_what_is_no_split_is_refused(self, text: str, tmp_path: Path) -> None:
        assert "no line of `ndstream split`" in refused("--split", text, cwd=tmp_path)


def log_in(folder: Path) -> Path:
    (folder / "log").write_bytes(LINES)
    return folder


def test_a_checkpoint_does_not_go_with_standard_input(tmp_path: Path) -> None:
    assert "standard input" in refused("--checkpoint", "place", cwd=tmp_path)


def test_on_mismatch_needs_a_checkpoint(tmp_path: Path) -> None:
    assert "--on-mismatch goes with --checkpoint" in refused("--on-mismatch", "restart", "log", cwd=tmp_path)


def test_seed_needs_a_sample(tmp_path: Path) -> None:
    assert "--seed goes with --sample" in refused("--seed", "1", "log", cwd=tmp_path)


@pytest.mark.parametrize("options", [("--sample", "nan"), ("--follow", "--stop-after-idle", "nan")])
def test_nan_is_no_number(options: tuple[str, ...], tmp_path: Path) -> None:
    assert "'nan' is not a number" in refused(*options, "log", cwd=tmp_path)


def test_a_time_to_wait_is_not_below_zero(tmp_path: Path) -> None:
    assert "-1.0 is not in the range x>=0" in refused("--follow", "--stop-after-idle", "-1", "log", cwd=tmp_path)


LINES_ONLY = [
    ("--workers", "2"),
    ("--follow",),
    ("--checkpoint", "place"),
    ("--unwrap", "cri"),
    ("--sample", "0.5"),
    ("--split", "{}"),
]


@pytest.mark.parametrize("option", LINES_ONLY, ids=lambda option: option[0])
@pytest.mark.parametrize("other", [("--items",), ("--on-truncated", "emit"), ("--format", "sse")], ids=lambda it: it[0])
def test_what_reads_lines_does_not_go_with_other_framings(
    option: tuple[str, ...], other: tuple[str, ...], tmp_path: Path
) -> None:
    said = refused(*option, *other, "log", cwd=tmp_path)
    assert option[0] in said
    assert other[0] in said


@pytest.mark.parametrize("option", [*LINES_ONLY, ("--contains", "1"), ("--bad", "bad"), ("--stats",), ("--json",)])
def test_text_does_not_go_with_what_is_about_values(option: tuple[str, ...], tmp_path: Path) -> None:
    assert "--text goes with --max-frame-size and --max-window alone" in refused("--text", *option, "log", cwd=tmp_path)


def test_help_lists_what_is_refused_and_the_exit_statuses() -> None:
    shown = cat("--help").stdout.decode()
    assert "These do not go together, and are refused:" in shown
    for option in ("--workers", "--follow", "--checkpoint", "--text", "--unwrap", "--sample"):
        assert option in shown.split("are refused:")[1].split("Dead letters")[0]
    assert "Exit status:" in shown


def test_what_is_bad_and_the_checkpoint_are_two_files(tmp_path: Path) -> None:
    for name in ("one", "./one"):
        said = refused("--bad", "one", "--checkpoint", name, "log", cwd=tmp_path)
        assert "--bad and --checkpoint are the same file" in said
