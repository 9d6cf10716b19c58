"""Splits of an archive with a damaged member: what lies outside that member comes out of one of them, and once.

What has to come out is told from the pieces of content that the members were made of, without decompressing anything.
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from logs.archives import outcome
from logs.test_splits import bgzf_block, zstd_frame
from ndstream import logs

LINES = [b'{"n":%d,"text":"%s"}' % (n, random.Random(n).randbytes(12).hex().encode()) for n in range(240)]
CONTENT = b"".join(line + b"\n" for line in LINES)


def pieces_of(seed: int) -> list[bytes]:
    """The content in pieces; some of them end where a line does, and one holds no line end.

    The first one is longer than what a split knows its file by, so that damage after it is not another file.
    """
    chance = random.Random(seed)
    cuts = {chance.randrange(len(CONTENT) // 2, len(CONTENT)) for _ in range(5)}
    line_ends = [index + 1 for index, byte in enumerate(CONTENT) if byte == 0x0A]
    cuts |= {chance.choice(line_ends[120:-1]), line_ends[150] + 3, line_ends[150] + 9}
    places = [0, *sorted(cuts), len(CONTENT)]
    return [CONTENT[begin:end] for begin, end in pairwise(places)]


def wrong_content(member: bytes) -> bytes:
    """The first block is of a kind that there is none of."""
    place = 18 if member.startswith(b"\x1f") else member.index(b"{")
    return member[:place] + b"\xff" * 5 + member[place + 5 :]


def wrong_checksum(member: bytes) -> bytes:
    return member[:-8] + bytes([member[-8] ^ 1]) + member[-7:]


def smaller_size(member: bytes) -> bytes:
    """A stored length of one byte: those who trust it look for the next member's content too early."""
    return member[:-4] + struct.pack("<I", 1)


def larger_size(member: bytes) -> bytes:
    return member[:-4] + struct.pack("<I", 60_000)


def no_header(member: bytes) -> bytes:
    return b"garbage garbage garb"[: min(20, len(member))] + member[20:]


def zeros(member: bytes) -> bytes:
    """As a sector that was never written."""
    return bytes(len(member) - 4) + member[-4:]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    function.__name__: function
    for function in (wrong_content, wrong_checksum, smaller_size, larger_size, no_header, zeros)
}


def read_splits(splits: list[logs.Split]) -> tuple[list[bytes], list[Any]]:
    lines, errors = [], []
    for split in splits:
        result = outcome(split)
        lines += result.lines
        errors += result.errors
    return lines, errors


def check(pieces: list[bytes], number: int, splits: list[logs.Split], case: object) -> None:
    lines, errors = read_splits(splits)
    before, after = b"".join(pieces[:number]), b"".join(pieces[number + 1 :])
    torn, line_end, after_torn = after.partition(b"\n")
    expected = before.split(b"\n")[:-1] + after_torn.split(b"\n")[:-1]
    found = Counter(lines)
    missing = [line for line in expected if not found[line]]
    assert not missing, (case, missing)
    # What the damaged member held may have come out too, but nothing that was never there, and nothing twice.
    assert max(found.values()) == 1, case
    damaged = [error for error in errors if isinstance(error, logs.LogFileError)]
    assert damaged, case
    torn_frames = [error.frame for error in errors if error.reason == "after_damage"]
    if torn not in lines and line_end:
        assert torn_frames == [torn], case


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("planned", ["before the damage", "after it"])
def test_each_line_outside_a_damaged_member_of_bgzip_comes_out_of_one_split(
    damage: Callable[[bytes], bytes], planned: str, tmp_path: Path
) -> None:
    path = tmp_path / "log.gz"
    for seed in range(4):
        pieces = pieces_of(seed)
        members = [bgzf_block(piece) for piece in pieces]
        for number in range(1, len(pieces)):
            archive = b"".join(members[:number]) + damage(members[number]) + b"".join(members[number + 1 :])
            for size in (1, 300, 900, len(archive)):
                path.write_bytes(b"".join(members) if planned == "before the damage" else archive)
                splits = logs.splits(path, size)
                path.write_bytes(archive)
                check(pieces, number, splits, (seed, number, size))


def test_each_line_outside_a_damaged_frame_of_zstd_comes_out_of_one_split(tmp_path: Path) -> None:
    path = tmp_path / "log.zst"
    pieces = pieces_of(1)
    frames = [zstd_frame(piece) for piece in pieces]
    for number in range(1, len(pieces)):
        # Without its checksum: the header says that one follows.
        wrong = frames[number][:-1] + bytes([frames[number][-1] ^ 1])
        path.write_bytes(b"".join(frames[:number]) + wrong + b"".join(frames[number + 1 :]))
        for size in (1, 300, 10_000):
            check(pieces, number, logs.splits(path, size), (number, size))


def test_two_damaged_members_in_a_row_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    pieces = pieces_of(2)
    members = [bgzf_block(piece) for piece in pieces]
    for number in range(1, len(pieces) - 1):
        damaged = [wrong_content(members[number]), wrong_content(members[number + 1])]
        path.write_bytes(b"".join([*members[:number], *damaged, *members[number + 2 :]]))
        joined = [*pieces[:number], b"".join(pieces[number : number + 2]), *pieces[number + 2 :]]
        for size in (1, 300, 900):
            check(joined, number, logs.splits(path, size), (number, size))


def test_the_rest_of_a_split_is_counted_in_its_report(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    members = [bgzf_block(b"%d\n" % n * 5) for n in range(1, 5)]
    members[1] = wrong_content(members[1])
    path.write_bytes(b"".join(members))
    [split] = logs.splits(path, 10_000)
    result = outcome(split)
    assert result.lines == [b"1"] * 5 + [b"3"] * 4 + [b"4"] * 5
    assert [error.reason for error in result.errors] == ["corrupt", "after_damage"]
    assert (result.report.values, result.report.bad) == (14, 1)
