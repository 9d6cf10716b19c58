"""What a log file comes to once it is opened: chunks of its content, and how far they reach in both of its forms.

This is what everything in this room reads files through. It promises:

- `chunks` gives the content, decompressed, in chunks of bytes. It ends if the file ended in order. If the file
  is damaged it first gives all content that can be had, and then raises a `LogFileError`; a failed read raises
  its OSError.
- `position(offset)` tells the place of any byte of content that was delivered, in a form from which
  ``open_file(path, start=...)`` goes on at exactly that byte: by seeking in a plain file, and by decompressing
  from the start of the member in an archive.
- `close` releases the file once; it may be called at any time.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeAlias

from ndstream._sources.opened_source import CHUNK_SIZE
from ndstream.logs._errors import LogFileTruncatedError
from ndstream.logs._positions import START, Member, Position

PathOrFile: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes] | IO[bytes]"


class OpenedFile:
    """A file whose content can be read.

    Attributes:
        path: The file's path or name; None if it has none.
        format: "plain", "gzip", "zstd", "bz2", "xz" or "lz4".
        size: The file's size as stored when it was opened, in bytes; None if it has none, as a pipe.
        chunks: The content.
    """

    def __init__(self, file: io.FileIO, path: str | None, start: Position) -> None:
        self.path = path
        self.format = "plain"
        self.size: int | None = os.fstat(file.fileno()).st_size
        self._file = file
        self._offset = start.offset
        if start.offset:
            file.seek(start.offset)
        self.chunks: Iterator[bytes] = self._read()

    def position(self, offset: int) -> Position:
        """The place of a byte of content, which is one of the last chunk or its end.

        Offsets must not go backwards from call to call.
        """
        return Position(offset, offset, Member())

    @property
    def compressed_offset(self) -> int:
        """How many bytes as stored were read for the chunks taken so far."""
        return self._offset

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _read(self) -> Iterator[bytes]:
        while chunk := self._file.read(CHUNK_SIZE):
            self._offset += len(chunk)
            yield chunk
        if self.size and os.fstat(self._file.fileno()).st_size < self._offset:
            raise LogFileTruncatedError(
                f"{self.path} became shorter while it was read: {self._offset} bytes had been read",
                reason="shrank",
                path=self.path,
                compressed_offset=self._offset,
                decompressed_offset=self._offset,
            )


def open_file(path: PathOrFile, *, start: Position = START) -> OpenedFile:
    """Open a log file.

    Args:
        path: A path or a binary file.
        start: Where to begin: the position that an earlier `OpenedFile` told of a byte of the same file.

    Returns:
        The opened file.

    Raises:
        OSError: It cannot be opened.
    """
    assert isinstance(path, (str, bytes, os.PathLike))
    name = os.fsdecode(path)
    return OpenedFile(Path(name).open("rb", buffering=0), name, start)
