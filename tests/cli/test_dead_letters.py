"""``cat --bad``: bad frames with all it takes to find them and decode them again."""

from __future__ import annotations

import base64
import hashlib
import os
import pty
import subprocess
import tty
from pathlib import Path

import orjson
import pytest

from cli.same_process import called
from processes.commands import COMMAND, PATIENCE, cat, environment, only_line, receive, running, send

NDJSON = b'{"a":1}\n{"b":[2,"\xc3\xa9"]}\n3\n'
BAD = b'{"a":1}\n{"b":\n{"c":"\xff"}\n{"d":4}\n{"e"'


def dead_letters_in(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def raw(letter: dict[str, object]) -> bytes:
    """The frame in a dead letter."""
    if "raw" in letter:
        return str(letter["raw"]).encode()
    return base64.b64decode(str(letter["base64"]))


def test_dead_letters_say_where_and_what_and_hold_the_frame(tmp_path: Path) -> None:
    log, bad = tmp_path / "log.ndjson", tmp_path / "bad.ndjson"
    log.write_bytes(BAD)
    result = cat("--bad", bad, log)
    assert (result.stdout, result.returncode) == (b'{"a":1}\n{"d":4}\n', 1)
    assert only_line(result.stderr) == f"ndstream: 3 bad frames written to {bad}"
    letters = dead_letters_in(bad)
    assert [
        (letter["file"], letter["offset"], letter["line"], letter["reason"], letter["position"]) for letter in letters
    ] == [
        (str(log), 8, 2, "invalid_json", 5),
        (str(log), 14, 3, "invalid_utf8", 6),
        (str(log), 32, 5, "unfinished", 4),
    ]
    assert [raw(letter) for letter in letters] == [b'{"b":', b'{"c":"\xff"}', b'{"e"']
    assert ["base64" in letter for letter in letters] == [False, True, False]
    assert all(BAD.startswith(raw(letter), int(str(letter["offset"]))) for letter in letters)
    assert all(str(letter["message"]).startswith("the line at byte ") for letter in letters)


def test_dead_letters_drive_again_once_they_are_mended(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    cat("--bad", bad, stdin=b'{"a":1,}\n{"b":"\x00\\n"}\n2\n{"c":3,}')
    again = b"".join(raw(letter).replace(b",}", b"}") + b"\n" for letter in dead_letters_in(bad))
    assert again == b'{"a":1}\n{"b":"\x00\\n"}\n{"c":3}\n'
    assert cat("--on-error", "skip", stdin=again).stdout == b'{"a":1}\n{"c":3}\n'


def test_dead_letters_are_values_for_the_command_itself(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    cat("--bad", bad, stdin=BAD)
    assert cat(bad).stdout == bad.read_bytes()


def test_dead_letters_of_several_files_have_their_names_and_their_own_offsets(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    (tmp_path / "one").write_bytes(b"1\nx\n")
    (tmp_path / "two").write_bytes(b"\x1e{]\x1e2\n")
    result = cat("--bad", bad, "one", "-", "two", stdin=b"data: 3\n\ndata: {]\n\n", cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"1\n3\n2\n", 1)
    places = [(letter["file"], letter["offset"], letter["line"], raw(letter)) for letter in dead_letters_in(bad)]
    assert places == [("one", 2, 2, b"x"), ("-", 9, 3, b"{]"), ("two", 0, None, b"{]")]


def test_without_bad_frames_the_file_of_dead_letters_is_empty(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    bad.write_bytes(b"from an earlier run\n")
    result = cat("--bad", bad, stdin=NDJSON)
    assert (result.stdout, result.stderr, result.returncode) == (NDJSON, b"", 0)
    assert bad.read_bytes() == b""


def test_dead_letters_with_raise_stop_at_the_first(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    result = cat("--bad", bad, "--on-error", "raise", stdin=BAD)
    assert (result.stdout, result.returncode) == (b'{"a":1}\n', 1)
    assert only_line(result.stderr).startswith("ndstream: standard input: the line at byte 8 ")
    assert [raw(letter) for letter in dead_letters_in(bad)] == [b'{"b":']


def test_dead_letters_with_skip_are_no_failure(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    assert cat("--bad", bad, "--on-error", "skip", stdin=BAD).returncode == 0
    assert len(dead_letters_in(bad)) == 3


def test_a_dead_letter_is_there_while_the_pipe_is_still_open(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    with running("cat", "--bad", str(bad)) as process:
        send(process, b"x\n1\n")
        assert receive(process, 2) == b"1\n"
        assert [raw(letter) for letter in dead_letters_in(bad)] == [b"x"]


def test_dead_letters_cannot_replace_what_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log.ndjson"
    log.write_bytes(NDJSON)
    result = cat("--bad", log, log)
    assert (result.stdout, result.returncode, log.read_bytes()) == (b"", 2, NDJSON)
    assert "'--bad'" in only_line(result.stderr)


def test_bad_frames_cannot_go_to_standard_output(tmp_path: Path) -> None:
    result = cat("--bad", "-", stdin=BAD, cwd=tmp_path)
    assert (result.stdout, result.returncode) == (b"", 2)
    assert "name a file, or /dev/stderr" in only_line(result.stderr)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_past_the_limit_is_bad_and_the_line_names_the_option(tmp_path: Path) -> None:
    bad = tmp_path / "bad.ndjson"
    lines = b'"%b"\n1\n' % (b"x" * 3000)
    result = cat("--max-frame-size", "1000", stdin=lines)
    assert result.returncode == 1
    assert "--max-frame-size=1000 bytes; pass a larger --max-frame-size, or 0 for no limit" in only_line(result.stderr)
    assert cat("--max-frame-size", "1000", "--bad", bad, stdin=lines).stdout == b"1\n"
    (letter,) = dead_letters_in(bad)
    assert (letter["reason"], letter["cut"], raw(letter)) == ("too_large", True, lines[:256])
    assert (letter["length"], letter["sha256"]) == (None, None)
    log = tmp_path / "log.ndjson"
    log.write_bytes(lines)
    cat("--max-frame-size", "1000", "--bad", bad, log)
    (letter,) = dead_letters_in(bad)
    assert (letter["length"], letter["sha256"]) == (3002, hashlib.sha256(lines[:3002]).hexdigest())


def test_a_name_that_is_not_text_is_one_line(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xffone\n")
    (tmp_path / name).write_bytes(b"x\n")
    result = cat("--bad", tmp_path / "bad", name, "none\n", cwd=tmp_path)
    assert len(result.stderr.splitlines()) == 2
    (letter,) = dead_letters_in(tmp_path / "bad")
    assert letter["file"] == "\N{REPLACEMENT CHARACTER}one\n"


def test_a_read_that_fails_leaves_what_was_read_and_one_line(tmp_path: Path) -> None:
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


def test_dead_letters_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    result = cat("--bad", "/dev/full", stdin=b"1\nx\n2\n")
    assert (result.stdout, result.returncode) == (b"1\n", 1)
    assert "ndstream: /dev/full: No space left on device" in result.stderr.decode().splitlines()
    assert b"Traceback" not in result.stderr
    result = cat("--bad", tmp_path / "none" / "bad", stdin=b"1\n")
    assert only_line(result.stderr) == f"ndstream: {tmp_path}/none/bad: No such file or directory"
    result = cat("--bad", tmp_path / "no\nne" / "bad", stdin=b"1\n")
    assert only_line(result.stderr) == f"ndstream: {tmp_path}/no ne/bad: No such file or directory"
    assert (result.stdout, result.returncode) == (b"", 1)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_make_no_traceback(closed: str, tmp_path: Path) -> None:
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


def test_a_bad_line_of_a_split_has_its_place_and_no_number(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_bytes(b"1\n2\n" + b"9" * 30 + b"\n")
    split = called(capfd, "split", "--size", "2", tmp_path / "log")[1].splitlines()[2]
    options = ("--max-frame-size", "20", "--bad", tmp_path / "bad")
    assert called(capfd, "cat", "--split", split, *options)[:2] == (1, "")
    [letter] = dead_letters_in(tmp_path / "bad")
    assert (letter["offset"], letter["line"], letter["length"]) == (4, None, 30)
    message = str(letter["message"])
    assert message.startswith("the line at byte 4 ")
    assert "--max-frame-size" in message
