"""``ndstream cat --workers``: the same bytes, words and counts as of one process, whatever is in the file."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import time
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest

import real_parts
from cli.same_process import called
from ndstream._cli import cat_workers, split_check
from ndstream._cli.cat_values import copy_file
from ndstream._cli.selection import Selection
from ndstream._cli.split_check import check_split
from ndstream._cli.value_output import ValueOutput
from ndstream.logs import LogFileError, splits
from ndstream.logs._splits.open_split import open_split
from processes.commands import COMMAND, PATIENCE, cat, environment, only_line, running

# Several splits: they have at least 1 MiB.
SIZE = 3_500_000


def log(kind: str) -> bytes:
    """A log of one kind, of several splits."""
    chance = random.Random(kind)
    ends = {"crlf": b"\r\n", "blank": b"\n\n \n"}
    lines = []
    size = number = 0
    while size < SIZE:
        number += 1
        text = b"x" * chance.choice([0, 20, 300]) if chance.random() < 0.999 else b"y" * 200_000
        line = b'{"number":%d,"text":"%b"%b' % (number, text, ends.get(kind, b"}\n").replace(b"\r\n", b"}\r\n"))
        if kind == "blank":
            line = line.replace(b"\n\n \n", b"}\n\n \n")
        if kind == "dirty" and chance.random() < 0.01:
            line = chance.choice([b'{"a":\n', b'"\xff"\n', b"\0\0\0\n", b'"' + b"z" * 300_000 + b'"\n'])
        lines.append(line)
        size += len(line)
    return b"".join(lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    for kind in ("good", "crlf", "blank", "dirty"):
        (folder / kind).write_bytes(log(kind))
    return folder


def figures(stderr: bytes) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(stderr.splitlines()[-1])
    del said["seconds"]
    return said


@pytest.mark.parametrize("kind", ["good", "crlf", "blank", "dirty"])
def test_output_dead_letters_and_counts_are_those_of_one_process(kind: str, folder: Path, tmp_path: Path) -> None:
    options = ["--max-frame-size", "250000", "--json", "--bad"]
    one = cat(*options, tmp_path / "one", kind, cwd=folder)
    two = cat(*options, tmp_path / "two", "--workers", "2", kind, cwd=folder)
    assert one.stdout == two.stdout
    assert one.returncode == two.returncode == (1 if kind == "dirty" else 0)
    assert figures(one.stderr) == figures(two.stderr)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


# Every bad line holds a quotation mark, and has good lines before it in its chunk.
@pytest.mark.parametrize(
    "selection",
    [
        ("--contains", '"number":1'),
        ("--contains", "y", "--contains", "99"),
        ("--contains", '"'),
        ("--sample", "0.5", "--seed", "3"),
    ],
)
def test_a_selection_is_that_of_one_process(selection: tuple[str, ...], folder: Path) -> None:
    one = cat(*selection, "--on-error", "skip", "dirty", cwd=folder)
    two = cat(*selection, "--on-error", "skip", "--workers", "2", "dirty", cwd=folder)
    assert (one.stdout, one.stderr) == (two.stdout, two.stderr)


def test_a_sample_is_that_of_one_process(folder: Path) -> None:
    options = ("--sample", "0.1", "--seed", "3", "good")
    assert cat("--workers", "2", *options, cwd=folder).stdout == cat(*options, cwd=folder).stdout != b""


def test_the_first_bad_line_stops_it_with_its_number_in_the_file(folder: Path) -> None:
    data = (folder / "good").read_bytes()
    place = data.index(b"\n", 2_500_000) + 1
    (folder / "one_bad").write_bytes(data[:place] + b"bad\n" + data[place:])
    one, two = (cat(*options, "one_bad", cwd=folder) for options in ((), ("--workers", "2")))
    assert (one.stdout, one.stderr, one.returncode) == (two.stdout, two.stderr, two.returncode)
    assert one.stdout == data[:place]
    assert f"(line {data[:place].count(10) + 1})" in only_line(two.stderr)


@pytest.mark.parametrize("command", [("bgzip", "tabix"), ("pzstd", "zstd")])
def test_archives_of_several_members_are_split(command: tuple[str, str], folder: Path) -> None:
    program = real_parts.command(*command)
    arguments = ["-c"] if command[0] == "bgzip" else ["-c", "-1", "-p", "2"]
    with (folder / "archive").open("wb") as file:
        # Random texts, so that the archive is large enough for several splits.
        text = b"".join(b'"%b"\n' % random.Random(i).randbytes(3000).hex().encode() for i in range(700))
        subprocess.run([program, *arguments], input=text, stdout=file, stderr=subprocess.DEVNULL, check=True)
    result = cat("--workers", "2", "archive", cwd=folder)
    assert (result.stdout, result.stderr, result.returncode) == (text, b"", 0)


@pytest.mark.parametrize("selection", [(), ("--contains", "7"), ("--sample", "0.3")])
def test_what_follows_a_damaged_member_is_that_of_one_process(selection: tuple[str, ...], tmp_path: Path) -> None:
    real_parts.command("bgzip", "tabix")
    chance = random.Random(3)
    data = b"".join(b'{"n":%d,"text":"%s"}\n' % (n, chance.randbytes(400).hex().encode()) for n in range(6000))
    archive = bytearray(subprocess.run(["bgzip", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout)
    for place in (len(archive) // 3, len(archive) * 2 // 3):
        archive[place : place + 50] = bytes(byte ^ 0x5A for byte in archive[place : place + 50])
    (tmp_path / "archive").write_bytes(archive)
    one = cat("--bad", "one", *selection, "archive", cwd=tmp_path)
    many = cat("--bad", "many", "--workers", "2", *selection, "archive", cwd=tmp_path)
    assert one.stdout.count(b"\n") > 100
    assert (many.stdout, many.returncode) == (one.stdout, one.returncode)
    assert (tmp_path / "many").read_bytes() == (tmp_path / "one").read_bytes()


def test_several_files_come_one_after_the_other(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1\n2")
    (tmp_path / "b").write_bytes(b"\xef\xbb\xbf3\n")
    (tmp_path / "c").write_bytes(b"")
    result = cat("--workers", "2", "--json", "a", "b", "c", "a", cwd=tmp_path)
    assert result.stdout == b"1\n2\n3\n1\n2\n"
    assert [file["lines"] for file in figures(result.stderr)["files"]] == [2, 1, 0, 2]


def test_what_follows_a_sentinel_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n[DONE]\n" + b"2\n" * 2_000_000)
    result = cat("--workers", "2", "log", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"1\n", 0)
    assert only_line(result.stderr) == "ndstream: log: ended at its [DONE]; what follows it was not read"


def selection(limit: int | None = None) -> Selection:
    return Selection(None, [], {"max_frame_size": limit, "on_truncated": "raise", "items": False}, None)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 40])
def test_each_good_line_is_in_the_ranges_of_one_split_whatever_their_size(size: int, tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"a":1}\n\n[2]\r\nbad\n"long %b"\n3\n  \n4' % (b"x" * 50)
    (tmp_path / "log").write_bytes(content)
    output = b""
    for split in splits(tmp_path / "log", size):
        checked = check_split(split, selection(), {}, False)
        output += b"".join(piece if isinstance(piece, bytes) else content[slice(*piece)] for piece in checked.pieces)
    assert output == b'{"a":1}\n[2]\n"long %b"\n3\n4\n' % (b"x" * 50)


def test_a_worker_gives_back_what_it_has_after_many_bad_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_check, "MAX_ERRORS", 3)
    (tmp_path / "log").write_bytes(b"1\nx\nx\nx\n2\nx\n3\n")
    [split] = splits(tmp_path / "log")
    first = check_split(split, selection(), {}, False)
    assert (first.pieces, len(first.errors), first.lines) == ([(0, 2)], 3, 4)
    assert first.rest is not None
    second = check_split(first.rest, selection(), {}, False)
    assert (second.pieces, len(second.errors), second.lines, second.rest) == ([(8, 10), (12, 14)], 1, 3, None)


def test_no_value_and_no_good_line_is_in_what_a_worker_gives_back(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"a":1}\n' * 10_000)
    [split] = splits(tmp_path / "log")
    assert check_split(split, selection(), {}, False).pieces == [(0, 80_000)]


@pytest.mark.parametrize("needles", [[], [b"1"]], ids=["all", "selected"])
def test_a_last_line_that_was_cut_is_not_left_for_another_time(
    needles: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split_check, "MAX_ERRORS", 1)
    (tmp_path / "log").write_bytes(b"1\n[1")
    [split] = splits(tmp_path / "log")
    checked = check_split(split, replace(selection(), needles=needles), {}, False)
    assert (checked.lines, checked.values, checked.bad, checked.rest) == (2, 1, 1, None)


class InThisProcess(ProcessPoolExecutor):
    """A pool that does what it is given at once, which it counts."""

    submitted = 0

    def submit(self, work: Any, /, *arguments: Any, **options: Any) -> Any:
        type(self).submitted += 1
        done: Future[Any] = Future()
        done.set_result(work(*arguments, **options))
        return done


@pytest.fixture
def _without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Splits of a line or two, that are checked in this process."""
    monkeypatch.setattr(InThisProcess, "submitted", 0)
    monkeypatch.setattr(cat_workers, "ProcessPoolExecutor", InThisProcess)
    monkeypatch.setattr(cat_workers, "MIN_SPLIT_SIZE", 8)


