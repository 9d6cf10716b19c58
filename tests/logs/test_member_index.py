"""Where members of archives begin, read from their headers alone: archives that are odd, cut or wrong."""

from __future__ import annotations

import gzip
import io
import struct

import pytest

import real_parts
from logs.archives import LIBRARIES, ZSTD
from ndstream.logs._archives.member_index import bgzf_members, zstd_members


def bgzf(content: bytes, other_fields: bytes = b"") -> bytes:
    """One member of BGZF, with other fields before the one that tells its size."""
    plain = gzip.compress(content, mtime=0)
    deflated, trailer = plain[10:-8], plain[-8:]
    extra_size = len(other_fields) + 6
    size = 12 + extra_size + len(deflated) + len(trailer)
    extra = other_fields + b"BC\2\0" + struct.pack("<H", size - 1)
    return b"\x1f\x8b\x08\4" + bytes(6) + struct.pack("<H", extra_size) + extra + deflated + trailer


def zstd(content: bytes, kind: int = 0, size_field: bytes | None = None) -> bytes:
    """One frame of Zstandard with its size and a single block: 0 holds it as it is, 1 a byte that is repeated."""
    block = (1 | kind << 1 | len(content) << 3).to_bytes(3, "little")
    size_field = bytes([len(content)]) if size_field is None else size_field
    descriptor = 0x20 | {1: 0, 2: 1, 4: 2, 8: 3}[len(size_field)] << 6
    head = b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + size_field
    return head + block + (content[:1] if kind == 1 else content)


def found(data: bytes, format: str) -> list[tuple[int, int]]:
    file = io.BytesIO(data)
    members = bgzf_members(file) if format == "gzip" else zstd_members(file, None)
    return [(member.offset, member.compressed_offset) for member in members]


def test_other_fields_of_a_header_are_passed_over() -> None:
    first, second = bgzf(b"a\n", b"XY\3\0abc"), bgzf(b"b\n")
    assert found(first + second, "gzip") == [(0, 0), (2, len(first))]
    assert found(gzip.compress(b"a\n") + second, "gzip") == []


@pytest.mark.parametrize("left", range(1, 5))
def test_a_member_whose_end_is_missing_is_none(left: int) -> None:
    first, second = bgzf(b"a\n"), bgzf(b"b\n")
    assert found((first + second)[:-left], "gzip") == [(0, 0)]


def test_blocks_of_one_byte_that_is_repeated_have_the_size_of_one() -> None:
    first, second = zstd(b"a" * 20, kind=1), zstd(b"b\n")
    assert found(first + second, "zstd") == [(0, 0), (20, len(first))]


@pytest.mark.parametrize("field", [(1).to_bytes(2, "little"), (257).to_bytes(4, "little"), (257).to_bytes(8, "little")])
def test_a_size_is_read_from_a_field_of_any_length(field: bytes) -> None:
    first, second = zstd(b"a" * 257, size_field=field), zstd(b"b\n")
    assert found(first + second, "zstd") == [(0, 0), (257, len(first))]


@pytest.mark.parametrize("second", [zstd(b"b\n", kind=3), zstd(b"b\n")[:8], zstd(b"b\n")[:5], b"no frame"])
def test_what_follows_is_no_member_if_it_is_no_frame(second: bytes) -> None:
    first = zstd(b"a\n")
    assert found(first + second, "zstd") == [(0, 0)]


def test_a_member_that_does_not_state_its_size_is_none() -> None:
    other = bgzf(b"b\n").replace(b"BC\2\0", b"XY\2\0")
    assert found(bgzf(b"a\n") + other, "gzip") == [(0, 0)]


@pytest.mark.parametrize("damage", ["checksum", "block", "end"])
def test_a_frame_whose_size_cannot_be_found_out_is_the_last_one(damage: str) -> None:
    real_parts.library(LIBRARIES["zstd"])
    content = bytes(range(256)) * 4
    first, second = zstd(b"a\n"), bytearray(ZSTD.make(content))
    if damage == "checksum":
        second[-1] ^= 1
    elif damage == "block":
        # The literals of a compressed block, whose type is none.
        second[9:20] = b"\xff" * 11
    following = b"" if damage == "end" else zstd(b"b\n")
    data = first + bytes(second[: -2 if damage == "end" else None]) + following
    assert found(data, "zstd") == [(0, 0), (2, len(first))]
