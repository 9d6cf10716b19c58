"""A plain file that is being written to: what it holds from an offset on, as long as it is still the same content.

With each read the bytes before the offset are read too, and compared with those that were read there. So a file that
was cut and written again is never gone on with, even if it is longer than before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from itertools import count

from ndstream.logs._archives.formats import compression_of
from ndstream.logs._files.fingerprint import ANCHOR_SIZE, HEAD_SIZE
from ndstream.logs._files.line_reader import LineDigest, digest_of
from ndstream.logs._files.positions import Position
from ndstream.logs._files.tail import last_line_end

CHUNK_SIZE = 256 * 1024


class LiveFile:
    """An open file that grows.

    Args:
        path: Its path.
        end: How much of it was read before.
        descriptor: Its handle if it is open already.

    Attributes:
        path: Its path when it was opened. It may have been renamed since.
        identity: Its device and inode.
        end: Up to where it was read, in bytes.

    Raises:
        OSError: It cannot be opened, or is no regular file.
    """

    format = "plain"

    def __init__(self, path: str, end: int = 0, *, descriptor: int | None = None) -> None:
        self.path: str | None = path
        self.end = end
        self._descriptor: int | None = _open_regular(path) if descriptor is None else descriptor
        status = os.fstat(self._descriptor)
        self.identity = status.st_dev, status.st_ino
        # Parts of what was read, at offsets that double, to recognize the content by.
        self._marks: list[tuple[int, bytes]] = []
        self._anchor = b""
        self._released: tuple[int, int] | None = None
        if end:
            self._remember_again()

    def position(self, offset: int) -> Position:
        """The place of a byte of content."""
        return Position(offset, offset)

    @property
    def opened(self) -> bool:
        """Whether there is a handle."""
        return self._descriptor is not None

    @property
    def status(self) -> os.stat_result:
        """What the system says of the open file."""
        assert self._descriptor is not None
        return os.fstat(self._descriptor)

    def read(self) -> bytes | None:
        """The next bytes, empty if there are none yet; None if the bytes before them are no longer what was read."""
        assert self._descriptor is not None
        before = len(self._anchor)
        content = os.pread(self._descriptor, before + CHUNK_SIZE, self.end - before)
        if len(content) < before or not content.startswith(self._anchor):
            return None
        chunk = content[before:]
        if chunk:
            if not self._marks:
                self._marks.append((self.end, chunk[:HEAD_SIZE]))
            self.end += len(chunk)
            self._anchor = content[-ANCHOR_SIZE:]
            last, mark = self._marks[-1]
            if self.end >= 2 * (last + len(mark)):
                self._marks.append((self.end - len(self._anchor), self._anchor))
        return chunk

    def skip_hole(self) -> None:
        """Move the offset to where the file has data, past a hole that reads as NULs."""
        assert self._descriptor is not None
        try:
            self.end = max(self.end, os.lseek(self._descriptor, self.end, os.SEEK_DATA))
        except (AttributeError, OSError):
            return
        self._anchor = b""

    def contradicts(self, other: LiveFile) -> bool:
        """Whether the content, as far as it goes, is another than what was read of another file (or of this one)."""
        size = self.status.st_size
        parts = [*other._marks, (other.end - len(other._anchor), other._anchor)]
        for offset, mark in parts:
            part = mark[: max(0, size - offset)]
            assert self._descriptor is not None
            if os.pread(self._descriptor, len(part), offset) != part:
                return True
        return False

    def move_to(self, end: int) -> None:
        """Go on from another offset of the same content."""
        self.end = end
        self._remember_again()

    @property
    def is_archive(self) -> bool:
        """Whether the first bytes are those of an archive."""
        assert self._descriptor is not None
        return compression_of(os.pread(self._descriptor, HEAD_SIZE, 0)) is not None

    @property
    def head(self) -> bytes:
        """The first bytes, if the file was not read from its beginning on."""
        return self._marks[0][1] if self._marks else b""

    @property
    def anchor(self) -> bytes:
        """The bytes before `end`."""
        return self._anchor

    def last_line_end(self) -> int:
        """The offset after the last LF."""
        assert self._descriptor is not None
        return last_line_end(partial(os.pread, self._descriptor), self.status.st_size)

    def from_beginning(self) -> LiveFile:
        """The same file at its beginning, whatever its name means now."""
        assert self._descriptor is not None
        assert self.path is not None
        return LiveFile(self.path, descriptor=os.dup(self._descriptor))

    def lines_before(self, offset: int) -> int:
        """How many lines end before an offset."""
        assert self._descriptor is not None
        lines = start = 0
        while start < offset and (block := os.pread(self._descriptor, min(CHUNK_SIZE, offset - start), start)):
            lines += block.count(b"\n")
            start += len(block)
        return lines

    def _remember_again(self) -> None:
        assert self._descriptor is not None
        self._marks = [(0, os.pread(self._descriptor, min(HEAD_SIZE, self.end), 0))]
        size = min(ANCHOR_SIZE, self.end)
        self._anchor = os.pread(self._descriptor, size, self.end - size)

    def line_digest(self, offset: int) -> LineDigest | None:
        """The length and digest of the line at an offset; None if it has no end yet, or there is no handle."""
        if self._descriptor is None:
            return None
        return digest_of(iter(partial(self._read_on, count(offset, CHUNK_SIZE)), b""))

    def _read_on(self, offsets: Iterator[int]) -> bytes:
        assert self._descriptor is not None
        return os.pread(self._descriptor, CHUNK_SIZE, next(offsets))

    def release(self) -> None:
        """Close the handle for a while; `reopen` gets it back."""
        if self._descriptor is not None:
            status = self.status
            self._released = status.st_size, status.st_mtime_ns
            os.close(self._descriptor)
            self._descriptor = None

    def unchanged(self, status: os.stat_result) -> bool:
        """Whether nothing happened since `release` to the file, if its name means a file of this status."""
        same = (status.st_dev, status.st_ino) == self.identity
        return same and (status.st_size, status.st_mtime_ns) == self._released and status.st_size == self.end

    def reopen(self, path: str) -> bool:
        """Open it again under a path; False if another file is there.

        Raises:
            OSError: There is none, or it cannot be opened.
        """
        descriptor = _open_regular(path)
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != self.identity:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def close(self) -> None:
        """Close the handle."""
        self.release()


def _open_regular(path: str) -> int:
    # A FIFO without a writer would not open at all otherwise.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file and cannot be followed; read a pipe by ndstream.ndjson()")
    return descriptor
