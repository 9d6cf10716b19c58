"""``cat --text``: the text of recorded replies, as it comes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pty
import random
import signal
import subprocess
import tty
from pathlib import Path

import pytest

from cli.same_process import called
from processes.commands import COMMAND, PATIENCE, cat, environment, only_line, receive, running

SAID = b'data: {"choices":[{"delta":{"content":"%s"},"finish_reason":%s}]}\n\n'


def test_the_text_of_a_reply_comes_out_as_it_was_said(tmp_path: Path) -> None:
    (tmp_path / "chat").write_bytes(SAID % (b"Gr\xc3\xbc", b"null") + SAID % (b"\xc3\x9f\\n", b'"stop"'))
    (tmp_path / "lines").write_bytes(b'{"response":"one","done":false}\n{"response":" two","done":true}\n')
    result = cat("--text", tmp_path / "chat", tmp_path / "lines")
    assert (result.stdout.decode(), result.stderr, result.returncode) == ("Grüß\none two\n", b"", 0)


def test_what_comes_of_a_reply_that_is_cut_comes_out_and_the_status_says_so() -> None:
    result = cat("--text", stdin=SAID % (b"half", b"null"))
    assert only_line(result.stderr).endswith("the server had not said that it was done")
    assert (result.stdout, result.returncode) == (b"half\n", 1)
    assert b"standard input: the stream ended after 4 characters of text" in result.stderr


def test_text_comes_out_before_the_reply_is_over() -> None:
    with running("cat", "--text") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(SAID % (b"now", b"null"))
        assert process.stdout.read(3) == b"now"
        process.stdin.close()
        process.wait(PATIENCE)


def test_a_file_that_is_not_there_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    result = cat("--text", tmp_path / "none", "-", stdin=SAID % (b"all", b'"stop"'))
    assert (result.stdout, result.returncode) == (b"all\n", 1)
    assert b"none: No such file" in result.stderr


def test_archives_and_the_matches_of_a_glob_are_read(tmp_path: Path) -> None:
    (tmp_path / "chat.1.gz").write_bytes(gzip.compress(SAID % (b"one", b'"stop"')))
    (tmp_path / "chat").write_bytes(bz2.compress(SAID % (b"two", b'"stop"')))
    result = cat("--text", tmp_path / "chat*")
    assert (result.stdout, result.stderr, result.returncode) == (b"one\ntwo\n", b"", 0)
    result = cat("--text", stdin=(tmp_path / "chat").read_bytes())
    assert (result.stdout, result.returncode) == (b"two\n", 0)


def test_a_glob_without_a_match_is_an_error(tmp_path: Path) -> None:
    result = cat("--text", "none*", cwd=tmp_path)
    assert (only_line(result.stderr), result.returncode) == ("ndstream: none*: no file matches", 1)


def test_of_an_archive_that_is_cut_the_text_comes_out_and_then_its_damage(tmp_path: Path) -> None:
    texts = [b"%x" % random.Random(number).getrandbits(400) for number in range(50)]
    archive = gzip.compress(b"".join(SAID % (text, b"null") for text in texts))
    (tmp_path / "chat").write_bytes(archive[: len(archive) // 2])
    result = cat("--text", "chat", cwd=tmp_path)
    assert b"".join(texts).startswith(result.stdout.rstrip(b"\n"))
    assert len(result.stdout) > 1000
    assert "chat ends inside member 1, at byte" in only_line(result.stderr)
    assert result.returncode == 1


def test_what_needs_too_large_a_window_is_refused_by_the_name_of_the_option(tmp_path: Path) -> None:
    (tmp_path / "chat").write_bytes(lzma.compress(SAID % (b"one", b'"stop"')))
    result = cat("--text", "--max-window", "1000", tmp_path / "chat")
    assert "--max-window" in only_line(result.stderr)
    assert result.returncode == 1


def test_an_output_that_is_full_is_named() -> None:
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [*COMMAND, "cat", "--text"],
            input=SAID % (b"all", b'"stop"'),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            env=environment(),
        )
    assert result.returncode == 1
    assert result.stderr == b"ndstream: standard output: No space left on device\n"


def test_other_options_do_not_go_with_it() -> None:
    result = cat("--text", "--contains", "a")
    assert result.returncode == 2
    assert b"--text goes with --max-frame-size and --max-window alone" in result.stderr


def test_an_interrupt_of_text_with_a_slow_reader_ends_it_at_once(tmp_path: Path) -> None:
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


def test_text_cannot_steer_a_terminal_and_stays_as_it_is_in_a_file() -> None:
    said = SAID % (b"a\\u001b[31mb", b'"stop"')
    assert cat("--text", stdin=said).stdout == b"a\x1b[31mb\n"
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    subprocess.run(
        [*COMMAND, "cat", "--text"], input=said, stdout=theirs, timeout=PATIENCE, env=environment(), check=True
    )
    os.close(theirs)
    shown = os.read(ours, 1000)
    os.close(ours)
    assert shown.decode() == "a\ufffd[31mb\n"


def test_what_the_server_said_was_wrong_is_one_line_and_the_next_reply_comes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failed").write_bytes(SAID % (b"half", b"null") + b'data: {"error":{"message":"out of memory"}}\n\n')
    (tmp_path / "whole").write_bytes(SAID % (b"whole", b'"stop"'))
    status, out, err = called(capfd, "cat", "--text", tmp_path / "failed", tmp_path / "whole")
    assert (status, out) == (1, "half\nwhole\n")
    assert err == f"ndstream: {tmp_path}/failed: out of memory\n"