@pytest.mark.usefixtures("_without_processes")
@pytest.mark.parametrize("most", [1, 10_000])
def test_each_bad_line_has_its_number_and_all_are_counted(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(split_check, "MAX_ERRORS", most)
    lines = [b"[%d]" % number if number % 5 else b"bad" for number in range(1, 41)]
    (tmp_path / "log").write_bytes(b"\n".join(lines))
    told: list[tuple[str, int | None]] = []
    monkeypatch.setattr(ValueOutput, "take_bad_frame", lambda _, __, error, ___: told.append((str(error), error.line)))
    planned = cat_workers.plan([str(tmp_path / "log")], selection(), 4)
    assert len(planned) > 8
    with ValueOutput(skips_errors=True, dead_letters=None) as target:
        cat_workers.copy_splits(planned, selection(), {}, target, 4)
    assert capfd.readouterr().out.split() == [line.decode() for line in lines if line != b"bad"]
    assert [(f"(line {line})" in words, line) for words, line in told] == [(True, 5 * n) for n in range(1, 9)]
    [report] = target.report.files
    assert (report.lines, report.values, report.bad, report.error) == (40, 32, 8, None)
    with ValueOutput(skips_errors=True, dead_letters=None) as one:
        copy_file(str(tmp_path / "log"), selection(), one)
    assert one.report.files == [report]


@pytest.mark.parametrize(("workers", "made"), [(10_000_000, 1), (1, 1)])
def test_there_are_no_more_workers_than_splits(
    workers: int, made: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pools: list[int] = []

    class Counted(InThisProcess):
        def __init__(self, workers: int, *arguments: Any) -> None:
            pools.append(workers)
            super().__init__(1, *arguments)

    monkeypatch.setattr(cat_workers, "ProcessPoolExecutor", Counted)
    (tmp_path / "log").write_bytes(b"1\n2\n")
    status, out, _ = called(capfd, "cat", "--workers", str(workers), tmp_path / "log")
    assert (status, out, pools) == (0, "1\n2\n", [made])


@pytest.mark.usefixtures("_without_processes")
def test_each_worker_has_a_split_to_go_on_with_and_no_more_are_checked_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_bytes(b'"a line"\n' * 20)
    ahead: list[int] = []
    take = cat_workers._SplitFileCopy.take

    def counting(self: Any, *given: Any) -> None:
        ahead.append(InThisProcess.submitted - len(ahead))
        take(self, *given)

    monkeypatch.setattr(cat_workers._SplitFileCopy, "take", counting)
    planned = cat_workers.plan([str(tmp_path / "log")], selection(), 3)
    with ValueOutput(skips_errors=False, dead_letters=None) as target:
        cat_workers.copy_splits(planned, selection(), {}, target, 3)
    assert ahead == [min(7, len(planned) - number) for number in range(len(planned))]
    assert capfd.readouterr().out == '"a line"\n' * 20


@pytest.mark.usefixtures("_without_processes")
def test_a_file_that_a_worker_cannot_read_is_an_error_of_the_file_and_has_no_bad_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_bytes(b"1\n")

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(split_check, "open_split", refuse)
    planned = cat_workers.plan([str(tmp_path / "log")], selection(), 1)
    with ValueOutput(skips_errors=False, dead_letters=None) as target:
        cat_workers.copy_splits(planned, selection(), {}, target, 1)
    [report] = target.report.files
    assert (report.lines, report.values, report.bad, target.failures) == (0, 0, 0, 1)
    assert isinstance(report.error, PermissionError)
    assert capfd.readouterr() == ("", f"ndstream: {tmp_path}/log: Permission denied\n")


@pytest.mark.usefixtures("_without_processes")
@pytest.mark.parametrize(
    ("left", "said"),
    [
        (None, "No such file or directory"),
        (b"another file", "this is not the file that was split; run it again"),
        (b"1\n" * 1000, "the file became shorter while it was read"),
    ],
)
def test_a_file_that_changes_behind_the_workers_is_an_error_and_the_next_one_is_read(
    left: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").write_bytes(b"1\n" * 200_000)
    (tmp_path / "next").write_bytes(b"2\n")

    def check_and_change(split: Any, *given: Any) -> Any:
        checked = check_split(split, *given)
        if split.path == str(tmp_path / "log") and split.stop == split.size:
            (tmp_path / "log").unlink()
            if left is not None:
                (tmp_path / "log").write_bytes(left)
        return checked

    monkeypatch.setattr(cat_workers, "check_split", check_and_change)
    monkeypatch.setattr(cat_workers, "MIN_SPLIT_SIZE", 1_000_000)
    planned = cat_workers.plan([str(tmp_path / "log"), str(tmp_path / "next")], selection(), 1)
    with ValueOutput(skips_errors=False, dead_letters=None) as target:
        cat_workers.copy_splits(planned, selection(), {}, target, 1)
    assert capfd.readouterr() == ("2\n", f"ndstream: {tmp_path}/log: {said}\n")
    assert [report.error is None for report in target.report.files] == [False, True]


@pytest.mark.usefixtures("_without_processes")
@pytest.mark.parametrize("line", [b"1\n", b"1\r\n"], ids=["copied", "written"])
def test_an_output_that_fails_is_no_error_of_a_file(
    line: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_bytes(line * 200_000)

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "standard output")

    planned = cat_workers.plan([str(tmp_path / "log")], selection(), 1)
    with pytest.raises(OSError, match="standard output"), ValueOutput(skips_errors=False, dead_letters=None) as target:
        monkeypatch.setattr(target, "_output", target.buffer.raw)
        monkeypatch.setattr(type(target.buffer.raw), "write", full)
        cat_workers.copy_splits(planned, selection(), {}, target, 1)
    assert (target.failures, target.report.files[0].error) == (0, None)


def test_no_files_have_no_splits_and_nothing_comes_out(capfd: pytest.CaptureFixture[str]) -> None:
    with ValueOutput(skips_errors=False, dead_letters=None) as target:
        cat_workers.copy_splits([], selection(), {}, target, 1)
    assert (capfd.readouterr(), target.report.files) == (("", ""), [])


@pytest.mark.parametrize("needles", [[], [b"1"]], ids=["all", "selected"])
@pytest.mark.parametrize("cut", [b"", b"[1"], ids=["between lines", "inside a line"])
@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), LogFileError("damaged", path="log")], ids=["unread", "damaged"]
)
def test_a_file_that_fails_in_its_middle_has_all_before_that_and_the_line_that_damage_cut(
    error: Exception, cut: bytes, needles: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_bytes(b"1\n" + cut)
    [split] = splits(tmp_path / "log")

    def failing(*given: Any, **options: Any) -> Any:
        file = open_split(*given, **options)
        chunks = [*file.chunks]

        def read() -> Any:
            yield from chunks
            raise error

        file.chunks = read()
        return file

    monkeypatch.setattr(split_check, "open_split", failing)
    checked = check_split(split, replace(selection(), needles=needles), {}, False)
    assert (checked.lines, checked.values, checked.bad, checked.failure) == (1, 1, 0, error)
    assert getattr(error, "frame", cut) == cut


def test_what_follows_a_sentinel_is_not_selected_either(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\n[DONE]\n1\n")
    [split] = splits(tmp_path / "log")
    checked = check_split(split, replace(selection(), needles=[b"1"]), {}, False)
    assert (checked.pieces, checked.values, checked.is_done, checked.goes_on) == ([b"1\n"], 1, True, True)


def children(process: int) -> list[int]:
    found = []
    for state in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(state.read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(state.parent.name))
    return found


def is_running(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def started_workers(process: subprocess.Popen[bytes]) -> list[int]:
    """The workers of a command whose output nobody reads, so that it cannot end."""
    deadline = time.monotonic() + PATIENCE
    while len(workers := children(process.pid)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return workers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_command(number: signal.Signals, folder: Path) -> None:
    with running("cat", "--workers", "2", str(folder / "good")) as process:
        workers = started_workers(process)
        process.send_signal(number)
        assert process.wait(PATIENCE) == -number
        deadline = time.monotonic() + PATIENCE
        while any(map(is_running, workers)):
            assert time.monotonic() < deadline, "a worker is left"
            time.sleep(0.05)


def test_a_worker_that_was_killed_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes((folder / "good").read_bytes() * 10)
    with subprocess.Popen(
        [*COMMAND, "cat", "--workers", "2", "log"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        os.kill(started_workers(process)[0], signal.SIGKILL)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
    assert "a worker was killed at log[" in only_line(said)


def test_a_pool_that_is_found_broken_when_the_next_split_is_given_to_it_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(ProcessPoolExecutor):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            raise BrokenProcessPool("a child process terminated abruptly")

    said: list[str] = []
    monkeypatch.setattr(cat_workers, "ProcessPoolExecutor", Broken)
    monkeypatch.setattr(ValueOutput, "say", lambda self, message: said.append(message))
    planned = cat_workers.plan([str(folder / "good")], selection(), 2)
    with ValueOutput(skips_errors=False, dead_letters=None) as target, pytest.raises(click.exceptions.Exit):
        cat_workers.copy_splits(planned, selection(), {}, target, 2)
    assert ["a worker was killed at" in message for message in said] == [True]


def test_a_file_that_was_replaced_meanwhile_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_bytes(b"1\n2\n")
    planned = cat_workers.plan([str(tmp_path / "log")], selection(), 1)
    (tmp_path / "log").write_bytes(b"3\n4\n5\n")
    checked = check_split(planned[0], selection(), {}, False)
    assert "is not the file that was split" in str(checked.failure)
