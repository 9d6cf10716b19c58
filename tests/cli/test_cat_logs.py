"""``ndstream cat`` of logs that are followed, resumed, sampled and unwrapped."""

from __future__ import annotations

import gzip
import json
import os
import random
import select
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from cli.same_process import called
from processes.commands import COMMAND, PATIENCE, cat, environment, only_line, receive, running, send

LINES = b"".join(b'{"number":%d}\n' % i for i in range(1000))
CRI = b"2026-01-01T00:00:01Z stdout P [1,\n2026-01-01T00:00:01Z stderr F 2\n2026-01-01T00:00:02Z stdout F 3]\n"


class TestUnwrap:
    def test_the_values_in_envelopes_come_out(self) -> None:
        assert cat("--unwrap", "cri", stdin=CRI).stdout == b"2\n[1,3]\n"

    def test_they_come_while_the_pipe_is_still_open(self) -> None:
        with running("cat", "--unwrap", "cri") as process:
            for line in (b"2026-01-01T00:00:01Z stdout F 1\n", b"2026-01-01T00:00:01Z stdout F 2\n"):
                send(process, line)
                assert receive(process, 2) == line.split()[-1] + b"\n"

    @pytest.mark.parametrize("follow", [(), ("--follow", "--stop-after-idle", "0.1")])
    def test_a_line_that_was_begun_in_one_run_ends_in_the_next(self, follow: tuple[str, ...], tmp_path: Path) -> None:
        first, second, third = CRI.splitlines(keepends=True)
        options = ("--unwrap", "cri", "--checkpoint", "place", "--on-error", "skip", *follow, "log")
        for content, values in ((first + second, b"2\n"), (third, b"[1,3]\n"), (b"", b"")):
            with (tmp_path / "log").open("ab") as file:
                file.write(content)
            assert cat(*options, cwd=tmp_path).stdout == values

    def test_what_is_no_envelope_is_a_bad_frame(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"no\n" + CRI)
        result = cat("--unwrap", "cri", "--bad", "bad", "log", cwd=tmp_path)
        assert (result.stdout, result.returncode) == (b"2\n[1,3]\n", 1)
        assert orjson.loads((tmp_path / "bad").read_bytes())["reason"] == "invalid_envelope"


