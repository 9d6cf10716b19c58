"""Archives with a damaged member: what follows comes out after the error, and nothing is made up."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zlib
from pathlib import Path
from typing import Any

import pytest

from logs.archives import GZIP, TOOLS, ZSTD, Tool
from ndstream import DecodeError, StreamError, logs
from ndstream.logs._archives import next_member
from ndstream.logs._files import after_damage
from ndstream.logs._files.opened_file import open_file
from processes.commands import cat

LINES = [b'{"number":%d,"text":"%s"}\n' % (i, random.Random(i).randbytes(30).hex().encode()) for i in range(900)]
THIRDS = [b"".join(LINES[begin : begin + 300]) for begin in (0, 300, 600)]


def read(path: Path, **options: Any) -> tuple[list[int], list[StreamError], logs.LogStream[Any]]:
    errors: list[StreamError] = []
    stream = logs.read(path, on_error=errors.append, **options)
    return [value["number"] for value in stream], errors, stream


def read_numbers(path: Path) -> list[int]:
    return read(path)[0]


def stored_member(content: bytes, place: int | None = None) -> bytes:
    """A gzip member of stored blocks; if a place is given, a block that makes no sense begins there in the content."""
    compressor = zlib.compressobj(0, zlib.DEFLATED, 31)
    before = compressor.compress(content[:place]) + compressor.flush(zlib.Z_FULL_FLUSH)
    after = compressor.compress(content[place:]) if place is not None else b""
    after += compressor.flush()
    return before + (after if place is None else b"\xff" * 5 + after[5:])


PLACE = len(THIRDS[0]) // 2
DAMAGED = stored_member(THIRDS[0]) + stored_member(THIRDS[1], PLACE) + stored_member(THIRDS[2])
WHOLE = 300 + THIRDS[1][:PLACE].count(b"\n")
"""So many lines precede the damage."""


def damaged(members: list[bytes]) -> bytes:
    """The members in a row, the second one with wrong bytes in its middle."""
    second = bytearray(members[1])
    middle = len(second) // 2
    second[middle : middle + 40] = bytes(byte ^ 0xA5 for byte in second[middle : middle + 40])
    return members[0] + bytes(second) + members[2]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_the_members_after_a_damaged_one_come_out_after_its_error(tool: Tool, tmp_path: Path) -> None:
    archive = damaged([tool.make(part) for part in THIRDS])
    (tmp_path / "log").write_bytes(archive)
    errors: list[StreamError] = []
    # Some of the damaged member may be wrong and JSON all the same: its checksum comes last.
    lines = list(logs.read(tmp_path / "log", loads=bytes, on_error=errors.append))
    whole = [line.rstrip(b"\n") for line in LINES]
    assert lines[:300] == whole[:300]
    # The first line of the last member is not decoded: nobody knows that it is whole.
    assert lines[-299:] == whole[601:]
    damage = next(error for error in errors if isinstance(error, logs.LogFileError))
    assert damage.reason in ("corrupt", "checksum")
    assert damage.rest is not None


def test_a_wrong_checksum_loses_no_line(tmp_path: Path) -> None:
    members = [gzip.compress(part) for part in THIRDS]
    wrong = bytearray(members[1])
    wrong[-8] ^= 1
    (tmp_path / "log").write_bytes(members[0] + bytes(wrong) + members[2])
    numbers, [error], stream = read(tmp_path / "log")
    assert (numbers, error.reason) == (list(range(900)), "checksum")
    assert (stream.report.lines, stream.report.values, stream.report.bad) == (900, 900, 0)


def test_a_member_that_was_cut_before_the_next_one_was_appended_is_told_and_the_next_one_read(tmp_path: Path) -> None:
    cut = stored_member(THIRDS[0], PLACE)
    cut = cut[: cut.index(b"\xff" * 5)]
    (tmp_path / "log").write_bytes(cut + GZIP.make(THIRDS[1]))
    numbers, errors, _ = read(tmp_path / "log")
    assert numbers == [*range(THIRDS[0][:PLACE].count(b"\n")), *range(301, 600)]
    assert [error.reason for error in errors] == ["corrupt", "after_damage"]


def test_the_line_after_the_damage_is_never_a_value_and_never_lost(tmp_path: Path) -> None:
    # Without care 45 would be made of 12345.
    first, last = gzip.compress(b"1\n2\n" + b"x" * 5000 + b"123"), gzip.compress(b"45\n6\n")
    (tmp_path / "log").write_bytes(first[:-12] + b"\xff" * 4 + first[-8:] + last)
    errors: list[StreamError] = []
    assert list(logs.read(tmp_path / "log", on_error=errors.append)) == [1, 2, 6]
    torn = errors[-1]
    assert isinstance(torn, DecodeError)
    assert (torn.reason, torn.frame) == ("after_damage", b"45")


def test_with_raise_the_iteration_goes_on_after_each_error(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    stream = logs.read(tmp_path / "log")
    numbers, reasons = [], []
    while True:
        try:
            numbers.append(next(stream)["number"])
        except StopIteration:
            break
        except StreamError as error:
            reasons.append(error.reason)
    assert reasons == ["corrupt", "after_damage"]
    assert numbers == [*range(WHOLE), *range(601, 900)]


def test_dead_letters_have_the_line_after_the_damage(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    letters: list[logs.DeadLetter] = []
    stream = logs.read(tmp_path / "log", dead_letters=letters)
    with pytest.raises(logs.LogFileError):
        list(stream)
    assert [value["number"] for value in stream] == list(range(601, 900))
    assert letters[-1].reason == "after_damage"
    assert letters[-1].raw + b"\n" == LINES[600]


def test_a_position_after_the_damage_can_be_gone_on_from(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    stream = logs.read(tmp_path / "log", on_error="skip")
    with pytest.raises(logs.LogFileError):
        list(stream)
    while next(stream)["number"] < 700:
        pass
    rest = logs.read(tmp_path / "log", start=stream.position)
    assert [value["number"] for value in rest] == list(range(701, 900))


def test_a_checkpoint_after_the_damage_is_gone_on_from(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    options: Any = {"checkpoint": tmp_path / "place", "on_error": lambda error: None}
    with logs.read(tmp_path / "log", **options) as stream:
        numbers = []
        for value in stream:
            numbers.append(value["number"])
            if numbers[-1] == 700:
                stream.commit()
                break
    with logs.read(tmp_path / "log", **options) as stream:
        assert [value["number"] for value in stream] == list(range(701, 900))
    with logs.read(tmp_path / "log", **options) as stream:
        assert list(stream) == []


def test_check_counts_what_follows_the_damage(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    report = logs.check(tmp_path / "log")
    numbers = read_numbers(tmp_path / "log")
    assert numbers == [*range(WHOLE), *range(601, 900)]
    assert (report.values, report.bad["after_damage"]) == (len(numbers), 1)
    assert report.damage is not None


def test_cat_writes_what_follows_the_damage(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    result = cat("--bad", "bad", "log", cwd=tmp_path)
    assert result.stdout == b"".join(LINES[:WHOLE] + LINES[601:])
    assert result.returncode == 1
    damage, counted = result.stderr.decode().splitlines()
    assert "log, member 2 (gzip)" in damage
    assert counted.endswith("written to bad")
    letters = [logs.DeadLetter.from_json(line) for line in (tmp_path / "bad").read_bytes().splitlines()]
    assert [letter.reason for letter in letters] == ["corrupt", "after_damage"]


def test_cat_stops_at_the_line_after_the_damage_unless_bad_frames_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    result = cat("log", cwd=tmp_path)
    assert (LINES[601] in result.stdout, result.returncode) == (False, 1)
    assert "may have cut its beginning" in result.stderr.decode().splitlines()[-1]


def test_what_looks_like_a_member_and_is_none_is_not_taken_for_one(tmp_path: Path) -> None:
    good, wrong = gzip.compress(THIRDS[0]), bytearray(gzip.compress(THIRDS[1]))
    wrong[200:240] = b"\xff" * 40
    fakes = b"\x1f\x8b\x08\x00\0\0\0\0\0\x03" * 5
    (tmp_path / "log").write_bytes(good + bytes(wrong) + fakes)
    numbers, errors, _ = read(tmp_path / "log")
    assert numbers[:300] == list(range(300))
    assert isinstance(errors[-1], logs.LogFileError)
    assert errors[-1].rest is None


def test_a_file_full_of_magic_bytes_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def note(*place: Any) -> bool:
        tried.append(place)
        return False

    monkeypatch.setattr(next_member, "_is_whole_member", note)
    wrong = bytearray(ZSTD.make(THIRDS[0]))
    wrong[100:140] = b"\xff" * 40
    (tmp_path / "log").write_bytes(bytes(wrong) + b"\x28\xb5\x2f\xfd" * 100_000)
    _, errors, _ = read(tmp_path / "log")
    assert errors
    assert len(tried) <= 64


def test_an_interrupt_while_the_line_after_the_damage_is_looked_for_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "log").write_bytes(DAMAGED)
    closed = []

    def noting(*arguments: Any, **options: Any) -> Any:
        file = open_file(*arguments, **options)
        close = file.close
        file.close = lambda: closed.append(close())
        return file

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(after_damage, "open_file", noting)
    monkeypatch.setattr(after_damage, "_take_line", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read(tmp_path / "log")
    assert len(closed) == 1


def test_damage_in_the_first_line_after_damage_is_gone_on_from_too(tmp_path: Path) -> None:
    wrong = bytearray(gzip.compress(b"1" * 100))
    wrong[-8] ^= 1
    # The whole member in which no line ends is found first; its line goes on in a member that is damaged.
    archive = stored_member(THIRDS[0], PLACE) + gzip.compress(b"1" * 50) + bytes(wrong) + gzip.compress(b"7\n8\n")
    (tmp_path / "log").write_bytes(archive)
    errors: list[StreamError] = []
    values = list(logs.read(tmp_path / "log", on_error=errors.append))
    assert values[-1] == 8
    assert [error.reason for error in errors] == ["corrupt", "checksum", "after_damage"]


def test_a_member_whose_header_is_destroyed_is_passed_over(tmp_path: Path) -> None:
    for make in (gzip.compress, bz2.compress, lzma.compress):
        members = [make(part) for part in THIRDS]
        members[1] = b"no member" + members[1][9:]
        (tmp_path / "log").write_bytes(b"".join(members))
        numbers, errors, _ = read(tmp_path / "log")
        assert numbers == [*range(300), *range(601, 900)]
        assert [error.reason for error in errors] == ["corrupt", "after_damage"]


def test_a_member_that_claims_what_follows_it_is_passed_over(tmp_path: Path) -> None:
    # The length of a stored block is wrong, and goes beyond the end of the file.
    member = bytearray(stored_member(THIRDS[1]))
    member[11:15] = b"\xff\xff\x00\x00"
    (tmp_path / "log").write_bytes(stored_member(THIRDS[0]) + bytes(member) + GZIP.make(THIRDS[2]))
    numbers, errors, _ = read(tmp_path / "log")
    assert numbers[:300] == list(range(300))
    assert numbers[-299:] == list(range(601, 900))
    [damage] = [error for error in errors if isinstance(error, logs.LogFileError)]
    assert (damage.reason, type(damage)) == ("corrupt", logs.LogFileError)


def test_what_follows_the_last_member_and_is_none_is_garbage_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(gzip.compress(THIRDS[0]) + b"no member")
    _, [error], _ = read(tmp_path / "log")
    assert isinstance(error, logs.LogFileError)
    assert (error.reason, error.rest) == ("trailing_garbage", None)


CUT = stored_member(THIRDS[0], PLACE)


@pytest.mark.parametrize(
    ("members", "values", "reasons"),
    [
        ([CUT, gzip.compress(b"")], [], ["corrupt"]),
        ([CUT, gzip.compress(b"45")], [], ["corrupt", "after_damage"]),
        ([CUT, gzip.compress(b"45\n6")], [6], ["corrupt", "after_damage"]),
        ([gzip.compress(b"45\n6\n")[:-8] + bytes(8), gzip.compress(b"7\n")], [45, 6, 7], ["checksum"]),
        ([CUT, gzip.compress(b"45\n"), DAMAGED], [], ["corrupt", "after_damage"] * 2),
        (
            [CUT, gzip.compress(b"4"), gzip.compress(b"5" * 100)[:-8] + bytes(8), gzip.compress(b"6\n7\n")],
            [7],
            ["corrupt", "checksum", "after_damage"],
        ),
    ],
    ids=["nothing", "an unfinished line", "two lines", "a wrong checksum", "more damage", "damage in the first line"],
)
def test_a_check_tells_what_a_read_tells_of_what_follows_damage(
    members: list[bytes], values: list[int], reasons: list[str], tmp_path: Path
) -> None:
    (tmp_path / "log").write_bytes(b"".join(members))
    errors: list[StreamError] = []
    found = list(logs.read(tmp_path / "log", on_error=errors.append))
    report = logs.check(tmp_path / "log")
    assert [value for value in found if isinstance(value, int)] == values
    assert report.values == len(found)
    assert report.damage is not None
    assert [error.reason for error in errors] == [report.damage.reason, *(error.reason for error in report.errors)]
    assert [error.reason for error in errors] == reasons


def test_the_damage_of_a_file_object_ends_it_and_the_next_one_is_read() -> None:
    errors: list[StreamError] = []
    objects = [io.BytesIO(DAMAGED), io.BytesIO(b"1\n")]
    values = list(logs.read(objects, on_error=errors.append))
    assert (len(values), values[-1]) == (WHOLE + 1, 1)
    assert [error.reason for error in errors] == ["corrupt"]


def test_a_checkpoint_of_lines_in_envelopes_is_gone_on_from_after_damage(tmp_path: Path) -> None:
    def line(number: int) -> bytes:
        return b"2026-01-01T00:00:00Z stdout F %d\n" % number

    first = stored_member(b"".join(map(line, range(100))), len(line(10)) * 10)
    (tmp_path / "log").write_bytes(first + gzip.compress(b"".join(map(line, range(100, 200)))))
    options: Any = {"checkpoint": tmp_path / "place", "unwrap": "cri", "on_error": lambda error: None}
    with logs.read(tmp_path / "log", **options) as stream:
        for record in stream:
            if record.value == 150:
                stream.commit()
                break
    with logs.read(tmp_path / "log", **options) as stream:
        assert [record.value for record in stream] == list(range(151, 200))
