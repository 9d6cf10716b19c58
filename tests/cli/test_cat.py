"""``ndstream cat`` as its users meet it: values, pipes, bad frames, signals and exit statuses."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from inputs.recordings import RECORDINGS
from processes.commands import COMMAND, PATIENCE, cat, environment, only_line, receive, running, send

NDJSON = b'{"a":1}\n{"b":[2,"\xc3\xa9"]}\n3\n'
SSE = b': hello\nevent: message\ndata: {"a":1}\n\ndata: {"b":[2,"\xc3\xa9"]}\n\ndata: 3\n\n'
JSONSEQ = b'\x1e{"a":1}\n\x1e{"b":[2,"\xc3\xa9"]}\n\x1e3\n'
FRAMINGS = {"ndjson": NDJSON, "sse": SSE, "jsonseq": JSONSEQ}


def counts(figures: bytes) -> tuple[int, int]:
    """How many values and how many bad frames `--json` tells."""
    said = json.loads(figures)
    return said["values"], said["bad"]


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

    def test_values_without_line_ends_and_over_many_lines_are_concatenated_json(self) -> None:
        data = b'{"a":1}{\n  "b": [2,"\xc3\xa9"]\n}3'
        result = cat("--format", "json", stdin=data)
        assert (result.stdout, result.stderr, result.returncode) == (b'{"a":1}\n{"b": [2,"\xc3\xa9"]}\n3\n', b"", 0)
        result = cat("--format", "json", "--contains", "é", "--json", stdin=data)
        assert result.stdout == b'{"b": [2,"\xc3\xa9"]}\n'
        assert counts(result.stderr) == (1, 0)

    @pytest.mark.parametrize("named", [True, False])
    def test_items_are_the_elements_of_arrays(self, named: bool) -> None:
        arguments = ["--format", "json"] if named else []
        result = cat("--items", *arguments, stdin=b'[{"a":1},\n["[DONE]"]]\n[DONE]{"b":2}')
        assert result.stdout == b'{"a":1}\n["[DONE]"]\n'
        assert result.returncode == 1
        assert cat("--items", stdin=b'[{"a":1},2,3]\n[]{"b":4}').stdout == b'{"a":1}\n2\n3\n{"b":4}\n'

    def test_an_array_that_is_cut_fails_after_its_elements(self) -> None:
        result = cat("--items", stdin=b'[{"a":1},{"a"')
        assert (result.stdout, result.returncode) == (b'{"a":1}\n', 1)
        assert "before its closing bracket" in only_line(result.stderr)

    def test_items_go_with_json_alone(self) -> None:
        result = cat("--items", "--format", "ndjson", stdin=b"[1]\n")
        assert (result.stdout, result.returncode) == (b"", 2)
        assert b"--format json" in result.stderr

    def test_an_over_long_array_names_the_option_that_reads_its_elements(self) -> None:
        for framing in ("ndjson", "json"):
            result = cat("--format", framing, "--max-frame-size", "9", stdin=b"[1,2,3,4,5,6]\n")
            assert "use --items" in only_line(result.stderr)

    @pytest.mark.parametrize("framing", [(), ("--format", "ndjson"), ("--format", "sse"), ("--format", "json")])
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
        result = cat("--contains", "é", "--json", *arguments, stdin=FRAMINGS[framing])
        assert result.stdout == b'{"b":[2,"\xc3\xa9"]}\n'
        assert counts(result.stderr) == (1, 0)

    @pytest.mark.parametrize("framing", FRAMINGS)
    def test_contains_takes_several_texts(self, framing: str) -> None:
        result = cat("--contains", "é", "--contains", "a", stdin=FRAMINGS[framing])
        assert result.stdout == b'{"a":1}\n{"b":[2,"\xc3\xa9"]}\n'

    def test_stats_are_a_table_of_the_files(self, tmp_path: Path) -> None:
        (tmp_path / "one").write_bytes(b"1\n2\nx\n")
        (tmp_path / "two").write_bytes(b"data: 3\n\n")
        result = cat("--stats", "--on-error", "skip", "one", "two", cwd=tmp_path)
        skipped, *table = result.stderr.decode().splitlines()
        assert skipped == "ndstream: 1 bad frame skipped"
        rows = [row for row in map(str.split, table) if len(row) > 1]
        assert rows[0] == ["file", "format", "bytes", "as", "stored", "lines", "values", "bad"]
        assert rows[1:4] == [
            ["one", "plain", "6", "6", "3", "2", "1"],
            ["two", "plain", "9", "9", "2", "1", "0"],
            ["2", "files", "15", "15", "5", "3", "1"],
        ]
        assert re.fullmatch(r"\S+ s: \S+ values/s, \S+ MB/s", " ".join(rows[4]))

    @pytest.mark.parametrize("tail", [b"3", b'{"a":', b"[" * 200])
    @pytest.mark.parametrize(
        "way", [[], ["--workers", "2"], ["--sample", "1"], ["--contains", "x", "--contains", "1"]], ids=" ".join
    )
    def test_the_last_line_is_counted_whether_or_not_it_was_cut(
        self, way: list[str], tail: bytes, tmp_path: Path
    ) -> None:
        (tmp_path / "log").write_bytes(b"1\nx\n" + tail)
        result = cat("--json", "--on-error", "skip", "--max-frame-size", "150", *way, "log", cwd=tmp_path)
        assert json.loads(result.stderr.splitlines()[-1])["lines"] == 3

    def test_figures_for_machines_are_one_json_object_on_standard_error(self, tmp_path: Path) -> None:
        (tmp_path / "log.gz").write_bytes(gzip.compress(b"1\n\n2\nx\n"))
        result = cat("--json", "--on-error", "skip", "log.gz", cwd=tmp_path)
        skipped, figures = result.stderr.splitlines()
        assert skipped == b"ndstream: 1 bad frame skipped"
        stored = (tmp_path / "log.gz").stat().st_size
        counted = {"bytes": 7, "compressed_bytes": stored, "lines": 4, "values": 2, "bad": 1}
        said = json.loads(figures)
        assert said.pop("seconds") > 0
        assert said == {**counted, "files": [{"path": "log.gz", "format": "gzip", **counted, "error": None}]}

    def test_the_bytes_are_those_before_a_line_that_the_end_of_the_file_cuts(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"1\n2\n[3")
        result = cat("--json", "--on-error", "skip", "log", cwd=tmp_path)
        said = json.loads(result.stderr.splitlines()[-1])
        assert [said[name] for name in ("bytes", "compressed_bytes", "lines", "bad")] == [4, 4, 3, 1]

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
        with running("cat", "--json") as process:
            assert process.stderr is not None
            send(process, b"1\n2\n{")
            assert receive(process, 4) == b"1\n2\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT
            stats, interrupted = process.stderr.read().splitlines()
            assert counts(stats) == (2, 0)
            assert interrupted == b"ndstream: interrupted"

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

    def test_what_is_buffered_at_an_interrupt_is_not_written_by_the_collector_either(self) -> None:
        program = (
            "from ndstream._cli.value_output import ValueOutput\n"
            "output = ValueOutput(skips_errors=False, dead_letters=None)\n"
            "try:\n"
            "    with output:\n"
            "        output.write(b'1')\n"
            "        raise KeyboardInterrupt\n"
            "except KeyboardInterrupt:\n"
            "    del output\n"
        )
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=PATIENCE, env=environment())
        assert (ran.stdout, ran.returncode) == (b"", 0)


class TestBadFrames:
    BAD = b'{"a":1}\n{"b":\n{"c":"\xff"}\n{"d":4}\n{"e"'

    def test_the_first_one_stops_it_with_one_line_after_the_values_before_it(self) -> None:
        result = cat(stdin=self.BAD)
        assert (result.stdout, result.returncode) == (b'{"a":1}\n', 1)
        said = only_line(result.stderr)
        assert said.startswith("ndstream: standard input: the line at byte 8 (line 2) ")

    @pytest.mark.parametrize(("option", "value"), [("raise", b'{"a":1}'), ("skip", b'{"d":4}')])
    def test_where_both_go_to_one_place_values_stand_before_what_is_said_after_them(
        self, option: str, value: bytes
    ) -> None:
        ran = subprocess.run(
            [*COMMAND, "cat", "--on-error", option],
            input=self.BAD,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            env=environment(),
        )
        *_, last, said = ran.stdout.splitlines()
        assert last == value
        assert said.startswith(b"ndstream: ")

    def test_the_line_names_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "log.ndjson").write_bytes(self.BAD)
        result = cat("log.ndjson", cwd=tmp_path)
        assert only_line(result.stderr).startswith("ndstream: log.ndjson: the line at byte 8 ")

    def test_skipped_ones_are_counted(self) -> None:
        result = cat("--on-error", "skip", stdin=self.BAD)
        assert (result.stdout, result.returncode) == (b'{"a":1}\n{"d":4}\n', 0)
        assert only_line(result.stderr) == "ndstream: 3 bad frames skipped"

    @pytest.mark.parametrize(
        ("framing", "data", "advice"),
        [
            ("ndjson", b'data: {"a":1}\n\n', "use --format sse"),
            ("ndjson", b"\x1e[1]\n", "use --format jsonseq"),
            ("ndjson", b'{\n  "a": 1\n}\n', "use --format json"),
            ("ndjson", b'{"a":1}{"b":2}\n', "use --format json"),
            ("jsonseq", b'{"a":1}\n', "use --format ndjson"),
            ("sse", b'{"error":"no"}\n', "use --format ndjson"),
            ("sse", b"data: 1\n", "pass --on-truncated=emit, or --on-truncated=discard"),
        ],
    )
    def test_advice_names_options_of_the_command(self, framing: str, data: bytes, advice: str) -> None:
        assert advice in only_line(cat("--format", framing, stdin=data).stderr)

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

    def test_what_is_no_file_may_be_input_and_output_at_once(self) -> None:
        with open("/dev/null", "r+b") as null:
            command = [*COMMAND, "cat", "/dev/null"]
            ran = subprocess.run(command, stdout=null, stderr=subprocess.PIPE, timeout=PATIENCE, env=environment())
        assert (ran.stderr, ran.returncode) == (b"", 0)

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
