"""Archives of the real tools: the same bytes come out, and all that a damaged one holds before its error.

A tool's own command is the oracle: what it gets out of an archive, we get out as well.
"""

from __future__ import annotations

import bz2
import gzip
import io
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

import real_parts
from inputs.cuts import cuts
from logs.archives import GZIP, TOOLS, ZSTD, Blocks, Tool, content_of, of_bytes, outcome, raw_content
from ndstream import FrameTooLargeError, TruncatedError, logs
from ndstream.logs import LogFileError, LogFileTruncatedError
from ndstream.logs._archives.archive_input import ArchiveInput
from ndstream.logs._archives.damaged_member import content_before_damage
from ndstream.logs._archives.formats import may_become_member, skippable_size
from ndstream.logs._files.stored_bytes import StoredChunks

LINES = [b'{"n":%d,"text":"%s"}' % (n, b"%x" % random.Random(n).getrandbits(200)) for n in range(3000)]
DATA = b"".join(line + b"\n" for line in LINES)
TINY = b"".join(line + b"\n" for line in LINES[:5])
SMALL = b"".join(line + b"\n" for line in LINES[:40])

each_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


@pytest.fixture(scope="module")
def archives() -> dict[Any, bytes]:
    """Archives by tool and data, each made once."""

    class Made(dict[Any, bytes]):
        def __missing__(self, key: tuple[Tool, bytes]) -> bytes:
            tool, data = key
            self[key] = made = tool.make(data)
            return made

    return Made()


def skippable(content: bytes, low: int = 0) -> bytes:
    return bytes([0x50 + low]) + b"\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


def file_error(result: Any) -> LogFileError:
    [error] = result.errors
    assert isinstance(error, LogFileError)
    return error


# Whole archives.


@each_tool
def test_an_archive_gives_the_lines_that_went_in(tool: Tool, archives: Any) -> None:
    result = of_bytes(archives[tool, DATA])
    assert result.lines == LINES
    assert result.errors == []
    [report] = result.report.files
    assert (report.format, report.lines, report.bytes) == (tool.format, len(LINES), len(DATA))
    assert report.compressed_bytes == len(archives[tool, DATA])


@each_tool
def test_an_archive_gives_the_same_for_every_cut_of_the_stored_bytes(tool: Tool, archives: Any) -> None:
    archive = archives[tool, SMALL] * 2
    expected = of_bytes(archive).lines
    assert expected == LINES[:40] * 2
    for cut in cuts(archive, two_way_most=300):
        result = outcome(Blocks(cut.chunks))
        assert (result.lines, result.errors) == (expected, []), cut.name


@each_tool
@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_reading_ahead_changes_nothing(tool: Tool, prefetch: int, archives: Any, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(archives[tool, DATA] + archives[tool, SMALL][:-9])
    result = outcome(path, prefetch=prefetch)
    inline = of_bytes(path.read_bytes(), prefetch=0)
    assert result.lines == inline.lines
    assert vars(file_error(result)) | {"path": None} == vars(file_error(inline))


@each_tool
def test_f1_a_line_may_cross_from_one_member_to_the_next(tool: Tool) -> None:
    assert of_bytes(tool.make(b'"a"\n"b') + tool.make(b'c"\n"d"\n')).lines == [b'"a"', b'"bc"', b'"d"']


@each_tool
@pytest.mark.parametrize("padding", [1, 512, 4096, 300_000])
def test_f2_zeros_after_a_member_are_padding(tool: Tool, padding: int, archives: Any) -> None:
    archive = archives[tool, SMALL]
    result = of_bytes(archive + bytes(padding) + archive + bytes(padding))
    assert (result.lines, result.errors) == (LINES[:40] * 2, [])


@each_tool
def test_f7_empty_members_are_passed_over(tool: Tool, archives: Any) -> None:
    empty, archive = archives[tool, b""], archives[tool, SMALL]
    result = of_bytes(empty + archive + empty + empty + archive + empty)
    assert (result.lines, result.errors) == (LINES[:40] * 2, [])


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.format in ("zstd", "lz4")], ids=lambda t: t.name)
def test_f7_skippable_frames_are_passed_over_wherever_they_are(tool: Tool, archives: Any) -> None:
    archive, frame = archives[tool, SMALL], skippable(b"index", 0xE) + skippable(b"") + skippable(bytes(70_000), 3)
    result = of_bytes(frame + archive + frame + archive + frame)
    assert (result.lines, result.errors) == (LINES[:40] * 2, [])
    assert of_bytes(frame)[:2] == ([], [])


