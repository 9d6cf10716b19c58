"""An archive gives the lines of its content; a damaged one the first of them, and then one typed error."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any

import ndstream
from fuzz.inputs import split
from fuzz.oracle_runs import note_oracle_run
from ndstream import logs
from ndstream.logs import LogFileError


def _gzip(content: bytes) -> bytes:
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31, 4, 0)
    return deflate.compress(content) + deflate.flush()


def _bz2(content: bytes) -> bytes:
    return bz2.compress(content, 1)


def _xz(content: bytes) -> bytes:
    return lzma.compress(content, preset=0)


FORMATS: list[tuple[Any, Any, int]] = [
    (_gzip, gzip.decompress, 3),
    (_bz2, bz2.decompress, 4),
    (_xz, lzma.decompress, 6),
]


def archives(data: bytes) -> None:
    head, content = split(data)
    # Mostly gzip: the others take ten times as long to be made.
    compress, decompress, magic = FORMATS[head[0] % 3 if head[0] >= 248 else 0]
    if head[2] & 2:
        middle = head[3] * len(content) // 255
        whole = compress(content[:middle]) + compress(content[middle:])
    else:
        whole = compress(content)
    stored = bytearray(whole)
    if head[2] & 4:
        stored[head[1] * len(stored) // 256] ^= head[0] or 1
    if head[2] & 1:
        del stored[len(stored) - head[3] * len(stored) // 256 :]
    if stored[:magic] != whole[:magic]:
        return  # it is no archive any more
    got: list[Any] = []
    errors: list[ndstream.StreamError] = []
    try:
        with logs.read(io.BytesIO(stored), loads=bytes, on_error=errors.append, prefetch=0) as lines:
            got.extend(lines)
    except LogFileError as error:
        errors.append(error)
    if any(isinstance(error, LogFileError) for error in errors):
        if stored == whole:
            # Not lines of JSON at all, but UTF-16 or an archive in an archive: one error of the whole file.
            assert got == []
            begins_as_json = content[:1] in set(map(bytes, zip(b'{["-0123456789tfn \t\r\n')))
            assert not begins_as_json or content.startswith(b"7z\xbc\xaf\x27\x1c"), content
        return
    # Without a complaint of the file, all lines of what its own library makes of it are there.
    note_oracle_run()
    expected = _decompressed(stored, decompress)
    assert expected is not None, f"the damage was not noticed: {bytes(stored)!r}"
    wrong: list[Any] = []
    decoder = ndstream.NDJSONDecoder(loads=bytes, on_error=wrong.append)
    assert got == [*decoder.feed(expected), *decoder.finish()], (expected, got)
    assert [error.offset for error in errors] == [error.offset for error in wrong], (expected, errors, wrong)


def _decompressed(stored: bytearray, decompress: Any) -> bytes | None:
    try:
        content: bytes = decompress(stored)
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        return None
    return content