class TestSample:
    def test_it_is_a_share_of_the_lines_and_the_same_each_time(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(LINES)
        one = cat("--sample", "0.1", "log", cwd=tmp_path).stdout.splitlines()
        assert 50 < len(one) < 200
        assert set(one) <= set(LINES.splitlines())
        assert cat("--sample", "0.1", "log", cwd=tmp_path).stdout.splitlines() == one
        assert cat("--sample", "0.1", "--seed", "1", "log", cwd=tmp_path).stdout.splitlines() != one


class TestBadLines:
    LOG = b"1\nx\n2\ny\n"

    def test_the_first_one_stops_it_after_the_values_before_it(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(self.LOG)
        result = cat("--checkpoint", "place", "log", cwd=tmp_path)
        assert (result.stdout, result.returncode) == (b"1\n", 1)
        assert only_line(result.stderr).startswith("ndstream: log: the line at byte 2 (line 2) ")

    @pytest.mark.parametrize("follow", [(), ("--follow", "--stop-after-idle", "0.1")])
    def test_skipped_ones_are_counted(self, follow: tuple[str, ...], tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(self.LOG)
        result = cat("--checkpoint", "place", "--on-error", "skip", "--json", *follow, "log", cwd=tmp_path)
        assert (result.stdout, result.returncode) == (b"1\n2\n", 0)
        skipped, figures = result.stderr.splitlines()
        assert skipped == b"ndstream: 2 bad frames skipped"
        assert (json.loads(figures)["values"], json.loads(figures)["bad"]) == (2, 2)

    @pytest.mark.parametrize("follow", [(), ("--follow", "--stop-after-idle", "0.1")])
    def test_dead_letters_are_appended_to_where_a_checkpoint_goes_on(
        self, follow: tuple[str, ...], tmp_path: Path
    ) -> None:
        options = ("--checkpoint", "place", "--bad", "bad", *follow, "log")
        for content in (self.LOG, b"3\nz\n"):
            with (tmp_path / "log").open("ab") as file:
                file.write(content)
            result = cat(*options, cwd=tmp_path)
            assert result.returncode == 1
        assert result.stdout == b"3\n"
        letters = [orjson.loads(line) for line in (tmp_path / "bad").read_bytes().splitlines()]
        assert [(letter["file"], letter["line"], letter["raw"]) for letter in letters] == [
            ("log", 2, "x"),
            ("log", 4, "y"),
            ("log", 6, "z"),
        ]

    def test_the_line_that_damage_cut_is_kept_whether_it_ends_the_run_or_not(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "log.gz").write_bytes(gzip.compress(b'1\n{"a":', 0)[:-9])
        letters = []
        for number, options in enumerate([("--on-error", "raise"), ()]):
            place, bad = tmp_path / f"place{number}", tmp_path / f"bad{number}"
            status, out, _ = called(capfd, "cat", "--checkpoint", place, "--bad", bad, *options, tmp_path / "log.gz")
            assert (status, out) == (1, "1\n")
            letters.append(orjson.loads(bad.read_bytes()))
        assert letters[0] == letters[1]
        assert (letters[0]["reason"], letters[0]["line"], letters[0]["raw"][:3]) == ("truncated_archive", 2, '{"a')

    @pytest.mark.parametrize("is_pipe", [False, True])
    def test_an_overlong_line_is_read_again_for_its_length_unless_it_came_through_a_pipe(
        self, is_pipe: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        log, content = tmp_path / "log", b"1\n" + b"9" * 200_000 + b"\n"
        if is_pipe:
            os.mkfifo(log)
        with ThreadPoolExecutor() as pool:
            writer = pool.submit(log.write_bytes, content)
            if not is_pipe:
                writer.result()
            options = ("--sample", "1", "--max-frame-size", "10", "--on-error", "raise", "--bad", tmp_path / "bad")
            assert called(capfd, "cat", *options, log)[:2] == (1, "1\n")
            writer.exception()
        assert orjson.loads((tmp_path / "bad").read_bytes())["length"] == (None if is_pipe else 200_000)

    def test_a_file_with_something_else_is_no_place_to_append_dead_letters_to(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(self.LOG)
        (tmp_path / "bad").write_bytes(b"mine\n")
        result = cat("--checkpoint", "place", "--bad", "bad", "log", cwd=tmp_path)
        assert (result.returncode, (tmp_path / "bad").read_bytes()) == (2, b"mine\n")
        assert "something else than dead letters" in only_line(result.stderr)


class TestCheckpoint:
    def test_the_next_run_goes_on_where_the_last_one_ended(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"1\n2\n")
        assert cat("--checkpoint", "place", "log", cwd=tmp_path).stdout == b"1\n2\n"
        with (tmp_path / "log").open("ab") as file:
            file.write(b"3\n")
        assert cat("--checkpoint", "place", "log", cwd=tmp_path).stdout == b"3\n"

    def test_another_file_under_the_name_is_one_line_that_names_the_option(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"1\n2\n")
        cat("--checkpoint", "place", "log", cwd=tmp_path)
        (tmp_path / "log").write_bytes(b"3\n4\n5\n")
        result = cat("--checkpoint", "place", "log", cwd=tmp_path)
        assert (result.stdout, result.returncode) == (b"", 1)
        assert "--on-mismatch restart" in only_line(result.stderr)
        assert cat("--checkpoint", "place", "--on-mismatch", "restart", "log", cwd=tmp_path).stdout == b"3\n4\n5\n"

    def test_a_damaged_checkpoint_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"1\n")
        (tmp_path / "place").write_bytes(b"")
        result = cat("--checkpoint", "place", "log", cwd=tmp_path)
        assert (result.stdout, result.returncode) == (b"", 1)
        assert "is empty or damaged" in only_line(result.stderr)

    @pytest.mark.parametrize(
        ("kind", "follow"), [("plain", ()), ("gzip", ()), ("plain", ("--follow", "--stop-after-idle", "0.3"))]
    )
    def test_after_kills_at_any_moment_every_line_was_written(
        self, kind: str, follow: tuple[str, ...], tmp_path: Path
    ) -> None:
        data = b"".join(b'{"number":%d,"text":"%b"}\n' % (i, b"x" * 200) for i in range(100_000))
        (tmp_path / "log").write_bytes(gzip.compress(data, 1) if kind == "gzip" else data)
        output = tmp_path / "output"
        command = [*COMMAND, "cat", "--checkpoint", "place", *follow, "log"]
        for wanted in sorted(random.sample(range(1, len(data)), 4)):
            with (
                output.open("ab") as file,
                subprocess.Popen(command, stdout=file, cwd=tmp_path, env=environment()) as run,
            ):
                deadline = time.monotonic() + PATIENCE
                while run.poll() is None and output.stat().st_size < wanted:
                    assert time.monotonic() < deadline
                    time.sleep(0.001)
                run.kill()
        with output.open("ab") as file:
            subprocess.run(command, stdout=file, cwd=tmp_path, env=environment(), check=True, timeout=PATIENCE)
        # A kill may tear the last line of a run, so that the next line begins in the middle of one.
        whole = set(data.splitlines())
        assert whole <= {b"{" + part for part in output.read_bytes().replace(b"\n", b"").split(b"{")[1:]}


class TestFollow:
    def test_values_appear_as_they_are_written(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"1\n")
        with running("cat", "--follow", str(tmp_path / "log")) as process:
            assert receive(process, 2) == b"1\n"
            with (tmp_path / "log").open("ab", 0) as file:
                file.write(b"2")
                file.write(b"2\n3\n")
                assert receive(process, 5) == b"22\n3\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT

    def test_it_goes_on_in_the_next_file_after_a_rotation(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"1\n")
        with running("cat", "-f", str(tmp_path / "log")) as process:
            assert receive(process, 2) == b"1\n"
            (tmp_path / "log").rename(tmp_path / "log.1")
            (tmp_path / "log").write_bytes(b"2\n")
            assert receive(process, 2) == b"2\n"

    def test_it_may_begin_at_the_end(self, tmp_path: Path) -> None:
        (tmp_path / "log").write_bytes(b"1\n")
        with running("cat", "-f", "--start", "end", str(tmp_path / "log")) as process:
            assert process.stdout is not None
            # When it has begun is not known, so that lines are written until one of them comes.
            while not select.select([process.stdout], [], [], 0.05)[0]:
                assert process.poll() is None
                with (tmp_path / "log").open("ab") as file:
                    file.write(b"2\n")
            assert receive(process, 2) == b"2\n"

    def test_it_takes_globs_and_a_file_that_is_not_there_yet(self, tmp_path: Path) -> None:
        with running("cat", "-f", str(tmp_path / "*.log"), str(tmp_path / "other")) as process:
            (tmp_path / "a.log").write_bytes(b"1\n")
            assert receive(process, 2) == b"1\n"
            (tmp_path / "other").write_bytes(b"2\n")
            assert receive(process, 2) == b"2\n"


def test_the_output_is_not_read_as_input(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(LINES)
    for option in (("--sample", "1"), ("--follow",)):
        with log.open("ab") as file:
            ran = subprocess.run(
                [*COMMAND, "cat", *option, log],
                stdout=file,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                env=environment(),
            )
        assert (only_line(ran.stderr), ran.returncode) == (f"ndstream: {log}: this is the output as well", 1)
    assert log.read_bytes() == LINES
