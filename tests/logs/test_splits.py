"""Splits of files: whatever their size, each line is in one of them, with the offset that it has in the file."""

from __future__ import annotations

import io
import pickle
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

import ndstream
import real_parts
from logs.archives import GZIP, LIBRARIES, TOOLS, ZSTD, Tool, outcome
from ndstream import logs

TRICKY = (
    b"\xef\xbb\xbf1\n22\n\n\n333\r\n\r\n" + b'"%s"\n' % (b"x" * 40) + '"\u20ac\\u20ac\\n"\n'.encode() + b"x\n  \n7\n88"
)
BGZIP = next(tool for tool in TOOLS if tool.name == "bgzip")
PZSTD = next(tool for tool in TOOLS if tool.name == "pzstd")


def bgzf_block(content: bytes) -> bytes:
    """A member as bgzip writes it, for blocks that are smaller than the 64 KiB it takes."""
    compressor = zlib.compressobj(wbits=-15)
    deflated = compressor.compress(content) + compressor.flush()
    header = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H2sHH", 6, b"BC", 2, len(deflated) + 25)
    return header + deflated + struct.pack("<II", zlib.crc32(content), len(content))


def zstd_frame(content: bytes, *, states_size: bool = True) -> bytes:
    real_parts.command("zstd", "zstd")
    real_parts.library(LIBRARIES["zstd"])
    return ZSTD.make(content, *([f"--stream-size={len(content)}"] if states_size and content else []))


def skippable(content: bytes) -> bytes:
    return b"\x50\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def lines_of(source: Any, **options: Any) -> list[tuple[int, bytes]]:
    """Each line with the offset of its end, and each bad one with that of its beginning, in order."""
    found: list[tuple[int, bytes]] = []
    options.setdefault("loads", bytes)
    with logs.read(source, on_error=lambda error: found.append((error.offset, error.frame)), **options) as stream:
        for value in stream:
            found.append((stream.offset, value))
    return found


def lines_of_splits(path: Path, size: int, **options: Any) -> list[tuple[int, bytes]]:
    return [line for split in logs.splits(path, size) for line in lines_of(split, **options)]


