"""``ndstream cat`` as its users meet it: processes, pipes, terminals, signals and exit statuses."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

import ndstream

COMMAND = [sys.executable, "-m", "ndstream"]
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"
PATIENCE = 60
"""Seconds after which a test that hangs is given up; nothing is measured with it."""

NDJSON = b'{"a":1}\n{"b":[2,"\xc3\xa9"]}\n3\n'
SSE = b': hello\nevent: message\ndata: {"a":1}\n\ndata: {"b":[2,"\xc3\xa9"]}\n\ndata: 3\n\n'
JSONSEQ = b'\x1e{"a":1}\n\x1e{"b":[2,"\xc3\xa9"]}\n\x1e3\n'
FRAMINGS = {"ndjson": NDJSON, "sse": SSE, "jsonseq": JSONSEQ}


def environment(**changes: str) -> dict[str, str]:
    """The environment with the package that is under test, and a terminal of a known kind and size."""
    package = str(Path(ndstream.__file__).resolve().parents[1])
    known = {"PYTHONPATH": package, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    return {**os.environ, **known, **changes}


def cat(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run ``ndstream cat`` to its end."""
    return run("cat", *map(str, arguments), stdin=stdin, cwd=cwd)


def run(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run ``ndstream`` to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, timeout=PATIENCE, cwd=cwd, env=environment()
    )


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """``ndstream`` with pipes at all three ends, while it runs."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, env=environment(), bufsize=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def send(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)


def receive(process: subprocess.Popen[bytes], size: int) -> bytes:
    """Exactly so many bytes of the output; fails where they do not come though the input is still open."""
    assert process.stdout is not None
    received = b""
    while len(received) < size:
        assert select.select([process.stdout], [], [], PATIENCE)[0], f"nothing more came after {received!r}"
        more = os.read(process.stdout.fileno(), size - len(received))
        assert more, f"the output ended after {received!r}"
        received += more
    return received


def only_line(stderr: bytes) -> str:
    """What was said, which has to be one line."""
    text = stderr.decode()
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    return text.rstrip("\n")


def dead_letters_in(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def raw(letter: dict[str, object]) -> bytes:
    """The frame in a dead letter."""
    if "raw" in letter:
        return str(letter["raw"]).encode()
    return base64.b64decode(str(letter["base64"]))


class TestValues:
    @pytest.mark.parametrize("framing", FRAMINGS)
    @pytest.mark.parametrize("named", [True, False], ids=["named", "sniffed"])
    def test_every_framing_comes_out_as_ndjson(self, framing: str, named: bool) -> None:
        arguments = ["--format", framing] if named else []
        result = cat(*arguments, stdin=FRAMINGS[framing])
        assert (result.stdout, result.stderr, result.returncode) == (NDJSON, b"", 0)

    def test_no_byte_of_a_value_is_altered(self) -> None:
        line = rb'{"n": 123456789012345678901234567890.10, "e":1E5, "u":"\u00e9", "k":1, "k":2}' + b"\n"
        assert cat(stdin=line).stdout == line

    @pytest.mark.parametrize(
        ("framing", "wrapped"),
        [
            ("jsonseq", b'\x1e{\n  "n": 1.10,\r\n  "s": "a  b"\n}\n'),
            ("sse", b'data: {\ndata:   "n": 1.10,\ndata:   "s": "a  b"\ndata: }\n\n'),
            ("ndjson", b'{\r  "n": 1.10,\r  "s": "a  b"\r}\r\n'),
        ],
    )
    def test_a_value_over_several_lines_comes_out_on_one(self, framing: str, wrapped: bytes) -> None:
        assert cat("--format", framing, stdin=wrapped).stdout == b'{"n": 1.10,"s": "a  b"}\n'

    @pytest.mark.parametrize("framing", [(), ("--format", "ndjson"), ("--format", "sse"), ("--format", "jsonseq")])
    def test_no_input_is_no_output(self, framing: Sequence[str]) -> None:
        result = cat(*framing)
        assert (result.stdout, result.stderr, result.returncode) == (b"", b"", 0)

    def test_line_ends_blank_lines_and_a_mark_at_the_start_do_not_show(self) -> None:
        assert cat(stdin=b'\xef\xbb\xbf\r\n{"a":1}\r\n\n \n2').stdout == b'{"a":1}\n2\n'

    def test_files_come_one_after_the_other_whatever_their_framing(self, tmp_path: Path) -> None:
        for framing, data in FRAMINGS.items():
            (tmp_path / framing).write_bytes(data)
        result = cat(tmp_path / "sse", "-", tmp_path / "jsonseq", stdin=b"0\n")
        assert (result.stdout, result.returncode) == (NDJSON + b"0\n" + NDJSON, 0)

    @pytest.mark.parametrize("framing", FRAMINGS)
    @pytest.mark.parametrize("named", [True, False], ids=["named", "sniffed"])
    def test_contains_lets_through_only_values_with_the_text(self, framing: str, named: bool) -> None:
        arguments = ["--format", framing] if named else []
        result = cat("--contains", "é", "--stats", *arguments, stdin=FRAMINGS[framing])
        assert result.stdout == b'{"b":[2,"\xc3\xa9"]}\n'
        assert only_line(result.stderr).startswith("ndstream: 1 value, 0 bad frames, ")

    def test_stats_tell_values_bad_frames_and_bytes(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"1\n2\nx\n")
        (tmp_path / "two").write_bytes(b"data: 3\n\n")
        result = cat("--stats", "--on-error", "skip", tmp_path / "one", tmp_path / "two")
        skipped, stats = result.stderr.decode().splitlines()
        assert skipped == "ndstream: 1 bad frame skipped"
        assert re.fullmatch(r"ndstream: 3 values, 1 bad frame, 15 bytes in \S+ s: \S+ values/s, \S+ MB/s", stats)

    def test_an_event_stream_ends_at_its_sentinel(self) -> None:
        result = cat(stdin=b"data: 1\n\ndata: [DONE]\n\n")
        assert (result.stdout, result.stderr, result.returncode) == (b"1\n", b"", 0)

    def test_a_file_that_goes_on_after_its_sentinel_is_reported(self, tmp_path: Path) -> None:
        ended = tmp_path / "ended.sse"
        ended.write_bytes(b"data: 1\n\ndata: [DONE]\n\n\n")
        goes_on = tmp_path / "goes_on.sse"
        goes_on.write_bytes(b"data: 2\n\ndata: [DONE]\n\ndata: 3\n\n")
        result = cat(ended, goes_on)
        assert (result.stdout, result.returncode) == (b"1\n2\n", 0)
        assert only_line(result.stderr) == f"ndstream: {goes_on}: ended at its [DONE]; what follows it was not read"

    def test_a_big_file_comes_out_whole(self, tmp_path: Path) -> None:
        data = b"".join(b'{"number":%d,"text":"%b"}\n' % (i, b"x" * (i % 300)) for i in range(20_000))
        (tmp_path / "big.ndjson").write_bytes(data)
        assert cat(tmp_path / "big.ndjson").stdout == data

    @pytest.mark.parametrize(
        "path", sorted(RECORDINGS.glob("*.*[se]")) or ["none here"], ids=lambda path: Path(path).name
    )
    def test_recorded_streams_come_out_whole(self, path: str | Path) -> None:
        if not Path(path).exists():
            pytest.skip("there are no recorded streams here")
        lines = Path(path).read_bytes().splitlines()
        if Path(path).suffix == ".sse":
            lines = [line.removeprefix(b"data:") for line in lines if line.startswith(b"data:")]
        payloads = [line.strip() for line in lines if line.strip() not in (b"", b"[DONE]")]
        result = cat(path)
        assert [line.strip() for line in result.stdout.splitlines()] == payloads
        assert (result.stderr, result.returncode) == (b"", 0)
        assert [json.loads(line) for line in result.stdout.splitlines()]


class TestPipes:
    @pytest.mark.parametrize("framing", FRAMINGS)
    def test_values_appear_while_the_pipe_is_still_open(self, framing: str) -> None:
        frames = {"ndjson": b'{"i":%d}\n', "sse": b'data: {"i":%d}\n\n', "jsonseq": b'\x1e{"i":%d}\n'}
        with running("cat") as process:
            for i in range(5):
                send(process, frames[framing] % i)
                assert receive(process, 8) == b'{"i":%d}\n' % i

    def test_frames_that_arrive_in_pieces_or_together_appear_at_once(self) -> None:
        with running("cat", "-") as process:
            send(process, b'{"a"')
            send(process, b":1}\n{")
            assert receive(process, 8) == b'{"a":1}\n'
            send(process, b'"b":2}\n3\n4')
            assert receive(process, 10) == b'{"b":2}\n3\n'

    def test_the_sentinel_ends_it_while_the_pipe_is_still_open(self) -> None:
        with running("cat") as process:
            send(process, b"data: 1\n\ndata: [DONE]\n\n")
            assert process.wait(PATIENCE) == 0
            assert receive(process, 2) == b"1\n"

    def test_a_closed_pipe_ends_it_quietly_as_the_signal_would(self) -> None:
        with running("cat") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            send(process, b"1\n")
            assert receive(process, 2) == b"1\n"
            process.stdout.close()
            send(process, b"2\n")
            assert process.wait(PATIENCE) == -signal.SIGPIPE
            assert process.stderr.read() == b""

    def test_a_shell_sees_the_usual_status_for_a_closed_pipe(self, tmp_path: Path) -> None:
        (tmp_path / "long.ndjson").write_bytes(b'"a long line"\n' * 100_000)
        script = '"$@" | head -n 1; echo "${PIPESTATUS[0]}"'
        result = subprocess.run(
            ["bash", "-c", script, "bash", *COMMAND, "cat", str(tmp_path / "long.ndjson")],
            capture_output=True,
            timeout=PATIENCE,
            env=environment(),
        )
        assert (result.stdout, result.stderr) == (b'"a long line"\n141\n', b"")

    def test_an_interrupt_leaves_what_was_read_and_one_line(self) -> None:
        with running("cat", "--stats") as process:
            assert process.stderr is not None
            send(process, b"1\n2\n{")
            assert receive(process, 4) == b"1\n2\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT
            stats, interrupted = process.stderr.read().decode().splitlines()
            assert stats.startswith("ndstream: 2 values, 0 bad frames, 5 bytes in ")
            assert interrupted == "ndstream: interrupted"

    @pytest.mark.parametrize("taken", [1, 4_000, 65_536, 100_000, 300_000])
    def test_an_interrupt_with_a_slow_reader_ends_it_at_once_and_writes_nothing_twice(
        self, taken: int, tmp_path: Path
    ) -> None:
        data = b"".join(b'{"number":%d}\n' % i for i in range(100_000))
        (tmp_path / "big.ndjson").write_bytes(data)
        with running("cat", str(tmp_path / "big.ndjson")) as process:
            assert process.stdout is not None
            written = receive(process, taken)
            # From here on nobody reads, so that it waits for room in the pipe, or soon will.
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT
            written += process.stdout.read()
        assert len(written) < len(data)
        assert data.startswith(written)

    def test_an_interrupt_of_text_with_a_slow_reader_ends_it_at_once(self, tmp_path: Path) -> None:
        line = b'{"response":"%07d","done":false}\n'
        (tmp_path / "long").write_bytes(b"".join(line % i for i in range(50_000)))
        text = b"".join(b"%07d" % i for i in range(50_000))
        with running("cat", "--text", str(tmp_path / "long")) as process:
            assert process.stdout is not None
            written = receive(process, 100)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT
            written += process.stdout.read()
        assert len(written) < len(text)
        assert text.startswith(written)


class TestBadFrames:
    BAD = b'{"a":1}\n{"b":\n{"c":"\xff"}\n{"d":4}\n{"e"'

    def test_the_first_one_stops_it_with_one_line_after_the_values_before_it(self) -> None:
        result = cat(stdin=self.BAD)
        assert (result.stdout, result.returncode) == (b'{"a":1}\n', 1)
        said = only_line(result.stderr)
        assert said.startswith("ndstream: standard input: the line at byte 8 (line 2) ")

    def test_the_line_names_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "log.ndjson").write_bytes(self.BAD)
        result = cat("log.ndjson", cwd=tmp_path)
        assert only_line(result.stderr).startswith("ndstream: log.ndjson: the line at byte 8 ")

    def test_skipped_ones_are_counted(self) -> None:
        result = cat("--on-error", "skip", stdin=self.BAD)
        assert (result.stdout, result.returncode) == (b'{"a":1}\n{"d":4}\n', 0)
        assert only_line(result.stderr) == "ndstream: 3 bad frames skipped"

    def test_dead_letters_say_where_and_what_and_hold_the_frame(self, tmp_path: Path) -> None:
        log, bad = tmp_path / "log.ndjson", tmp_path / "bad.ndjson"
        log.write_bytes(self.BAD)
        result = cat("--bad", bad, log)
        assert (result.stdout, result.returncode) == (b'{"a":1}\n{"d":4}\n', 1)
        assert only_line(result.stderr) == f"ndstream: 3 bad frames written to {bad}"
        letters = dead_letters_in(bad)
        assert [
            (letter["file"], letter["offset"], letter["line"], letter["reason"], letter["position"])
            for letter in letters
        ] == [
            (str(log), 8, 2, "invalid_json", 5),
            (str(log), 14, 3, "invalid_utf8", 6),
            (str(log), 32, 5, "unfinished", 4),
        ]
        assert [raw(letter) for letter in letters] == [b'{"b":', b'{"c":"\xff"}', b'{"e"']
        assert ["base64" in letter for letter in letters] == [False, True, False]
        assert all(self.BAD.startswith(raw(letter), int(str(letter["offset"]))) for letter in letters)
        assert all(str(letter["message"]).startswith("the line at byte ") for letter in letters)

    def test_dead_letters_drive_again_once_they_are_mended(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        cat("--bad", bad, stdin=b'{"a":1,}\n{"b":"\x00\\n"}\n2\n{"c":3,}')
        again = b"".join(raw(letter).replace(b",}", b"}") + b"\n" for letter in dead_letters_in(bad))
        assert again == b'{"a":1}\n{"b":"\x00\\n"}\n{"c":3}\n'
        assert cat("--on-error", "skip", stdin=again).stdout == b'{"a":1}\n{"c":3}\n'

    def test_dead_letters_are_values_for_the_command_itself(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        cat("--bad", bad, stdin=self.BAD)
        assert cat(bad).stdout == bad.read_bytes()

    def test_dead_letters_of_several_files_have_their_names_and_their_own_offsets(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        (tmp_path / "one").write_bytes(b"1\nx\n")
        (tmp_path / "two").write_bytes(b"\x1e{]\x1e2\n")
        result = cat("--bad", bad, "one", "-", "two", stdin=b"data: 3\n\ndata: {]\n\n", cwd=tmp_path)
        assert (result.stdout, result.returncode) == (b"1\n3\n2\n", 1)
        places = [(letter["file"], letter["offset"], letter["line"], raw(letter)) for letter in dead_letters_in(bad)]
        assert places == [("one", 2, 2, b"x"), ("-", 9, 3, b"{]"), ("two", 0, None, b"{]")]

    def test_without_bad_frames_the_file_of_dead_letters_is_empty(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        bad.write_bytes(b"from an earlier run\n")
        result = cat("--bad", bad, stdin=NDJSON)
        assert (result.stdout, result.stderr, result.returncode) == (NDJSON, b"", 0)
        assert bad.read_bytes() == b""

    def test_dead_letters_with_raise_stop_at_the_first(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        result = cat("--bad", bad, "--on-error", "raise", stdin=self.BAD)
        assert (result.stdout, result.returncode) == (b'{"a":1}\n', 1)
        assert only_line(result.stderr).startswith("ndstream: standard input: the line at byte 8 ")
        assert [raw(letter) for letter in dead_letters_in(bad)] == [b'{"b":']

    def test_dead_letters_with_skip_are_no_failure(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        assert cat("--bad", bad, "--on-error", "skip", stdin=self.BAD).returncode == 0
        assert len(dead_letters_in(bad)) == 3

    def test_a_dead_letter_is_there_while_the_pipe_is_still_open(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        with running("cat", "--bad", str(bad)) as process:
            send(process, b"x\n1\n")
            assert receive(process, 2) == b"1\n"
            assert [raw(letter) for letter in dead_letters_in(bad)] == [b"x"]

    def test_dead_letters_cannot_replace_what_is_read(self, tmp_path: Path) -> None:
        log = tmp_path / "log.ndjson"
        log.write_bytes(NDJSON)
        result = cat("--bad", log, log)
        assert (result.stdout, result.returncode, log.read_bytes()) == (b"", 2, NDJSON)
        assert "'--bad'" in only_line(result.stderr)

    def test_bad_frames_cannot_go_to_standard_output(self, tmp_path: Path) -> None:
        result = cat("--bad", "-", stdin=self.BAD, cwd=tmp_path)
        assert (result.stdout, result.returncode) == (b"", 2)
        assert "name a file, or /dev/stderr" in only_line(result.stderr)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("framing", "data", "advice"),
        [
            ("ndjson", b'data: {"a":1}\n\n', "use --format sse"),
            ("ndjson", b"\x1e[1]\n", "use --format jsonseq"),
            ("ndjson", b'{\n  "a": 1\n}\n', "jq -c"),
            ("ndjson", b'{"a":1}{"b":2}\n', "write a line end after each value"),
            ("jsonseq", b'{"a":1}\n', "use --format ndjson"),
            ("sse", b'{"error":"no"}\n', "use --format ndjson"),
            ("sse", b"data: 1\n", "pass --on-truncated=emit, or --on-truncated=discard"),
        ],
    )
    def test_advice_names_options_of_the_command(self, framing: str, data: bytes, advice: str) -> None:
        assert advice in only_line(cat("--format", framing, stdin=data).stderr)

    def test_a_frame_past_the_limit_is_bad_and_the_line_names_the_option(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.ndjson"
        lines = b'"%b"\n1\n' % (b"x" * 3000)
        result = cat("--max-frame-size", "1000", stdin=lines)
        assert result.returncode == 1
        assert "--max-frame-size=1000 bytes; pass a larger --max-frame-size, or 0 for no limit" in only_line(
            result.stderr
        )
        assert cat("--max-frame-size", "1000", "--bad", bad, stdin=lines).stdout == b"1\n"
        (letter,) = dead_letters_in(bad)
        assert (letter["reason"], letter["cut"], raw(letter)) == ("too_large", True, lines[:256])

    def test_the_bytes_of_a_bad_frame_are_shown_as_they_are(self) -> None:
        line = only_line(cat(stdin=b'"max_frame_size" on_truncated\n').stderr)
        assert """b'"max_frame_size" on_truncated'""" in line

    def test_the_limit_can_be_lifted(self) -> None:
        line = b'"%b"\n' % (b"x" * (17 << 20))
        assert cat(stdin=line).returncode == 1
        assert cat("--max-frame-size", "0", stdin=line).stdout == line

    def test_an_event_without_its_blank_line_is_bad_dropped_or_taken(self) -> None:
        events = b'data: 1\n\ndata: {"a":2}'
        result = cat(stdin=events)
        assert (result.stdout, result.returncode) == (b"1\n", 1)
        assert "pass --on-truncated=emit, or --on-truncated=discard to drop it" in only_line(result.stderr)
        result = cat("--on-truncated", "discard", stdin=events)
        assert (result.stdout, result.stderr, result.returncode) == (b"1\n", b"", 0)
        assert cat("--on-truncated=emit", stdin=events).stdout == b'1\n{"a":2}\n'


class TestFailures:
    def test_a_missing_file_is_one_line_and_the_others_still_come(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"1\n")
        result = cat("one", "none", "one", cwd=tmp_path)
        assert (result.stdout, result.returncode) == (b"1\n1\n", 1)
        assert only_line(result.stderr) == "ndstream: none: No such file or directory"

    def test_a_missing_file_is_a_failure_even_where_bad_frames_are_none(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"x\n")
        assert cat("--on-error", "skip", "one", "none", cwd=tmp_path).returncode == 1

    def test_a_directory_is_one_line(self, tmp_path: Path) -> None:
        result = cat(tmp_path)
        assert (only_line(result.stderr), result.returncode) == (f"ndstream: {tmp_path}: Is a directory", 1)

    def test_a_name_that_is_not_text_is_one_line(self, tmp_path: Path) -> None:
        name = os.fsdecode(b"\xffone\n")
        (tmp_path / name).write_bytes(b"x\n")
        result = cat("--bad", tmp_path / "bad", name, "none\n", cwd=tmp_path)
        assert len(result.stderr.splitlines()) == 2
        (letter,) = dead_letters_in(tmp_path / "bad")
        assert letter["file"] == "\N{REPLACEMENT CHARACTER}one\n"

    def test_the_output_is_not_read_as_input(self, tmp_path: Path) -> None:
        log = tmp_path / "log.ndjson"
        log.write_bytes(NDJSON)
        with log.open("ab") as file:
            result = subprocess.run(
                [*COMMAND, "cat", log],
                stdout=file,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                env=environment(),
            )
        assert (only_line(result.stderr), result.returncode) == (
            f"ndstream: {log}: this is the output as well",
            1,
        )
        assert log.read_bytes() == NDJSON

    def test_a_read_that_fails_leaves_what_was_read_and_one_line(self, tmp_path: Path) -> None:
        # On Linux the reading end of a terminal fails when the last one who writes to it has gone.
        reader, writer = pty.openpty()
        tty.setraw(writer)
        os.write(writer, b'1\n{"a"')
        bad = tmp_path / "bad"
        with subprocess.Popen(
            [*COMMAND, "cat", "--bad", bad],
            stdin=reader,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        ) as process:
            assert receive(process, 2) == b"1\n"
            os.close(writer)
            stdout, stderr = process.communicate(timeout=PATIENCE)
        os.close(reader)
        assert (stdout, process.returncode) == (b"", 1)
        assert "ndstream: standard input: Input/output error" in stderr.decode().splitlines()
        assert [(letter["offset"], raw(letter)) for letter in dead_letters_in(bad)] == [(2, b'{"a"')]

    @pytest.mark.parametrize(("command", "what"), [("cat", "standard output: "), ("--help", ""), ("demo --rate 0", "")])
    def test_an_output_that_is_full_is_one_line(self, command: str, what: str) -> None:
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                [*COMMAND, *command.split()],
                input=NDJSON,
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                env=environment(),
            )
        assert only_line(result.stderr) == f"ndstream: {what}No space left on device"
        assert result.returncode == 1

    def test_out_of_memory_is_one_line_and_a_failure(self) -> None:
        script = 'ulimit -v 400000; head -c 1000000000 /dev/zero | tr "\\0" 1 | "$@"'
        result = subprocess.run(
            ["bash", "-c", script, "bash", *COMMAND, "cat", "--max-frame-size", "0"],
            capture_output=True,
            timeout=PATIENCE,
            env=environment(),
        )
        assert (result.stdout, result.returncode) == (b"", 1)
        assert only_line(result.stderr).startswith("ndstream: out of memory; --max-frame-size ")

    def test_dead_letters_that_cannot_be_written_are_one_line(self, tmp_path: Path) -> None:
        result = cat("--bad", "/dev/full", stdin=b"1\nx\n2\n")
        assert (result.stdout, result.returncode) == (b"1\n", 1)
        assert "ndstream: /dev/full: No space left on device" in result.stderr.decode().splitlines()
        assert b"Traceback" not in result.stderr
        result = cat("--bad", tmp_path / "none" / "bad", stdin=b"1\n")
        assert only_line(result.stderr) == f"ndstream: {tmp_path}/none/bad: No such file or directory"
        assert (result.stdout, result.returncode) == (b"", 1)

    @pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    def test_streams_that_are_closed_make_no_traceback(self, closed: str, tmp_path: Path) -> None:
        bad = tmp_path / "bad"
        result = subprocess.run(
            ["bash", "-c", f'"$@" {closed}', "bash", *COMMAND, "cat", "--bad", str(bad)],
            input=b"1\nx\n",
            capture_output=True,
            timeout=PATIENCE,
            env=environment(),
        )
        assert result.returncode == 1
        assert b"Traceback" not in result.stderr
        assert result.stdout in (b"", b"1\n")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "Missing command. (try 'ndstream --help')"),
            (["dog"], "No such command 'dog'."),
            (["cat", "--format", "xml"], "'--format'"),
            (["cat", "--contains", ""], "'--contains'"),
            (["cat", "--max-frame-size", "-1"], "'--max-frame-size'"),
            (["cat", "--colour"], "(try 'ndstream cat --help')"),
            (["demo", "--rate", "fast"], "'--rate'"),
        ],
    )
    def test_arguments_that_make_no_sense_are_one_line(self, arguments: list[str], said: str) -> None:
        result = run(*arguments)
        assert (result.stdout, result.returncode) == (b"", 2)
        assert said in only_line(result.stderr)

    @pytest.mark.parametrize("missing", ["click", "rich"])
    def test_without_the_extra_it_says_what_to_install(self, missing: str) -> None:
        program = f"import sys; sys.modules[{missing!r}] = None; from ndstream._cli.main import main; main()"
        result = subprocess.run(
            [sys.executable, "-c", program, "demo"], capture_output=True, timeout=PATIENCE, env=environment()
        )
        assert (result.stdout, result.returncode) == (b"", 1)
        assert 'pip install "ndstream[cli]"' in only_line(result.stderr)

    def test_help_names_every_command_and_the_version_is_told(self) -> None:
        help = run("--help").stdout.decode()
        assert all(name in help for name in ("cat", "chat", "demo"))
        assert "Dead letters" in run("cat", "-h").stdout.decode()
        assert run("--version").stdout.decode() == f"ndstream {ndstream.__version__}\n"

    def test_a_shell_can_complete_commands(self) -> None:
        result = subprocess.run(
            [*COMMAND],
            capture_output=True,
            timeout=PATIENCE,
            env=environment(_NDSTREAM_COMPLETE="bash_complete", COMP_WORDS="ndstream ca", COMP_CWORD="1"),
        )
        assert (result.stdout, result.returncode) == (b"plain,cat\n", 0)


class TestTerminals:
    @staticmethod
    def on_terminal(*arguments: str, shared: bool = False, stdin: bytes | None = None) -> tuple[bytes, bytes]:
        """The output, and what a terminal at standard error got; where it is ``shared``, it got both."""
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
        with subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=theirs if shared else subprocess.PIPE,
            stderr=theirs,
            env=environment(),
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

    def test_a_file_has_a_progress_bar_with_bytes_and_rate(self, tmp_path: Path) -> None:
        data = b'{"text":"%b"}\n' % (b"x" * 100) * 50_000
        (tmp_path / "big.ndjson").write_bytes(data)
        output, terminal = self.on_terminal("cat", str(tmp_path / "big.ndjson"))
        assert output == data
        last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.decode()).strip().splitlines()[-1]
        for shown in ("big.ndjson", "100%", "5.6/5.6 MB", "0:00:00"):
            assert shown in last
        assert terminal.endswith(b"\x1b[?25h"), "the cursor is still hidden"

    def test_the_bar_shows_which_of_several_files_it_is(self, tmp_path: Path) -> None:
        for name in ("[red]one", "two" * 20):
            (tmp_path / name).write_bytes(NDJSON)
        _, terminal = self.on_terminal("cat", *map(str, sorted(tmp_path.iterdir())))
        assert b"100%" in terminal
        assert ("two" * 7 + "tw…").encode() in terminal

    def test_values_on_the_same_terminal_are_not_broken_by_the_bar(self, tmp_path: Path) -> None:
        data = b"".join(b'{"number":%d}\n' % i for i in range(20_000))
        (tmp_path / "some.ndjson").write_bytes(data)
        _, terminal = self.on_terminal("cat", str(tmp_path / "some.ndjson"), shared=True)
        assert b"some.ndjson" in terminal
        # What a bar leaves between two values is a line that is erased again before the next one.
        lines = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]|\r", b"", terminal).splitlines()
        assert [line for line in lines if line.startswith(b"{")] == data.splitlines()
        assert all(b"some.ndjson" in line for line in lines if line and not line.startswith(b"{"))
        assert terminal.endswith(b"\x1b[?25h\r\x1b[1A\x1b[2K"), "the bar is still there"

    def test_a_pipe_has_no_bar(self) -> None:
        assert self.on_terminal("cat", stdin=NDJSON) == (NDJSON, b"")

    def test_a_file_has_no_bar_where_nobody_looks(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(NDJSON)
        assert cat(tmp_path / "log").stderr == b""

    def test_words_and_the_bar_do_not_mix(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"1\nx\n2\n")
        output, terminal = self.on_terminal("cat", "--on-error", "skip", "--stats", str(tmp_path / "log"))
        assert output == b"1\n2\n"
        lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.decode()).splitlines()
        assert "ndstream: 1 bad frame skipped" in lines


class TestText:
    """``cat --text``."""

    SAID = b'data: {"choices":[{"delta":{"content":"%s"},"finish_reason":%s}]}\n\n'

    def test_the_text_of_a_reply_comes_out_as_it_was_said(self, tmp_path: Path) -> None:
        (tmp_path / "chat").write_bytes(self.SAID % (b"Gr\xc3\xbc", b"null") + self.SAID % (b"\xc3\x9f\\n", b'"stop"'))
        (tmp_path / "lines").write_bytes(b'{"response":"one","done":false}\n{"response":" two","done":true}\n')
        result = cat("--text", tmp_path / "chat", tmp_path / "lines")
        assert (result.stdout.decode(), result.stderr, result.returncode) == ("Grüß\none two\n", b"", 0)

    def test_what_comes_of_a_reply_that_is_cut_comes_out_and_the_status_says_so(self) -> None:
        result = cat("--text", stdin=self.SAID % (b"half", b"null"))
        assert only_line(result.stderr).endswith("the server had not said that it was done")
        assert (result.stdout, result.returncode) == (b"half\n", 1)
        assert b"standard input: the stream ended after 4 characters of text" in result.stderr

    def test_text_comes_out_before_the_reply_is_over(self) -> None:
        with running("cat", "--text") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(self.SAID % (b"now", b"null"))
            assert process.stdout.read(3) == b"now"
            process.stdin.close()
            process.wait(PATIENCE)

    def test_a_file_that_is_not_there_is_named_and_the_others_are_read(self, tmp_path: Path) -> None:
        result = cat("--text", tmp_path / "none", "-", stdin=self.SAID % (b"all", b'"stop"'))
        assert (result.stdout, result.returncode) == (b"all\n", 1)
        assert b"none: No such file" in result.stderr

    def test_an_output_that_is_full_is_named(self) -> None:
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                [*COMMAND, "cat", "--text"],
                input=self.SAID % (b"all", b'"stop"'),
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                env=environment(),
            )
        assert result.returncode == 1
        assert result.stderr == b"ndstream: standard output: No space left on device\n"

    def test_other_options_do_not_go_with_it(self) -> None:
        result = cat("--text", "--contains", "a")
        assert result.returncode == 2
        assert b"--text goes with --max-frame-size alone" in result.stderr
