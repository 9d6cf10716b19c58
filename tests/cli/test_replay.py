"""``ndstream replay`` as its users meet it: files, pipes, servers, checkpoints, figures and exit statuses."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli.batch_server import Answer, BatchServer, failing_at_times, script
from cli.same_process import called
from ndstream.logs import DeadLetter
from processes.commands import COMMAND, PATIENCE, environment, only_line, receive, run, running, send


def line(second: int, **more: Any) -> bytes:
    return json.dumps({"ts": f"2026-01-01T00:00:{second:02}Z", "n": second, **more}).encode() + b"\n"


LINES = [line(second) for second in range(10)]


def replay(*arguments: str | Path, stdin: bytes = b"") -> Any:
    return run("replay", "--by", "ts", *map(str, arguments), stdin=stdin)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of ten seconds."""
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(LINES))
    return path


def test_lines_come_out_byte_for_byte_in_order_of_time(path: Path, tmp_path: Path) -> None:
    (tmp_path / "b.log").write_bytes(gzip.compress(b'{ "ts" : 1767225603.5, "x":1.0 }\n'))
    result = replay(tmp_path / "*.log", "--speed", "inf")
    expected = [*LINES[:4], b'{ "ts" : 1767225603.5, "x":1.0 }\n', *LINES[4:]]
    assert (result.stdout, result.stderr, result.returncode) == (b"".join(expected), b"", 0)


def test_standard_input_is_read_without_a_file_and_for_a_hyphen(path: Path) -> None:
    for arguments in ([], ["-"]):
        assert replay("--speed", "inf", *arguments, stdin=path.read_bytes()).stdout == path.read_bytes()


def test_a_line_can_be_read_as_soon_as_it_is_due() -> None:
    """The next one is due in an hour."""
    with running("replay", "--by", "ts", "--window", "0") as process:
        send(process, line(0) + b'{"ts":"2026-01-01T01:00:00Z"}\n')
        assert receive(process, len(line(0))) == line(0)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == -signal.SIGINT