@each_tool
def test_members_of_different_formats_in_a_row_are_each_read_by_their_magic_bytes(tool: Tool, archives: Any) -> None:
    result = of_bytes(archives[GZIP, SMALL] + archives[tool, SMALL])
    assert (result.lines, result.errors) == (LINES[:40] * 2, [])


# Damaged archives.


@each_tool
def test_f3_garbage_after_the_last_member_is_reported_with_its_place(tool: Tool, archives: Any) -> None:
    archive = archives[tool, SMALL] + bytes(3)
    result = of_bytes(archive + b"GARBAGE")
    assert result.lines == LINES[:40]
    error = file_error(result)
    assert (error.reason, error.compressed_offset) == ("trailing_garbage", len(archive))
    assert (error.decompressed_offset, error.frame) == (len(SMALL), b"")


@each_tool
def test_f4_an_archive_cut_anywhere_gives_all_that_its_tool_gives_and_then_says_so(tool: Tool, archives: Any) -> None:
    archive = archives[tool, DATA]
    ends = [6, 9, 14, 19, len(archive) - 13, len(archive) - 8, len(archive) - 1]
    for end in [*ends, *random.Random(1).sample(range(20, len(archive) - 20), 12)]:
        result = of_bytes(archive[:end])
        if tool.name in ("pzstd", "bgzip") and not result.errors:
            # It happened to end between two frames.
            assert tool.content(archive[:end])[1] == 0
            continue
        error = file_error(result)
        content = content_of(result)
        assert isinstance(error, TruncatedError)
        assert (error.reason, error.compressed_offset) == ("truncated_archive", end)
        assert error.decompressed_offset == len(content)
        assert error.offset == error.good_end == sum(len(line) + 1 for line in result.lines)
        assert error.line == len(result.lines) + 1
        assert DATA.startswith(content)
        their_content, their_status = tool.content(archive[:end])
        assert their_status != 0
        assert len(content) >= len(their_content), end


@each_tool
def test_f4_an_archive_cut_at_any_byte_never_ends_in_silence(tool: Tool, archives: Any) -> None:
    archive = archives[tool, TINY] * 2
    half = len(archives[tool, TINY])
    for end in range(6, len(archive)):
        result = of_bytes(archive[:end])
        assert (TINY * 2).startswith(content_of(result))
        if end == half:
            assert result.errors == []
        elif not result.errors:
            # pzstd and bgzip write more members than one.
            assert tool.name in ("pzstd", "bgzip"), end
            assert tool.content(archive[:end])[1] == 0, end


@each_tool
def test_f5_a_cut_between_two_members_cannot_be_seen(tool: Tool, archives: Any) -> None:
    assert of_bytes(archives[tool, SMALL] + archives[tool, SMALL])[:2] == (LINES[:40] * 2, [])
    assert of_bytes(archives[tool, SMALL])[:2] == (LINES[:40], [])


@each_tool
def test_f6_one_flipped_bit_gives_all_that_the_tool_gives_and_names_member_and_place(tool: Tool, archives: Any) -> None:
    first, archive = archives[tool, SMALL], archives[tool, DATA]
    for place in random.Random(2).sample(range(30, len(archive) - 20), 12):
        damaged = bytearray(first + archive)
        damaged[len(first) + place] ^= 0x10
        content, error = raw_content(bytes(damaged))
        their_content, their_status = tool.content(bytes(damaged))
        assert content.startswith(SMALL)
        assert (error is None) == (their_status == 0)
        if error is not None:
            assert error.reason in ("corrupt", "checksum", "trailing_garbage", "truncated_archive")
            assert tool.name in ("pzstd", "bgzip") or error.member == 2
            assert len(first) < error.compressed_offset <= len(damaged)
            assert error.decompressed_offset == len(content)
            # Nobody can tell what is right in a member whose checksum alone is wrong.
            same = content.startswith(their_content) or their_content.startswith(content)
            assert same or error.reason == "checksum", place


