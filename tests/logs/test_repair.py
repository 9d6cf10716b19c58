"""Mending the end of a log: interrupted appends alone, and never without having saved what is cut."""

from __future__ import annotations

import errno
import gzip
import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ndstream import logs
from ndstream.logs._files.tail import read_at
from processes.unprivileged import public_folder, without_privileges

GOOD = b'{"a":1}\n{"a":2}\r\n'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.mark.parametrize("head", [b"", GOOD, GOOD * 10_000])
@pytest.mark.parametrize(
    "tail",
    [
        b'{"a":', b'"\xe2\x82', b"x", b'{"a":1}{', b"\0", b"\0" * 5000, b'{"a"' + b"\0" * 5000, b"\0" * 5000 + b"\n",
        b'{"a":\0\0\0\n', b"\0\r\n", b"[" * 200_000,
    ],
)  # fmt: skip
def test_an_interrupted_append_is_cut_and_saved(log: Path, head: bytes, tail: bytes) -> None:
    log.write_bytes(head + tail)
    done = logs.repair_tail(log)
    saved = f"{log}.cut-{len(head)}"
    assert done == logs.Repair("repaired", len(head), len(tail), saved)
    assert (log.read_bytes(), Path(saved).read_bytes()) == (head, tail)
    assert logs.repair_tail(log).status == "complete"
    assert sorted(path.name for path in log.parent.iterdir()) == ["app.log", Path(saved).name]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", "complete"), (GOOD, "complete"), (GOOD + b"\n \n", "complete"), (b"\n", "complete"),
        (b"x\n" + GOOD, "complete"), (GOOD + b"x\n", "bad_line"), (GOOD + b'{"a":\n', "bad_line"),
        (GOOD + b"\0\0\0{}\n", "bad_line"), (b"12", "unterminated"), (GOOD + b'{"a":3}', "unterminated"),
        (GOOD + b"  ", "unterminated"), (gzip.compress(GOOD + b"{"), "compressed"),
    ],
)  # fmt: skip
def test_anything_else_is_left_alone_and_told(log: Path, content: bytes, status: str) -> None:
    log.write_bytes(content)
    modified = log.stat().st_mtime_ns
    assert logs.repair_tail(log) == logs.Repair(status, len(content))  # type: ignore[arg-type]
    assert (log.read_bytes(), log.stat().st_mtime_ns) == (content, modified)
    assert list(log.parent.iterdir()) == [log]


@pytest.mark.parametrize("tail", [b"12", b'{"a":3}', b'{"a":3}\r'])
def test_a_lf_is_added_to_a_last_value_only_if_asked(log: Path, tail: bytes) -> None:
    log.write_bytes(GOOD + tail)
    assert logs.repair_tail(log, terminate=True).status == "terminated"
    assert log.read_bytes() == GOOD + tail + b"\n"


def test_what_was_saved_is_no_log_to_a_glob_unless_it_is_asked_for(log: Path) -> None:
    log.write_bytes(b'{"n":1}\n{"n":')
    assert logs.repair_tail(log).saved == f"{log}.cut-8"
    pattern = f"{log}*"
    assert list(logs.read(pattern)) == [{"n": 1}]
    assert [split.path for split in logs.splits(pattern)] == [str(log)]
    with logs.follow(pattern, stop_after_idle=0.1) as stream:
        assert list(stream) == [{"n": 1}]
    assert list(logs.read(f"{log}.cut-*", loads=bytes)) == [b'{"n":']


def test_a_tail_past_the_limit_is_left_alone_unless_it_is_all_nuls(log: Path) -> None:
    log.write_bytes(GOOD + b"[" * 2000)
    assert logs.repair_tail(log, max_frame_size=1000).status == "too_large"
    log.write_bytes(GOOD + b"\0" * 3_000_000)
    assert logs.repair_tail(log, max_frame_size=1000).cut == 3_000_000
    assert log.read_bytes() == GOOD


