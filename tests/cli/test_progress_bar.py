"""The progress bar on a terminal, which does not mix with what else is written there."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ndstream._cli import progress_bar
from ndstream._cli.value_output import ValueOutput
from processes.commands import COMMAND, PATIENCE, cat, environment

NDJSON = b'{"a":1}\n{"b":[2,"\xc3\xa9"]}\n3\n'


def on_terminal(
    *arguments: str, shared: bool = False, stdin: bytes | None = None, kind: str = "xterm"
) -> tuple[bytes, bytes]:
    """The output, and what a terminal at standard error got; where it is ``shared``, it got both."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=theirs if shared else subprocess.PIPE,
        stderr=theirs,
        env=environment(TERM=kind),
    ) as process:
        os.close(theirs)
        if process.stdin is not None:
            process.stdin.write(stdin or b"")
            process.stdin.close()
        pipes = {ours: b""} if process.stdout is None else {ours: b"", process.stdout.fileno(): b""}
        still_open = set(pipes)
        while still_open:
            ready = select.select(list(still_open), [], [], PATIENCE)[0]
            assert ready, "it hangs"
            for descriptor in ready:
                try:
                    data = os.read(descriptor, 65536)
                except OSError:
                    data = b""
                pipes[descriptor] += data
                if not data:
                    still_open.remove(descriptor)
        assert process.wait(PATIENCE) == 0
    terminal = pipes.pop(ours)
    os.close(ours)
    return pipes.popitem()[1] if pipes else b"", terminal


def test_a_file_has_a_progress_bar_with_bytes_and_rate(tmp_path: Path) -> None:
    data = b'{"text":"%b"}\n' % (b"x" * 100) * 50_000
    (tmp_path / "big.ndjson").write_bytes(data)
    output, terminal = on_terminal("cat", str(tmp_path / "big.ndjson"))
    assert output == data
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.decode()).strip().splitlines()[-1]
    for shown in ("big.ndjson", "100%", "5.6/5.6 MB", "0:00:00"):
        assert shown in last
    assert terminal.endswith(b"\x1b[?25h"), "the cursor is still hidden"


def test_the_bar_shows_which_of_several_files_it_is(tmp_path: Path) -> None:
    for name in ("[red]one", "two" * 20):
        (tmp_path / name).write_bytes(NDJSON)
    _, terminal = on_terminal("cat", *map(str, sorted(tmp_path.iterdir())))
    assert b"100%" in terminal
    assert ("two" * 7 + "tw…").encode() in terminal


def test_values_on_the_same_terminal_are_not_broken_by_the_bar(tmp_path: Path) -> None:
    data = b"".join(b'{"number":%d}\n' % i for i in range(20_000))
    (tmp_path / "some.ndjson").write_bytes(data)
    _, terminal = on_terminal("cat", str(tmp_path / "some.ndjson"), shared=True)
    assert b"some.ndjson" in terminal
    # What a bar leaves between two values is a line that is erased again before the next one.
    lines = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\r", b"", terminal).splitlines()
    assert [line for line in lines if line.startswith(b"{")] == data.splitlines()
    assert all(b"some.ndjson" in line for line in lines if line and not line.startswith(b"{"))
    assert terminal.endswith(b"\x1b[?25h\r\x1b[1A\x1b[2K"), "the bar is still there"


def test_a_terminal_that_cannot_move_its_cursor_has_no_bar(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(NDJSON)
    assert on_terminal("cat", str(tmp_path / "log"), kind="dumb") == (NDJSON, b"")


def test_a_pipe_has_no_bar() -> None:
    assert on_terminal("cat", stdin=NDJSON) == (NDJSON, b"")


def test_a_file_has_no_bar_where_nobody_looks(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(NDJSON)
    assert cat(tmp_path / "log").stderr == b""


def test_words_and_the_bar_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"1\nx\n2\n")
    output, terminal = on_terminal("cat", "--on-error", "skip", "--stats", str(tmp_path / "log"))
    assert output == b"1\n2\n"
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.decode()).splitlines()
    assert "ndstream: 1 bad frame skipped" in lines


def test_a_replay_has_a_bar_while_it_waits(tmp_path: Path) -> None:
    lines = [b'{"ts":%d.%d}\n' % divmod(n, 10) for n in range(20)] + [b"x\n"]
    (tmp_path / "a.log").write_bytes(b"".join(lines[:10]))
    (tmp_path / "b.log").write_bytes(b"".join(lines[10:]))
    arguments = ["replay", "--by", "ts", "--on-error", "skip", "--speed", "2", str(tmp_path / "*.log")]
    for shared in (False, True):
        output, terminal = on_terminal(*arguments, shared=shared)
        assert b"20 lines, 1 bad" in terminal or shared
        assert b"a.log" in terminal
        assert b"b.log" in terminal
        if not shared:
            assert output == b"".join(lines[:20])


def test_words_in_the_middle_of_a_run_come_while_the_bar_is_hidden(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said = []

    class Hidden:
        @contextmanager
        def hidden(self) -> Iterator[None]:
            assert capfd.readouterr().err == ""
            yield
            said.append(capfd.readouterr().err)

        def close(self, *_: int) -> None:
            pass

    monkeypatch.setattr(progress_bar, "make_bar", lambda *_: Hidden())
    with ValueOutput(skips_errors=False, dead_letters=None) as target:
        target.say("so it is")
    assert said == ["ndstream: so it is\n"]
