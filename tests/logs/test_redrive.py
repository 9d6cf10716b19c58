"""Driving dead letters again: once each, through the decoder, and what stays bad stays kept."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

import ndstream
from ndstream import logs

CONTENT = b'{"i":0}\n{"i":1\n{"i":2}\n{"i":3\n\xff\n{"i":5}\n'


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """The dead letters of a log beside it: lines 2, 4 and 5."""
    log, bad = tmp_path / "log", tmp_path / "bad"
    log.write_bytes(CONTENT)
    assert len(list(logs.read(log, dead_letters=bad))) == 3
    return bad


def mend(letter: logs.DeadLetter) -> bytes:
    return letter.raw + b"}"


def still(path: Path) -> list[logs.DeadLetter]:
    return [logs.DeadLetter.from_json(line) for line in path.read_bytes().splitlines()]


def test_mended_lines_come_out_with_their_letter_and_the_rest_stays_dead(bad: Path, tmp_path: Path) -> None:
    with logs.redrive(bad, fix=mend, still_bad=tmp_path / "still") as values:
        seen = [(value["i"], values.letter and values.letter.line) for value in values]
    assert seen == [(1, 2), (3, 4)]
    report = values.report
    assert (report.letters, report.driven, report.dead, report.source_changed) == (3, 2, 1, 0)
    [letter] = still(tmp_path / "still")
    assert (letter.raw, letter.line, letter.offset, letter.reason) == (b"\xff", 5, 30, "invalid_utf8")


def test_driving_twice_drives_each_letter_once(bad: Path) -> None:
    with logs.redrive(bad, fix=mend) as values:
        assert [value["i"] for value in values] == [1, 3]
    with logs.redrive(bad, fix=lambda letter: b'{"i":9}') as values:
        # What stayed dead can be mended the next time.
        assert [value["i"] for value in values] == [9]
    assert values.report.repeated == 2
    with logs.redrive(bad, fix=mend) as values:
        assert list(values) == []


def test_letters_that_are_there_twice_are_driven_once(bad: Path) -> None:
    bad.write_bytes(bad.read_bytes() * 2)
    with logs.redrive(bad, fix=mend) as values:
        assert [value["i"] for value in values] == [1, 3]
    assert values.report.repeated == 2


def test_the_same_place_in_another_generation_is_another_letter(bad: Path) -> None:
    letters = bad.read_bytes().splitlines(keepends=True)
    bad.write_bytes(letters[0] + letters[0].replace(b'{\\"i\\":1', b'{\\"i\\":7'))
    with logs.redrive(bad, fix=mend) as values:
        assert [value["i"] for value in values] == [1, 7]


def test_a_value_whose_handling_was_interrupted_comes_again(bad: Path) -> None:
    with logs.redrive(bad, fix=mend) as values:
        assert [next(values)["i"], next(values)["i"]] == [1, 3]
    with logs.redrive(bad, fix=mend) as values:
        assert [value["i"] for value in values] == [3]


def test_a_torn_note_of_what_was_driven_is_ignored(bad: Path) -> None:
    list(logs.redrive(bad, fix=mend))
    driven = Path(f"{bad}.driven")
    driven.write_bytes(driven.read_bytes()[:-5])
    assert [value["i"] for value in logs.redrive(bad, fix=mend)] == [3]
    assert list(logs.redrive(bad, fix=mend)) == []


def test_a_fix_may_drop_lines_fail_or_make_several_of_one(bad: Path, tmp_path: Path) -> None:
    def fix(letter: logs.DeadLetter) -> bytes | None:
        if letter.line == 2:
            return None
        if letter.line == 4:
            raise KeyError("i")
        return b'{"i":4}\n{"i":4.5}'

    with logs.redrive(bad, fix=fix, still_bad=tmp_path / "still") as values:
        assert [value["i"] for value in values] == [4, 4.5]
    assert (values.report.dropped, values.report.dead, values.report.driven) == (1, 1, 2)
    [letter] = still(tmp_path / "still")
    assert (letter.reason, letter.raw) == ("fix_failed", b'{"i":3')
    assert "KeyError" in letter.message


def test_a_fix_that_returns_text_is_told_what_to_return(bad: Path) -> None:
    fix: Any = lambda letter: "text"  # noqa: E731
    with logs.redrive(bad, fix=fix) as values, pytest.raises(TypeError, match="as bytes"):
        next(values)


def test_a_source_that_changed_since_is_said_and_the_letter_is_driven(bad: Path, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(CONTENT.replace(b'{"i":1', b'{"j":1'))
    with logs.redrive(bad, fix=mend) as values:
        assert [value["i"] for value in values] == [1, 3]
    assert values.report.source_changed == 1
    (tmp_path / "log").unlink()
    Path(f"{bad}.driven").unlink()
    assert [value["i"] for value in logs.redrive(bad, fix=mend)] == [1, 3]


@pytest.mark.parametrize("compressed", [False, True])
def test_an_over_long_line_is_read_again_with_a_larger_limit(tmp_path: Path, compressed: bool) -> None:
    log, bad = tmp_path / "log", tmp_path / "bad"
    long = b'"' + b"x" * 500_000 + b'"'
    content = b"1\n" + long + b"\r\n2\n" + long + b"\n"
    log.write_bytes(gzip.compress(content) if compressed else content)
    assert list(logs.read(log, max_frame_size=1000, dead_letters=bad)) == [1, 2]
    with logs.redrive(bad, max_frame_size=1000, driven=tmp_path / "d") as values:
        assert list(values) == []
    assert values.report.dead == 2
    with logs.redrive(bad, driven=tmp_path / "d") as values:
        assert list(values) == [orjson.loads(long)] * 2


def test_an_over_long_line_that_is_another_one_now_stays_dead(tmp_path: Path) -> None:
    log, bad = tmp_path / "log", tmp_path / "bad"
    log.write_bytes(b'"' + b"x" * 5000 + b'"\n')
    assert list(logs.read(log, max_frame_size=1000, dead_letters=bad)) == []
    log.write_bytes(b'"' + b"x" * 4999 + b'y"\n')
    with logs.redrive(bad, still_bad=tmp_path / "still") as values:
        assert list(values) == []
    assert (values.report.dead, values.report.source_changed) == (1, 1)
    assert [letter.key for letter in still(tmp_path / "still")] == [letter.key for letter in still(bad)]


def test_lines_that_are_no_letters_are_counted(bad: Path) -> None:
    bad.write_bytes(b"x\n{}\n" + bad.read_bytes()[:-5])
    with logs.redrive(bad, fix=mend) as values:
        assert [value["i"] for value in values] == [1, 3]
    assert values.report.unreadable == 3


def test_what_stays_bad_cannot_go_where_it_is_read(bad: Path) -> None:
    with pytest.raises(ValueError, match="another file"):
        logs.redrive(bad, still_bad=bad)
    with logs.DeadLetters(bad, append=True) as letters, pytest.raises(ValueError, match="another file"):
        logs.redrive(bad, still_bad=letters)
    before = bad.read_bytes()
    with pytest.raises(ValueError, match="driven= must be another file"):
        logs.redrive(bad, driven=bad)
    assert bad.read_bytes() == before


def test_what_stays_bad_and_what_was_driven_are_two_files(bad: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for still_bad, driven in (("other", "other"), (f"{bad.name}.driven", None)):
        with pytest.raises(ValueError, match="still_bad= and driven= must be two files"):
            logs.redrive(
                bad, still_bad=tmp_path / still_bad, driven=None if driven is None else f"{tmp_path}/./{driven}"
            )
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such devices")
def test_a_device_keeps_no_letters(bad: Path) -> None:
    with pytest.raises(ValueError, match="/dev/null is a pipe or a device"):
        logs.redrive(bad, driven="/dev/null")


def test_two_at_once_are_refused(bad: Path) -> None:
    with logs.redrive(bad), pytest.raises(BlockingIOError, match="another process"):
        logs.redrive(bad)


def test_a_file_of_something_else_is_not_taken_for_what_was_driven(bad: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"important\n")
    with pytest.raises(ValueError, match="name another file"):
        logs.redrive(bad, driven=tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == b"important\n"


def test_letters_of_the_command_are_driven(tmp_path: Path) -> None:
    log, bad = tmp_path / "log", tmp_path / "bad"
    log.write_bytes(CONTENT)

    subprocess.run([sys.executable, "-m", "ndstream", "cat", "--bad", bad, log], capture_output=True)
    assert [value["i"] for value in logs.redrive(bad, fix=mend)] == [1, 3]


def test_errors_name_the_place_in_the_log(bad: Path, tmp_path: Path) -> None:
    with logs.redrive(bad, still_bad=tmp_path / "still") as values:
        assert list(values) == []
    assert ["byte 8 (line 2)" in letter.message for letter in still(tmp_path / "still")] == [True, False, False]
    assert issubclass(ndstream.DecodeError, ValueError)


def test_a_failure_leaves_the_letters_to_the_next_attempt(bad: Path) -> None:
    values = logs.redrive(bad, still_bad="/dev/full")
    with pytest.raises(OSError, match="No space left"):
        next(values)
    with logs.redrive(bad, fix=mend) as others:
        assert [value["i"] for value in others] == [1, 3]


def test_letters_of_a_file_with_any_name_are_driven_once(tmp_path: Path) -> None:
    log, bad = tmp_path / "é\n.log", tmp_path / "bad"
    log.write_bytes(CONTENT)
    list(logs.read(log, dead_letters=bad))
    for driven in ([1, 3], []):
        assert [value["i"] for value in logs.redrive(bad, fix=mend) if "i" in value] == driven


@pytest.mark.parametrize("left", [None, gzip.compress(b"9" * 5000, 0)[:2000]], ids=["gone", "damaged"])
@pytest.mark.parametrize(
    ("limit", "words"), [(1000, "in max_frame_size=1000 bytes"), (None, r"read again from .*log(?! in )")]
)
def test_an_over_long_line_that_is_not_there_any_more_stays_dead(
    limit: int | None, words: str, left: bytes | None, tmp_path: Path
) -> None:
    log, bad = tmp_path / "log", tmp_path / "bad"
    log.write_bytes(b"9" * 5000 + b"\n")
    assert list(logs.read(log, max_frame_size=10, dead_letters=bad)) == []
    log.unlink()
    if left is not None:
        log.write_bytes(left)
    with logs.redrive(bad, still_bad=tmp_path / "still", max_frame_size=limit) as values:
        assert list(values) == []
    [letter] = still(tmp_path / "still")
    assert re.search(words, letter.message)


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_line_of_an_archive_is_driven_as_the_letter_has_it(is_damaged: bool, tmp_path: Path) -> None:
    log, bad = tmp_path / "log.gz", tmp_path / "bad"
    log.write_bytes(gzip.compress(CONTENT))
    list(logs.read(log, dead_letters=bad))
    log.write_bytes(b"\x1f\x8b\x08\xff" + bytes(20) if is_damaged else gzip.compress(b"another\n"))
    with logs.redrive(bad, fix=mend) as values:
        assert [value["i"] for value in values] == [1, 3]
    assert values.report.source_changed == 0


def test_a_letter_without_a_digest_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    log, bad = tmp_path / "log", tmp_path / "bad"
    too_large = ndstream.FrameTooLargeError("long", frame=b"12", offset=0, line=1)
    with logs.DeadLetters(bad) as letters:
        letters.write(str(log), too_large)
    log.write_bytes(b"1345\n")
    with logs.redrive(bad, driven=tmp_path / "d") as values:
        assert list(values) == []
    log.write_bytes(b"1234\n")
    with logs.redrive(bad, driven=tmp_path / "d") as values:
        assert list(values) == [1234]


def test_what_stays_bad_is_free_again_if_the_letters_cannot_be_driven(bad: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="folder"):
        logs.redrive(bad, driven=tmp_path / "folder" / "driven", still_bad=tmp_path / "still")
    logs.DeadLetters(tmp_path / "still").close()