def test_a_file_that_grows_meanwhile_is_left_alone(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_bytes(GOOD + b'{"a"')
    replace = os.replace

    def grow(*names: str) -> None:
        replace(*names)
        with log.open("ab") as file:
            file.write(b":3}\n")

    monkeypatch.setattr("ndstream.logs._repair.os.replace", grow)
    assert logs.repair_tail(log).status == "growing"
    assert log.read_bytes() == GOOD + b'{"a":3}\n'


def test_a_file_that_grows_while_its_last_line_gets_its_end_is_left_alone(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_bytes(GOOD + b"3")

    def read_and_grow(file: Any, size: int, offset: int) -> bytes:
        content: bytes = read_at(file, size, offset)
        with log.open("ab") as appended:
            appended.write(b"4\n")
        return content

    monkeypatch.setattr("ndstream.logs._repair.read_at", read_and_grow)
    assert logs.repair_tail(log, terminate=True).status == "growing"
    assert log.read_bytes().startswith(GOOD + b"34\n")


def test_a_pipe_or_a_device_is_refused_and_not_waited_for(log: Path) -> None:
    os.mkfifo(log)
    for path in (log, Path(os.devnull)):
        with pytest.raises(OSError, match="a pipe or a device") as caught:
            logs.repair_tail(path)
        assert caught.value.filename == str(path)


@pytest.mark.parametrize("other", [b"[", b"{{", b""])
def test_a_file_of_something_else_is_not_written_over(log: Path, other: bytes) -> None:
    log.write_bytes(GOOD + b"{")
    saved = Path(f"{log}.cut-{len(GOOD)}")
    saved.write_bytes(other)
    with pytest.raises(FileExistsError, match="another file") as caught:
        logs.repair_tail(log)
    assert (caught.value.filename, caught.value.errno) == (str(saved), errno.EEXIST)
    assert (log.read_bytes(), saved.read_bytes()) == (GOOD + b"{", other)
    assert logs.repair_tail(log, saved=log.with_name("other")).saved == str(log.with_name("other"))


class Crash(BaseException):
    """What no code catches."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(8))
def test_a_crash_at_any_call_leaves_all_bytes_and_the_next_run_mends_it(
    log: Path, monkeypatch: pytest.MonkeyPatch, number: int, after: bool
) -> None:
    tail = b"x" * 2_500_000
    log.write_bytes(GOOD + tail)
    calls = 0

    def crashing(call: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > number and not after:
                raise Crash
            result = call(*arguments)
            if calls > number:
                raise Crash
            return result

        return act

    class File(io.FileIO):
        write = crashing(io.FileIO.write)
        truncate = crashing(io.FileIO.truncate)

    with monkeypatch.context() as patch:
        patch.setattr("ndstream.logs._repair.io.FileIO", File)
        for name in ("fsync", "replace"):
            patch.setattr(f"ndstream.logs._repair.os.{name}", crashing(getattr(os, name)))
        with pytest.raises(Crash):
            logs.repair_tail(log)
    saved = Path(f"{log}.cut-{len(GOOD)}")
    whole = log.read_bytes() == GOOD + tail
    assert whole or (log.read_bytes(), saved.read_bytes()) == (GOOD, tail)
    logs.repair_tail(log)
    assert (log.read_bytes(), saved.read_bytes()) == (GOOD, tail)


def test_a_full_disk_leaves_the_file_as_it_was(log: Path) -> None:
    log.write_bytes(b'{"a":1}\n' + b"x" * 5000)
    program = """
        import resource, signal, sys
        from ndstream import logs
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            logs.repair_tail(sys.argv[1])
        except OSError as error:
            print(type(error).__name__)
    """
    ran = subprocess.run([sys.executable, "-c", textwrap.dedent(program), log], capture_output=True, text=True)
    assert ran.stdout == "OSError\n"
    assert log.stat().st_size == 5008


def test_a_file_that_cannot_be_written_is_an_error_and_as_it_was() -> None:
    with public_folder() as folder:
        log = folder / "app.log"
        log.write_bytes(GOOD + b"{")
        log.chmod(0o444)
        with without_privileges(), pytest.raises(PermissionError, match=r"app\.log"):
            logs.repair_tail(log)
        assert log.read_bytes() == GOOD + b"{"
