"""Archives made by the commands that people make them with, and what these commands make of damaged ones.

The commands share no code with what reads the archives here: they are the oracle for the content.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import real_parts
from ndstream import StreamError, logs
from ndstream.logs import LogFileError
from ndstream.logs._files.opened_file import open_file

LIBRARIES = {"zstd": "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", "lz4": "lz4.frame"}
"""What reading these formats takes, where it is no part of Python."""


class Tool(NamedTuple):
    """A command that compresses standard input, the one that decompresses, and what they are part of."""

    name: str
    package: str
    compress: tuple[str, ...]
    decompress: tuple[str, ...]
    format: str

    def make(self, data: bytes, *options: str) -> bytes:
        """An archive of the data."""
        real_parts.command(self.compress[0], self.package)
        if self.format in LIBRARIES:
            real_parts.library(LIBRARIES[self.format])
        ran = subprocess.run([*self.compress, *options], input=data, capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def content(self, archive: bytes) -> tuple[bytes, int]:
        """What the command gets out of an archive, and its exit status."""
        ran = subprocess.run(self.decompress, input=archive, capture_output=True, check=False)
        return ran.stdout, ran.returncode


GZIP = Tool("gzip", "gzip", ("gzip", "-c"), ("gzip", "-dc"), "gzip")
ZSTD = Tool("zstd", "zstd", ("zstd", "-qc"), ("zstd", "-qdc"), "zstd")
TOOLS = (
    GZIP,
    Tool("pigz", "pigz", ("pigz", "-c", "-p", "2"), ("gzip", "-dc"), "gzip"),
    Tool("bgzip", "tabix", ("bgzip", "-c"), ("gzip", "-dc"), "gzip"),
    ZSTD,
    Tool("pzstd", "zstd", ("pzstd", "-qc", "-p", "2"), ("zstd", "-qdc"), "zstd"),
    Tool("lz4", "lz4", ("lz4", "-qc"), ("lz4", "-qdc"), "lz4"),
    Tool("bzip2", "bzip2", ("bzip2", "-c"), ("bzip2", "-dc"), "bz2"),
    Tool("pbzip2", "pbzip2", ("pbzip2", "-c", "-p2"), ("bzip2", "-dc"), "bz2"),
    Tool("xz", "xz-utils", ("xz", "-c"), ("xz", "-dc"), "xz"),
    Tool("xz -T2", "xz-utils", ("xz", "-c", "-T2", "--block-size=65536"), ("xz", "-dc"), "xz"),
)


class Blocks(io.RawIOBase):
    """A binary file that gives these blocks, one a read, and cannot go back."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return next((block for block in self._blocks if block), b"")


class Outcome(NamedTuple):
    """What came out of a file: its lines, and all errors in order."""

    lines: list[bytes]
    errors: list[StreamError]
    report: logs.Report


def outcome(source: Any, **options: Any) -> Outcome:
    """Read a file to its end, past all errors. Lines come as bytes unless `loads` is given."""
    lines: list[bytes] = []
    errors: list[StreamError] = []
    options.setdefault("loads", bytes)
    with logs.read(source, **options) as stream:
        while True:
            try:
                lines.append(next(stream))
            except StopIteration:
                return Outcome(lines, errors, stream.report)
            except StreamError as error:
                errors.append(error)


def of_bytes(archive: bytes, **options: Any) -> Outcome:
    """What comes out of an archive that can be sought in."""
    return outcome(io.BytesIO(archive), **options)


def raw_content(archive: bytes) -> tuple[bytes, LogFileError | None]:
    """The content of an archive as it is, and the error that ended it."""
    opened = open_file(io.BytesIO(archive))
    content = bytearray()
    try:
        for chunk in opened.chunks:
            content += chunk
    except LogFileError as error:
        return bytes(content), error
    return bytes(content), None


def content_of(result: Outcome) -> bytes:
    """The content again, from lines that each end in one line feed and the line that the last error cut."""
    cut = result.errors[-1].frame if result.errors else b""
    return b"".join(line + b"\n" for line in result.lines) + cut