def test_the_target_may_be_a_file(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    target.write_bytes(b"old")
    assert replay(path, "--speed", "inf", "--to", target).returncode == 0
    assert target.read_bytes() == path.read_bytes()


def test_options_of_time_are_those_of_the_library(path: Path) -> None:
    arguments = ["--start", "2026-01-01T00:00:02Z", "--end", "2026-01-01T00:00:05Z", "--speed", "100", "--json"]
    result = replay(path, *arguments)
    assert result.stdout == b"".join(LINES[2:5])
    figures = json.loads(result.stderr)
    assert (figures["records"], figures["outside"], figures["duration"]) == (3, 7, 0.02)
    result = replay(path, "--speed", "inf", "--repeat", "2", "--contains", '"n": 3')
    assert result.stdout == LINES[3] * 2
    text = b'{"ts":"01/Jan/2026:00:00:59"}\n{"ts":"01/Jan/2026:00:00:58"}\n'
    result = replay("--stamp-format", "%d/%b/%Y:%H:%M:%S", "--zone", "UTC", "--speed", "inf", stdin=text)
    assert result.stdout == b"".join(reversed(text.splitlines(keepends=True)))
    text = b'{"s":1,"n":5}\n{"s":1,"n":4}\n'
    result = run("replay", "--by", "s", "--by", "n", "--speed", "inf", stdin=text)
    assert result.stdout == b"".join(reversed(text.splitlines(keepends=True)))


def test_stamps_can_be_rewritten_to_now(path: Path) -> None:
    result = replay(path, "--speed", "inf", "--rewrite-now")
    for old, new in zip(LINES, result.stdout.splitlines(keepends=True), strict=True):
        assert len(new) == len(old)
        assert json.loads(new)["ts"] > "2026-01-01T00:01:00Z"
        assert new[29:] == old[29:]


def test_a_dry_run_tells_what_would_be(path: Path) -> None:
    result = replay(path, "--dry-run", "--json", "--max-gap", "0.5")
    figures = json.loads(result.stderr)
    assert (result.stdout, figures["records"], figures["shortened_gaps"], figures["duration"]) == (b"", 10, 9, 4.5)
    table = replay(path, "--dry-run").stderr.decode()
    assert "2026-01-01 00:00:09.000000000 UTC" in table
    assert "9.000 s" in table


def test_bad_lines_stop_or_are_skipped_or_kept(path: Path, tmp_path: Path) -> None:
    path.write_bytes(LINES[0] + b'{"n":1}\nx\n' + LINES[1])
    result = replay(path, "--speed", "inf")
    assert (result.stdout, result.returncode) == (LINES[0], 1)
    message = only_line(result.stderr)
    assert "(line 2) cannot be put in order of time: there is no time stamp at 'ts'" in message
    assert message.startswith(f"ndstream: {path}: ")
    assert message.endswith("; to go on after it: --bad FILE or --on-error skip")
    result = replay(path, "--speed", "inf", "--on-error", "skip")
    assert (result.stdout, result.returncode) == (LINES[0] + LINES[1], 0)
    assert only_line(result.stderr) == "ndstream: 2 bad lines skipped"
    result = replay(path, "--speed", "inf", "--bad", tmp_path / "bad")
    assert (result.stdout, result.returncode) == (LINES[0] + LINES[1], 1)
    assert only_line(result.stderr) == f"ndstream: 2 bad lines written to {tmp_path / 'bad'}"
    letters = map(DeadLetter.from_json, (tmp_path / "bad").read_bytes().splitlines())
    assert [(each.line, each.reason) for each in letters] == [(2, "timestamp"), (3, "invalid_json")]
    result = replay(path, "--speed", "inf", "--unstamped", "at-once", "--on-error", "skip")
    assert result.stdout == LINES[0] + b'{"n":1}\n' + LINES[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--speed", "0"], "--speed must be more than 0"),
        (["--speed", "nan"], "--speed must be more than 0"),
        (["--max-gap", "-1"], "--max-gap must be"),
        (["--repeat", "0"], "--repeat must be"),
        (["--repeat", "2", "-"], "--repeat reads everything again"),
        (["--start", "2026-01-01T00:00:00"], "--start states no zone"),
        (["--start", "today"], "--start must be like"),
        (["--zone", "Nowhere/None"], "there is no zone"),
        (["--by", "b", "--by", "c"], "--by is given once, or twice"),
        (["--stamp-format", "%b %d"], "pass --year"),
        (["--header", "A: b"], "goes with a URL as --to"),
        (["--to", "http://localhost/", "--header", "nothing"], "is not like 'Name: value'"),
        (["--to", "http://localhost/", "--header", "a b: c"], "is not like 'Name: value'"),
        (["--to", "http://localhost/", "--header", "a: b\rc: d"], "is not printable ASCII"),
        (["--to", "http://localhost/", "--header", "a: \xfc"], "is not printable ASCII"),
        (["--to", "http://", "--speed", "inf"], "names no host"),
        (["--to", "http://localhost/", "--batch", "5", "--dry-run"], "not with --dry-run"),
        (["--to", "ftp://localhost/"], "begins with http:// or https://"),
        (["--to", "http://localhost:port/"], "'--to'"),
        (["--bad", "-"], "name a file"),
        (["--bad", "x", "--on-error", "skip"], "leave out --on-error"),
        (["--checkpoint", "c", "--window", "5"], "--checkpoint is a place in each log"),
        (["--checkpoint", "a.log"], "FILE is one of those to read"),
        (["--repeat", "2", "-"], "which standard input does not allow"),
        (["--checkpoint", "c", "--dry-run"], "--checkpoint is a place in each log"),
        (["--to", "o", "--bad", "o"], "--to and --bad are the same file"),
        (["--to", "o", "--checkpoint", "./o"], "--to and --checkpoint are the same file"),
        (["--bad", "o", "--checkpoint", "o"], "--bad and --checkpoint are the same file"),
        (["--to", "http://localhost/", "--timeout", "1e300"], "is not in the range"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a.log").write_bytes(LINES[0])
    monkeypatch.chdir(tmp_path)
    files = [] if "-" in arguments[2:] else ["a.log"]
    status, out, err = called(capfd, "replay", "--by", "ts", *arguments, *files)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert os.listdir(tmp_path) == ["a.log"]


def test_a_file_that_is_read_is_not_written(path: Path) -> None:
    for option in ("--to", "--bad"):
        result = replay(path, option, path)
        assert (path.read_bytes(), result.returncode) == (b"".join(LINES), 2)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    for name in ("absent.log", "*.log"):
        result = replay(tmp_path / name)
        assert (result.stdout, result.returncode) == (b"", 1)
        assert name in only_line(result.stderr)


def test_a_checkpoint_goes_on_where_the_last_run_ended(path: Path, tmp_path: Path) -> None:
    arguments: list[str | Path] = [path, "--speed", "inf", "--to", tmp_path / "copy", "--checkpoint", tmp_path / "c"]
    assert replay(*arguments).returncode == 0
    with path.open("ab") as file:
        file.write(line(10))
    assert replay(*arguments).returncode == 0
    assert (tmp_path / "copy").read_bytes() == path.read_bytes()
    (tmp_path / "c").write_bytes(b"[]")
    message = only_line(replay(*arguments).stderr)
    assert message == f"ndstream: the checkpoint {tmp_path / 'c'} is no checkpoint of ndstream; name another file"


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are of POSIX")
def test_a_checkpoint_is_not_saved_past_what_a_full_disk_did_not_take(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.log", tmp_path / "copy"
    path.write_bytes(b"".join(line(0, i=number) for number in range(1000)))
    words = [*COMMAND, "replay", "--by", "ts", "--speed", "inf", "--to", str(copy), "--checkpoint", str(tmp_path / "c")]
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 20; exec "$@"', "bash", *words, str(path)], capture_output=True, env=environment()
    )
    assert limited.returncode == 1
    assert only_line(limited.stderr) == f"ndstream: {copy}: File too large"
    assert copy.stat().st_size == 20 * 1024
    # A torn line is what a full disk leaves; the run after it says all of what follows the checkpoint.
    result = subprocess.run([*words, str(path)], capture_output=True, env=environment())
    assert (result.stderr, result.returncode) == (b"", 0)
    written = copy.read_bytes().splitlines()
    assert set(path.read_bytes().splitlines()) <= set(written)


def test_texts_in_the_envelopes_of_containers_are_written_without_them(tmp_path: Path) -> None:
    parts = [b"F " + LINES[0], b"P " + LINES[1][:9] + b"\n", b"F " + LINES[1][9:], b"F no JSON\n", b"F " + LINES[2]]
    (tmp_path / "0.log").write_bytes(b"".join(b"2027-07-07T00:00:00Z stdout " + part for part in parts))
    result = replay("--unwrap", "cri", "--speed", "inf", "--bad", tmp_path / "bad", tmp_path / "0.log")
    assert (result.stdout, result.returncode) == (b"".join(LINES[:3]), 1)
    [letter] = [DeadLetter.from_json(line) for line in (tmp_path / "bad").read_bytes().splitlines()]
    assert (letter.reason, letter.raw, letter.line) == ("invalid_json", b"no JSON", 4)
    wrapped = [json.dumps({"log": line.decode(), "stream": "stdout", "time": "t"}).encode() + b"\n" for line in LINES]
    result = replay("--unwrap", "docker", "--speed", "inf", stdin=b"".join(wrapped))
    assert (result.stdout, result.returncode) == (b"".join(LINES), 0)


def test_lines_are_posted_to_a_server(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_FOR_TEST", "secret")
    with BatchServer(script(Answer(503, (("retry-after", "0"),)))).running() as server:
        arguments = [
            "--speed",
            "inf",
            "--batch",
            "4",
            "--header",
            "X-Name: a:b",
            "--key-env",
            "TOKEN_FOR_TEST",
            "--json",
        ]
        result = replay(path, "--to", server.url, *arguments)
    assert (result.stdout, result.returncode) == (b"", 0)
    assert server.lines == [each.rstrip() for each in LINES]
    assert list(map(len, server.batches)) == [4, 4, 2]
    assert {(each["x-name"], each["authorization"]) for each in server.headers} == {("a:b", "Bearer secret")}
    assert {name: json.loads(result.stderr)[name] for name in ("batches", "retries", "refused")} == {
        "batches": 3,
        "retries": 1,
        "refused": 0,
    }


def test_a_server_that_refuses_ends_the_replay_or_its_lines_are_kept(path: Path, tmp_path: Path) -> None:
    refuse: Any = lambda lines: Answer(400, body=b"no 3") if any(b": 3}" in each for each in lines) else Answer()  # noqa: E731
    arguments: list[str | Path] = [path, "--speed", "inf", "--batch", "1"]
    with BatchServer(refuse).running() as server:
        result = replay(*arguments, "--to", server.url)
        assert (len(server.lines), result.returncode) == (3, 1)
        assert "the line from line 4" in only_line(result.stderr)
        result = replay(*arguments, "--to", server.url, "--bad", tmp_path / "bad", "--repeat", "2")
        assert (len(server.lines), result.returncode) == (3 + 18, 1)
    letters = [DeadLetter.from_json(each) for each in (tmp_path / "bad").read_bytes().splitlines()]
    assert [(each.line, each.reason, each.raw + b"\n") for each in letters] == [(4, "refused", LINES[3])] * 2


def test_a_killed_replay_to_a_server_that_fails_loses_nothing(tmp_path: Path) -> None:
    """The checkpoint moves once a batch was answered, so that what was under way comes again."""
    path = tmp_path / "a.log"
    path.write_bytes(b"".join(line(0, i=number) for number in range(700)))
    arguments = ["--by", "ts", "--speed", "inf", "--batch", "7", "--checkpoint", str(tmp_path / "c"), str(path)]
    with BatchServer(failing_at_times(1)).running() as server:
        for kill_after in (10, 40, 70):
            with running("replay", "--to", server.url, *arguments) as process:
                while len(server.batches) < kill_after and process.poll() is None:
                    time.sleep(0.01)
                process.kill()
        result = run("replay", "--to", server.url, *arguments)
        assert (result.stderr, result.returncode) == (b"", 0)
    assert list(dict.fromkeys(server.lines)) == [each.rstrip() for each in path.read_bytes().splitlines()]


def test_an_interrupted_replay_to_a_server_goes_on_without_a_loss(path: Path, tmp_path: Path) -> None:
    lines = [*LINES[:2], line(4), b'{"ts":"2026-01-02T00:00:00Z"}\n']
    path.write_bytes(b"".join(lines))
    arguments = ["--by", "ts", "--linger", "0.3", "--checkpoint", str(tmp_path / "c"), str(path)]
    with BatchServer(script()).running() as server:
        with running("replay", "--to", server.url, "--speed", "10", *arguments) as process:
            while not server.batches and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT
        result = run("replay", "--to", server.url, "--speed", "inf", *arguments)
        assert result.returncode == 0
    # A batch comes again if it was interrupted before its answer came.
    assert list(dict.fromkeys(server.lines)) == [each.rstrip() for each in lines]


def test_without_httpx_the_command_says_what_to_install(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "tenacity.py").write_text("raise ModuleNotFoundError(name='tenacity')")
    monkeypatch.setattr(
        "processes.commands.environment", lambda: {**os.environ, "PYTHONPATH": str(tmp_path / "hidden")}
    )
    result = replay(path, "--to", "http://localhost/")
    assert result.returncode == 1
    assert "pip install 'ndstream[http]'" in only_line(result.stderr)


def test_the_help_names_each_status() -> None:
    text = run("replay", "--help").stdout.decode()
    assert "Exit status:" in text
    for status in ("408", "413", "429", "503"):
        assert status in text


def test_the_table_of_a_replay_without_lines_has_no_times(
    path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_bytes(b"")
    tables = [
        called(capfd, "replay", "--by", "ts", "--dry-run", "--stats", name)[2] for name in (path, tmp_path / "empty")
    ]
    assert "2026-01-01 00:00:09.000000000 UTC" in tables[0]
    assert re.search(r"first +- *\n +last +- *\n", tables[1])
