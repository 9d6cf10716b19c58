"""Reads lines of a file again, by their offset in its content.

Offsets that only grow are served in one pass: an archive is decompressed once, whatever the number of lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from ndstream.logs._files.opened_file import OpenedFile, open_file
from ndstream.logs._files.paths import PathOrFile
from ndstream.logs._files.positions import Position


class LineDigest(NamedTuple):
    """The length of a line without its end, in bytes, and the SHA-256 of those bytes."""

    length: int
    sha256: str


class LinePieces:
    """The first line of a content in pieces, without its LF and a CR before it.

    Args:
        chunks: The content from the line's beginning on.

    Attributes:
        terminated: After the last piece, whether there was a LF.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.terminated = False

    def __iter__(self) -> Iterator[bytes]:
        carriage_return = b""
        for chunk in self._chunks:
            end = chunk.find(b"\n")
            piece = carriage_return + (chunk if end < 0 else chunk[:end])
            # A CR is held back until it is known whether a LF follows.
            carriage_return = b"\r" if piece.endswith(b"\r") else b""
            if piece := piece[: len(piece) - len(carriage_return)]:
                yield piece
            if end >= 0:
                self.terminated = True
                return
        if carriage_return:
            yield carriage_return


def digest_of(chunks: Iterator[bytes]) -> LineDigest | None:
    """The length and digest of the first line of a content; None if it ends before the line does."""
    sha256 = hashlib.sha256()
    length = 0
    pieces = LinePieces(chunks)
    for piece in pieces:
        sha256.update(piece)
        length += len(piece)
    return LineDigest(length, sha256.hexdigest()) if pieces.terminated else None


class LineReader:
    """Lines of one file, by offset.

    Args:
        path: The file, plain or compressed.
    """

    def __init__(self, path: PathOrFile) -> None:
        self._path = path
        self._file: OpenedFile | None = None
        # Set whenever the file is opened or closed.
        self._chunk: bytes
        self._chunk_offset: int
        self.close()

    @property
    def format(self) -> str:
        """The file's format, "plain" or the name of a compression."""
        if self._file is None:
            self._seek(0)
        assert self._file is not None
        return self._file.format

    def digest(self, offset: int) -> LineDigest | None:
        """The length and digest of the line at an offset; None if the file ends before the line does.

        Raises:
            OSError: The file cannot be read.
            LogFileError: It is damaged before the line's end.
        """
        return digest_of(self._chunks_from(offset))

    def line(self, offset: int, max_size: int | None) -> bytes | None:
        """The line at an offset, without its end; None if it is longer than `max_size` bytes.

        Raises:
            OSError: The file cannot be read.
            LogFileError: It is damaged before the line's end.
        """
        pieces = []
        length = 0
        for piece in LinePieces(self._chunks_from(offset)):
            length += len(piece)
            if max_size is not None and length > max_size:
                return None
            pieces.append(piece)
        return b"".join(pieces)

    def _chunks_from(self, offset: int) -> Iterator[bytes]:
        self._seek(offset)
        yield self._chunk[offset - self._chunk_offset :]
        while self._advance():
            yield self._chunk

    def _seek(self, offset: int) -> None:
        end = self._chunk_offset + len(self._chunk)
        skips = self._file is not None and self._file.format == "plain" and offset > end
        if self._file is None or offset < self._chunk_offset or skips:
            self.close()
            self._file = open_file(self._path, ahead=0)
            if self._file.format == "plain" and offset:
                self._file.close()
                self._file = open_file(self._path, start=Position(offset, offset), ahead=0)
                self._chunk_offset = offset
        while offset > self._chunk_offset + len(self._chunk):
            if not self._advance():
                # The file is shorter now: there is no line at this offset.
                self._chunk, self._chunk_offset = b"", offset

    def _advance(self) -> bool:
        assert self._file is not None
        self._chunk_offset += len(self._chunk)
        self._chunk = bytes(next(self._file.chunks, b""))
        return bool(self._chunk)

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._chunk, self._chunk_offset = None, b"", 0