def test_every_size_gives_each_line_of_a_plain_file_once(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(TRICKY)
    expected = lines_of(path)
    assert len(expected) == 8
    for size in range(1, len(TRICKY) + 2):
        assert lines_of_splits(path, size) == expected, size


def test_values_and_bad_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(TRICKY)
    expected = lines_of(path, loads=None)
    assert (77, b"x") in expected or any(line == b"x" for _, line in expected)
    for size in range(1, len(TRICKY) + 2):
        assert lines_of_splits(path, size, loads=None) == expected, size


ARCHIVES = {
    "blocks of bgzip": lambda piece: bgzf_block(piece),
    "frames of zstd that state their size": lambda piece: zstd_frame(piece),
    "frames of zstd that do not": lambda piece: zstd_frame(piece, states_size=False),
}


@pytest.mark.parametrize("make", ARCHIVES.values(), ids=ARCHIVES)
@pytest.mark.parametrize("piece_size", [1, 7, 64])
def test_every_size_gives_each_line_of_an_archive_once(make: Any, piece_size: int, tmp_path: Path) -> None:
    members = [make(piece) for piece in pieces(TRICKY, piece_size)]
    # An empty member at the beginning, between, and at the end, as bgzip puts one there.
    for place in (0, len(members) // 2, len(members) + 2):
        members.insert(place, make(b""))
    path = tmp_path / "a.log.archive"
    path.write_bytes(b"".join(members))
    expected = lines_of(path)
    assert len(logs.splits(path, 1)) == -(-len(TRICKY) // piece_size)
    size = len(path.read_bytes())
    for split_size in range(1, size + 2, 1 if piece_size > 1 else 41):
        assert lines_of_splits(path, split_size) == expected, split_size


@pytest.mark.parametrize("make", ARCHIVES.values(), ids=ARCHIVES)
def test_each_split_of_an_archive_has_as_many_members_as_the_size_takes(make: Any, tmp_path: Path) -> None:
    member = make(b'"a line"\n' * 20)
    path = tmp_path / "a.log.archive"
    path.write_bytes(member * 10)
    for size, begins in ((1, range(10)), (len(member), range(10)), (len(member) + 1, range(0, 10, 2)), (10**6, [0])):
        assert [split.member.compressed_offset for split in logs.splits(path, size)] == [
            number * len(member) for number in begins
        ]


@pytest.mark.parametrize("tool", [BGZIP, PZSTD], ids=lambda tool: tool.name)
def test_archives_of_the_real_tools_are_split(tool: Tool, tmp_path: Path) -> None:
    rng = random.Random(5)
    data = b"".join(b'{"n":%d,"text":"%x"}\n' % (n, rng.getrandbits(rng.choice((8, 4000)))) for n in range(20_000))
    path = tmp_path / "a.log.archive"
    path.write_bytes(tool.make(data))
    found = logs.splits(path, 500_000)
    assert len(found) > 4 or tool is PZSTD
    assert len(found) > 1
    assert [split.unsplittable for split in found] == [None] * len(found)
    assert lines_of_splits(path, 500_000) == lines_of(path)


def test_skippable_frames_belong_to_no_line(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    frames = [skippable(b"index"), zstd_frame(b"1\n2"), skippable(b""), zstd_frame(b"2\n3\n"), skippable(b"\n\n")]
    path.write_bytes(b"".join(frames))
    assert [lines_of(split) for split in logs.splits(path, 1)] == [[(2, b"1"), (5, b"22")], [(7, b"3")]]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_what_cannot_be_split_is_one_split_that_says_why(tool: Tool, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(tool.make(TRICKY))
    found = logs.splits(path, 1)
    assert [line for split in found for line in lines_of(split)] == lines_of(path)
    if tool not in (BGZIP, PZSTD):
        [split] = found
        assert split.unsplittable


def test_one_plain_file_of_several_is_cut_and_a_file_that_is_named_twice_is_split_once(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"1\n2\n")
    (tmp_path / "a.log.1").write_bytes(b"0\n")
    (tmp_path / "link").symlink_to("a.log")
    found = logs.splits([f"{tmp_path}/a.log*", tmp_path / "link"], 2)
    assert [Path(split.path).name for split in found] == ["a.log.1", "a.log", "a.log"]
    assert [value for split in found for value in logs.read(split)] == [0, 1, 2]


def test_an_empty_file_is_an_empty_split(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    [split] = logs.splits(tmp_path / "a.log", 1)
    with logs.read(split) as stream:
        assert list(stream) == []
    assert [file.path for file in stream.report.files] == [split.path]


def test_a_split_a_report_and_bad_lines_can_be_pickled(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"1\nx\n3\n")
    for split in pickle.loads(pickle.dumps(logs.splits(path, 3))):
        bad: list[logs.DeadLetter] = []
        with logs.read(split, dead_letters=bad) as stream:
            values = list(stream)
        assert pickle.loads(pickle.dumps((split, stream.report, bad))) == (split, stream.report, bad)
        assert len(values) + len(bad) == stream.report.lines


def test_the_counts_of_all_splits_add_up_to_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(TRICKY)
    whole = outcome(path, loads=None).report
    for size in (1, 5, 30):
        reports = [outcome(split, loads=None).report for split in logs.splits(path, size)]
        for name in ("bytes", "compressed_bytes", "lines", "values", "bad"):
            assert sum(getattr(report, name) for report in reports) == getattr(whole, name), name


def test_a_sample_is_the_same_lines_in_splits_as_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    data = b"".join(b"%d\n" % n for n in range(1000))
    path.write_bytes(b"".join(map(bgzf_block, pieces(data, 100))))
    expected = list(logs.read(path, sample=0.2, seed=3))
    assert 100 < len(expected) < 300
    assert [value for split in logs.splits(path, 200) for value in logs.read(split, sample=0.2, seed=3)] == expected


def test_a_dead_letter_of_a_split_has_the_offset_in_the_file_and_no_line(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"1\nx\n3\n" + b'"%s"\n' % (b"y" * 100))
    bad: list[logs.DeadLetter] = []
    for split in logs.splits(path, 2):
        list(logs.read(split, dead_letters=bad, max_frame_size=50))
    [invalid, too_long] = bad
    assert (invalid.file, invalid.offset, invalid.line, invalid.raw) == (str(path), 2, None, b"x")
    assert "line at byte 2 is not" in invalid.message
    assert (too_long.offset, too_long.cut, too_long.length) == (6, True, 102)
    assert too_long.sha256


def test_a_line_longer_than_many_splits_belongs_to_the_first_and_the_others_read_no_more_than_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ndstream.logs._files import stored_bytes

    path = tmp_path / "a.log"
    size = 4 * 1024 * 1024
    path.write_bytes(b'"%s"\n1\n' % (b"x" * size))
    read: list[int] = []
    original = stored_bytes.StoredFile.read

    def counted(self: Any, size: int) -> bytes:
        block = original(self, size)
        read.append(len(block))
        return block

    monkeypatch.setattr(stored_bytes.StoredFile, "read", counted)
    first, *others = logs.splits(path, 256 * 1024)
    assert [len(value) for value in logs.read(first)] == [size]
    read.clear()
    assert [value for split in others for value in logs.read(split)] == [1]
    # Each reads the head of the file, its own bytes, and at most a chunk more.
    assert sum(read) < 3 * size


class TestAFileThatIsNotAsItWas:
    def test_a_file_that_grew_is_read_to_the_planned_end(self, tmp_path: Path) -> None:
        path = tmp_path / "a.log"
        path.write_bytes(b"1\n2\n33")
        found = logs.splits(path, 3)
        path.write_bytes(b"1\n2\n334\n5\n")
        assert [value for split in found for value in logs.read(split)] == [1, 2, 334]

    def test_a_file_that_shrank_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "a.log"
        path.write_bytes(b"1\n2\n3\n")
        split = logs.splits(path, 3)[1]
        path.write_bytes(b"1\n2\n")
        with pytest.raises(logs.LogFileTruncatedError, match=r"shorter.*\[3:6\].*host") as caught:
            next(logs.read(split))
        assert caught.value.reason == "shrank"
        assert caught.value.path == str(path)

    def test_another_file_under_the_name_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "a.log"
        path.write_bytes(b"1\n2\n")
        [split] = logs.splits(path)
        path.write_bytes(b"1\n3\n4\n")
        with pytest.raises(logs.LogFileError, match="first bytes are others") as caught:
            next(logs.read(split))
        assert caught.value.reason == "other_file"

    def test_a_host_without_the_file_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "a.log"
        path.write_bytes(b"1\n")
        [split] = logs.splits(path)
        path.unlink()
        with pytest.raises(FileNotFoundError, match=r"on the host .*a\.log\[0:2\]"):
            next(logs.read(split))

    def test_a_damaged_member_is_the_error_of_the_splits_that_need_it(self, tmp_path: Path) -> None:
        path = tmp_path / "a.log.gz"
        members = [bgzf_block(b"%d\n" % n * 50) for n in range(4)]
        members[1] = members[1][:-8] + b"\0\0\0\0" + members[1][-4:]
        path.write_bytes(b"".join(members))
        results = [outcome(split) for split in logs.splits(path, 1)]
        # The first line of a member belongs to the split before, which so meets the damage as well.
        assert [len(result.lines) for result in results] == [51, 50, 50, 49]
        assert [[error.reason for error in result.errors] for result in results] == [[], ["checksum"], [], []]

    def test_damage_before_the_first_line_of_a_split_is_raised(self, tmp_path: Path) -> None:
        path = tmp_path / "a.log.gz"
        damaged = bytearray(bgzf_block(bytes(random.Random(1).randbytes(2000)).replace(b"\n", b"")))
        # A kind of block that there is none of.
        damaged[18] = 0xFF
        path.write_bytes(bgzf_block(b"1\n2\n") + damaged + bgzf_block(b"3\n"))
        split = logs.splits(path, 1)[1]
        with pytest.raises(logs.LogFileError) as caught:
            next(logs.read(split))
        assert caught.value.reason == "corrupt"
        errors: list[ndstream.StreamError] = []
        assert list(logs.read(split, on_error=errors.append)) == []
        # The line after the damage ends the split: nobody knows whether it began there.
        assert [error.reason for error in errors] == ["corrupt", "after_damage"]


class TestWhatIsRefused:
    def test_a_size_below_one(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="at least 1 byte"):
            logs.splits(tmp_path, 0)
        with pytest.raises(TypeError, match="number of bytes"):
            logs.splits(tmp_path, 1.5)  # type: ignore[arg-type]

    def test_a_file_object(self) -> None:
        with pytest.raises(TypeError, match="pass a path"):
            logs.splits(io.BytesIO(b"1\n"))

    def test_a_pipe(self) -> None:
        with pytest.raises(ValueError, match="cannot be read twice"):
            logs.splits("/dev/null")

    @pytest.mark.parametrize("option", [{"checkpoint": "c"}, {"unwrap": "cri"}, {"start": logs.Position(3, 3)}])
    def test_options_that_need_the_whole_file(self, option: Any, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(GZIP.make(b"1\n"))
        [split] = logs.splits(path)
        with pytest.raises(ValueError, match="do not go together with a split"):
            logs.read(split, **option)


def test_what_holds_no_lines_gives_none_from_any_split(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"PK\x03\x04..\n" + b"1\n" * 20)
    found = logs.splits(path, 10)
    assert len(found) == 5
    for split in found:
        with pytest.raises(logs.LogFileError, match="not lines of JSON") as caught:
            list(logs.read(split))
        assert caught.value.reason == "not_lines"