@pytest.mark.parametrize("field", ["checksum", "size"])
def test_f6_a_wrong_checksum_or_length_of_gzip_costs_no_line(field: str, archives: Any) -> None:
    archive = bytearray(archives[GZIP, DATA])
    archive[-8 if field == "checksum" else -4] ^= 1
    result = of_bytes(bytes(archive))
    assert result.lines == LINES
    error = file_error(result)
    assert (error.reason, error.member, error.decompressed_offset) == ("checksum", 1, len(DATA))
    assert error.compressed_offset == len(archive)
    assert ("CRC-32" if field == "checksum" else "bytes, not the stored") in str(error)
    assert f"before byte {len(archive):,}: the content has " in str(error)


def test_f6_a_wrong_checksum_of_a_block_of_bzip2_costs_its_last_byte_alone() -> None:
    lines = [b"%d" % (number // 50) for number in range(3000)]
    content = b"\n".join(lines) + b"\n"
    archive = bytearray(bz2.compress(content))
    # It stands behind the header of the archive and the mark of the block, of 4 and 6 bytes.
    archive[10] ^= 1
    result = of_bytes(bytes(archive))
    assert result.lines == lines[:-1]
    error = file_error(result)
    assert (error.frame, error.decompressed_offset) == (lines[-1], len(content) - 1)


def test_f6_a_wrong_checksum_of_zstd_costs_no_line(archives: Any) -> None:
    archive = bytearray(archives[ZSTD, DATA])
    archive[-1] ^= 1
    result = of_bytes(bytes(archive))
    assert result.lines == LINES
    assert file_error(result).reason == "checksum"


@each_tool
def test_a_damaged_archive_in_a_pipe_gives_what_came_before_the_failing_step(tool: Tool, archives: Any) -> None:
    damaged = bytearray(archives[tool, SMALL] + archives[tool, DATA])
    damaged[-len(damaged) // 3] ^= 0x55
    result = outcome(Blocks([bytes(damaged)]))
    assert result.lines[:40] == LINES[:40]
    assert result.errors


# Limits.


def test_f8_a_zstd_window_past_the_limit_is_refused_by_the_option_s_name() -> None:
    archive = ZSTD.make(SMALL, "--long=28")
    error = file_error(of_bytes(archive))
    assert (error.reason, error.compressed_offset, error.member) == ("window_too_large", 0, 1)
    assert "max_window" in str(error)
    assert "268,435,456" in str(error)
    assert of_bytes(archive, max_window=256 * 1024 * 1024).lines == LINES[:40]
    assert of_bytes(archive, max_window=None).errors == []


def test_f8_an_xz_dictionary_past_the_limit_is_refused_by_the_option_s_name() -> None:
    archive = TOOLS[-2].make(SMALL, "--lzma2=dict=64MiB")
    assert of_bytes(archive).lines == LINES[:40]
    error = file_error(of_bytes(archive, max_window=32 * 1024 * 1024))
    assert error.reason == "window_too_large"
    assert "max_window" in str(error)


def test_f8_a_zstd_dictionary_is_named() -> None:
    zstd = real_parts.library("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    dictionary = zstd.train_dict(LINES[:500], 2000)
    archive = zstd.compress(SMALL, zstd_dict=dictionary)
    error = file_error(of_bytes(ZSTD.make(SMALL) + archive))
    assert (error.reason, error.member) == ("dictionary", 2)
    assert str(dictionary.dict_id) in str(error)
    assert of_bytes(ZSTD.make(SMALL) + archive).lines == LINES[:40]


@pytest.mark.parametrize("size", [b"", bytes(8)], ids=["of unknown size", "of known size"])
def test_f8_an_lz4_dictionary_is_named(size: bytes) -> None:
    real_parts.library("lz4.frame")
    # LZ4 frame format 1.6: version 1, with the size of the content, with the number of a dictionary.
    flags = 0x40 | (8 if size else 0) | 1
    frame = b"\x04\x22\x4d\x18" + bytes([flags, 0x40]) + size + (123_456).to_bytes(4, "little") + bytes(16)
    error = file_error(of_bytes(frame))
    assert (error.reason, error.format) == ("dictionary", "lz4")
    assert "123456" in str(error)


def test_garbage_in_a_pipe_is_the_end_of_it() -> None:
    error = file_error(outcome(Blocks([gzip.compress(SMALL), b"garbage", gzip.compress(SMALL)])))
    assert (error.reason, error.rest) == ("trailing_garbage", None)


def test_what_is_given_back_comes_again_before_what_follows_whatever_block_it_was_of() -> None:
    stored: Any = SimpleNamespace(offset=0)
    blocks = iter([b"abc", b"def", b""])

    def read(_: int) -> bytes:
        block = next(blocks)
        stored.offset += len(block)
        return block

    stored.read = read
    source = ArchiveInput(stored)
    assert (source.take(3), source.take(1), source.consumed) == (b"abc", b"d", 4)
    source.give_back(b"bcd")
    assert (source.consumed, source.peek(9), source.take(9)) == (1, b"bcdef", b"bcdef")


@pytest.mark.parametrize("max_size", [1, 100, 1_000_000])
def test_of_what_precedes_damage_no_more_comes_out_than_there_is_room_for(max_size: int) -> None:
    content = random.Random(7).randbytes(100_000)
    archive = gzip.compress(content)
    damaged = archive[:-8] + bytes(8)
    stored = StoredChunks(io.BytesIO(damaged))
    found = content_before_damage(stored, 0, "gzip", damaged[:18], None, 500, max_size)
    assert found == content[500 : 500 + len(found)]
    assert max_size <= len(found) < 2 * max_size or len(found) == len(content) - 500


@pytest.mark.parametrize("tool", [GZIP, ZSTD, TOOLS[-2]], ids=lambda tool: tool.name)
def test_f11_a_bomb_trips_the_frame_limit_in_bounded_memory(tool: Tool) -> None:
    import tracemalloc

    archive = tool.make(bytes(60_000_000))
    assert len(archive) < 100_000
    tracemalloc.start()
    try:
        result = of_bytes(archive, max_frame_size=1_000_000, prefetch=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    [error] = result.errors
    assert isinstance(error, FrameTooLargeError)
    assert peak < 16_000_000


@pytest.mark.parametrize("count", [2_000, 20_000])
def test_tiny_members_are_read_in_linear_work(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows a member is copied once for each, so what is given to each has to be small."""
    import gzip

    from ndstream.logs._archives.decompressors import decompress

    given = []

    def counted(decompressor: Any, data: bytes, max_length: int) -> bytes:
        given.append(len(data))
        return decompress(decompressor, data, max_length)

    monkeypatch.setattr("ndstream.logs._archives.members.decompress", counted)
    result = of_bytes(gzip.compress(b"1\n", mtime=0) * count)
    assert len(result.lines) == count
    assert sum(given) <= count * 1024
    assert len(given) <= count * 3


# What is no archive.


def test_f9_an_empty_file_is_empty_whatever_its_name(tmp_path: Path) -> None:
    for name in ("a.log", "a.gz", "a.zst", "a.bz2", "a.xz", "a.lz4"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "blank.gz").write_bytes(b" \n\t\r\n\n")
    result = outcome(str(tmp_path / "*"))
    assert result[:2] == ([], [])
    assert len(result.report.files) == 7


@each_tool
def test_f10_the_format_is_reported_by_magic_bytes_whatever_the_name_says(
    tool: Tool, archives: Any, tmp_path: Path
) -> None:
    for name in ("a.log", "a.gz", "a.zst", "a"):
        path = tmp_path / name
        path.write_bytes(archives[tool, SMALL])
        result = outcome(path)
        assert (result.lines, result.report.files[0].format) == (LINES[:40], tool.format)
    path.write_bytes(SMALL)
    assert outcome(path).lines == LINES[:40]
    assert outcome(path).report.files[0].format == "plain"


def test_the_first_bytes_of_every_skippable_frame_are_known_and_no_others() -> None:
    for first in range(256):
        head = bytes([first, 0x2A, 0x4D, 0x18, 5, 0, 0, 0])
        known = 0x50 <= first <= 0x5F
        assert skippable_size(head) == (13 if known else None)
        assert [may_become_member(head[:size]) for size in (2, 3, 4)] == [known, known, False]


@pytest.mark.parametrize("data", [b"\x1f", b"BZ", b"\x28\xb5\x2f", b"\xfd7z", b"\x04\x22\x4d", b"\x50\x2a"])
def test_f10_too_few_bytes_for_a_magic_number_are_a_line(data: bytes) -> None:
    for source in (Blocks([data]), Blocks([data[:1], data[1:]])):
        result = outcome(source, loads=orjson.loads)
        assert result.report.files[0].format == "plain"
        [error] = result.errors
        assert error.frame == data


CONTAINERS = {
    "gzip of gzip": (lambda: GZIP.make(GZIP.make(SMALL)), "compressed a second time, with gzip"),
    "zstd of bzip2": (lambda: ZSTD.make(TOOLS[6].make(SMALL)), "compressed a second time, with bz2"),
    "zip": (lambda: b"PK\x03\x04" + bytes(30), "a zip archive"),
    "Parquet": (lambda: b"PAR1" + bytes(30), "a Parquet file"),
    "UTF-16": (lambda: SMALL.decode().encode("utf-16"), "UTF-16"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_f12_what_is_no_log_is_named_once_and_not_once_a_line(name: str) -> None:
    make: Any
    make, words = CONTAINERS[name]
    result = of_bytes(make(), on_error="skip")
    assert result.lines == []
    error = file_error(result)
    assert error.reason == "not_lines"
    assert words in str(error)


def test_f12_a_tar_archive_is_named(tmp_path: Path) -> None:
    import tarfile

    (tmp_path / "member.log").write_bytes(SMALL)
    path = tmp_path / "logs.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "member.log", "member.log")
    error = file_error(outcome(path))
    assert error.reason == "not_lines"
    assert "a tar archive" in str(error)
    assert error.path == str(path)


# Going on in the middle.


@each_tool
def test_r5_reading_goes_on_at_any_position_that_a_stream_told(tool: Tool, archives: Any, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(archives[tool, DATA] + archives[tool, SMALL] + archives[tool, DATA])
    everything = LINES + LINES[:40] + LINES
    places = []
    with logs.read(path, loads=bytes) as stream:
        for count, _ in enumerate(stream, 1):
            if count % 457 == 0:
                places.append((count, stream.position, stream.line))
    for count, position, line in places:
        with logs.read(path, loads=bytes, start=position, start_line=line) as stream:
            assert next(stream) == everything[count]
            assert (stream.line, stream.offset) == (count + 1, position.offset + len(everything[count]) + 1)
            assert sum(1 for _ in stream) == len(everything) - count - 1
    if tool.name in ("gzip", "zstd", "bzip2"):
        # It is decompressed from the start of the member, and not from the start of the file.
        assert len({position.member.compressed_offset for _, position, _ in places}) == 2


def test_an_archive_cut_while_it_is_written_can_be_read_on_later(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    archive = GZIP.make(DATA)
    path.write_bytes(archive[: len(archive) // 2])
    seen = []
    stream = logs.read(path, loads=bytes)
    with pytest.raises(LogFileTruncatedError):
        for line in stream:
            seen.append(line)
    position, line_number = stream.position, stream.line
    path.write_bytes(archive)
    seen.extend(logs.read(path, loads=bytes, start=position, start_line=line_number))
    assert seen == LINES
