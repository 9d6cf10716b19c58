"""A library that is missing is an error that says what to install; gzip, bz2 and xz need none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

import pytest

from logs.archives import GZIP, TOOLS, ZSTD, Blocks, of_bytes, outcome
from ndstream import logs
from ndstream.logs._archives import decompressors
from ndstream.logs._archives.gzip_member import GzipMember, ZlibInflater

DATA = b"".join(b'{"n":%d}\n' % number for number in range(5000))


@pytest.mark.parametrize(("tool", "module"), [(ZSTD, "zstd"), (TOOLS[5], "lz4.frame")], ids=["zstd", "lz4"])
def test_a_missing_library_is_named_with_its_extra(tool: Any, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if module == "zstd":
        if sys.version_info >= (3, 14):
            pytest.skip("zstd is part of this Python")
        module = "backports.zstd"
    archive = tool.make(DATA)
    monkeypatch.setitem(sys.modules, module, None)
    stream = logs.read([io.BytesIO(archive), io.BytesIO(b"1\n")])
    with pytest.raises(ModuleNotFoundError, match=r"ndstream\[logs\]") as caught:
        list(stream)
    assert tool.format in str(caught.value)


class HiddenIsal(MetaPathFinder):
    """A finder in front of all others: isal is missing, however often it is looked for."""

    def __init__(self) -> None:
        self.searches = 0

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /) -> None:
        if fullname.partition(".")[0] == "isal":
            self.searches += 1
            raise ModuleNotFoundError(name=fullname)


@pytest.fixture
def hidden_isal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], HiddenIsal]]:
    """Hides isal from when it is called until the end of the test."""

    def hide() -> HiddenIsal:
        for name in [name for name in sys.modules if name.partition(".")[0] == "isal"]:
            monkeypatch.delitem(sys.modules, name)
        finder = HiddenIsal()
        monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
        decompressors._isal.cache_clear()
        return finder

    yield hide
    decompressors._isal.cache_clear()


def test_isal_is_looked_for_once_whatever_the_number_of_members(hidden_isal: Callable[[], HiddenIsal]) -> None:
    finder = hidden_isal()
    assert len(of_bytes(gzip.compress(b"1\n") * 100).lines) == 100
    assert finder.searches == 1


def test_gzip_is_read_without_isal(hidden_isal: Callable[[], HiddenIsal]) -> None:
    archive = GZIP.make(DATA)
    with_isal = [of_bytes(archive[:end]) for end in range(20, len(archive), 997)]
    hidden_isal()
    assert b"\n".join(of_bytes(archive).lines) + b"\n" == DATA
    for end, expected in zip(range(20, len(archive), 997), with_isal, strict=True):
        result = of_bytes(archive[:end])
        assert result.lines == expected.lines
        assert vars(result.errors[0]) == vars(expected.errors[0])
    assert outcome(Blocks([archive[i : i + 7] for i in range(0, len(archive), 7)])).lines == of_bytes(archive).lines


@pytest.mark.parametrize(
    "options", [["-n"], ["-N"], ["-1"], ["-9"], ["--rsyncable"]], ids=lambda options: " ".join(options)
)
def test_the_headers_of_gzip_are_read(options: list[str]) -> None:
    assert b"\n".join(of_bytes(GZIP.make(DATA, *options)).lines) + b"\n" == DATA


def header(flags: int, rest: bytes) -> bytes:
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + rest


def test_every_field_of_a_gzip_header_is_passed_over_for_every_cut() -> None:
    import zlib

    compressor = zlib.compressobj(wbits=-15)
    deflated = compressor.compress(b"1\n") + compressor.flush()
    trailer = zlib.crc32(b"1\n").to_bytes(4, "little") + (2).to_bytes(4, "little")
    head = header(0x02 | 0x04 | 0x08 | 0x10, b"\x05\x00extra" + b"name\x00" + b"comment\x00")
    head += (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
    archive = head + deflated + trailer
    for size in range(1, len(archive)):
        member = GzipMember(ZlibInflater())
        content = b""
        for begin in range(0, len(archive), size):
            content += member.decompress(archive[begin : begin + size], 100)
            while not member.needs_input and not member.eof:
                content += member.decompress(b"", 100)
        assert (content, member.eof) == (b"1\n", True), size
    wrong = head[:-1] + bytes([head[-1] ^ 1])
    assert [error.reason for error in of_bytes(wrong + deflated + trailer).errors] == ["checksum"]


@pytest.mark.parametrize("head", [header(0xE0, b""), b"\x1f\x8b\x07" + bytes(20), header(0x08, b"n" * 2_000_000)])
def test_a_gzip_header_that_makes_no_sense_is_an_error(head: bytes) -> None:
    [error] = of_bytes(head + bytes(100)).errors
    assert error.reason == "corrupt"


@pytest.mark.parametrize(("module", "compress"), [("bz2", bz2.compress), ("lzma", lzma.compress)])
def test_a_python_that_was_built_without_a_library_is_named_as_the_reason(
    module: str, compress: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = compress(DATA)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError, match=f"takes the module {module}: this Python was built without it"):
        list(logs.read(io.BytesIO(archive)))
