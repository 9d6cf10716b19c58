"""What a log file comes to once it is opened: chunks of its content, and how far they reach in both of its forms.

This is what everything in this package reads files through. It promises:

- `chunks` gives the content, decompressed, in chunks of bytes. It ends if the file ended in order. If the file
  is damaged it first gives all content that can be had, and then raises a `LogFileError`; a failed read raises
  its OSError.
- `position(offset)` gives the place of any byte of content that was delivered, in a form from which
  ``open_file(path, start=...)`` goes on at exactly that byte: by seeking in a plain file, and by decompressing
  from the start of the member in an archive.
- `close` releases the file once; it may be called at any time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from ndstream._sources.opened_source import CHUNK_SIZE, Chunk, OpenedSyncSource
from ndstream.logs._archives.content_map import ContentMap
from ndstream.logs._archives.decompressors import check_library
from ndstream.logs._archives.formats import (
    HEAD_SIZE,
    Format,
    compression_of,
    container_of,
    may_become_member,
    skippable_size,
)
from ndstream.logs._archives.members import Archive
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.fingerprint import HEAD_SIZE as FINGERPRINT_SIZE
from ndstream.logs._files.paths import PathOrFile
from ndstream.logs._files.positions import START, Position
from ndstream.logs._files.remote import StoredRemote, is_url
from ndstream.logs._files.stored_bytes import Stored, StoredChunks, StoredFile

DEFAULT_MAX_WINDOW = 128 * 1024 * 1024

# Measured: larger ones fall out of the cache before they are decoded, smaller ones cost more calls.
_PLAIN_CHUNK_SIZE = 128 * 1024
SEARCHED_CHUNK_SIZE = 512 * 1024
"""Of a plain file in which most lines are skipped. Nothing is decoded then that could fall out of the cache."""
_INLINE_CHUNK_SIZE = 1024 * 1024
# A thread that gives up the GIL gets it back late, so that it has to hand over much at once.
_AHEAD_CHUNK_SIZE = 2 * 1024 * 1024
_CHUNKS_AHEAD = 1
_MAX_MAGIC = 512
_MIN_SIZE_TO_READ_AHEAD = 1024 * 1024


class OpenedFile:
    """A file whose content can be read.

    Attributes:
        path: The file's path or name; None if it has none.
        format: "plain", "gzip", "zstd", "bz2", "xz" or "lz4".
        size: The file's size as stored when it was opened, in bytes; None if it has none, as a pipe.
        chunks: The content.
        offset: Where the content in `chunks` begins.
        compressed_offset: How much of the file as it is stored precedes that.
        head: The first bytes of the file as it is stored, 1,024 of them if it has so many.
        seekable: Whether one can go back in it.
    """

    def __init__(
        self,
        stored: Stored,
        start: Position = START,
        max_window: int | None = DEFAULT_MAX_WINDOW,
        ahead: int | None = None,
        plain_chunk_size: int = _PLAIN_CHUNK_SIZE,
        stop_member: int | None = None,
    ) -> None:
        self.path = stored.path
        self.size = stored.size
        self.chunks: Iterator[Chunk]
        self.close: Callable[[], object]
        self._content_map = ContentMap(start, stop_member)
        head = _first_block(stored)
        self.offset, self.compressed_offset = start.offset, start.compressed_offset
        begins_later = start.offset > 0 or start.member.compressed_offset > 0
        self.head = head[:FINGERPRINT_SIZE]
        self.seekable = stored.seekable
        compression = compression_of(head) or (None if skippable_size(head) is None else "zstd")
        if compression is not None:
            check_library(compression)
        self.format: Format = compression or "plain"
        count = _chunks_ahead(stored, compression is not None) if ahead is None else ahead
        magic = None
        if begins_later:
            # The head was needed alone to tell the format, and what is no text.
            magic = head if compression is None else b""
            stored.seek(start.offset if compression is None else start.member.compressed_offset)
            head = b""
        if compression is None:
            self.chunks = _plain_chunks(stored, head, start.offset, self._content_map, plain_chunk_size)
        else:
            size = _AHEAD_CHUNK_SIZE if count else _INLINE_CHUNK_SIZE
            self.chunks = Archive(stored, head, compression, start, size, max_window, self._content_map).chunks()
        self.chunks = _refuse_containers(self.chunks, self.path, self.format, magic)
        self.close = stored.close
        if count:
            from ndstream._sources.prefetch import read_ahead

            source = read_ahead(OpenedSyncSource(self.chunks, stored.close), count)
            assert isinstance(source, OpenedSyncSource)
            self.chunks, self.close = source.chunks, source.close

    @property
    def stop_offset(self) -> int | None:
        """Where the content of `stop_member` begins; None while all content that came out precedes it."""
        return self._content_map.stop_offset

    def position(self, offset: int) -> Position:
        """The place of a byte of content that was delivered, or of its end.

        Offsets must not go backwards from call to call.
        """
        position = self._content_map.position(offset)
        return position._replace(compressed_offset=offset) if self.format == "plain" else position


def open_file(
    source: PathOrFile,
    *,
    start: Position = START,
    max_window: int | None = DEFAULT_MAX_WINDOW,
    ahead: int | None = None,
    storage_options: dict[str, Any] | None = None,
    plain_chunk_size: int = _PLAIN_CHUNK_SIZE,
    stop_member: int | None = None,
) -> OpenedFile:
    """Open a log file.

    Args:
        source: A path, a URL or a binary file.
        start: Where to begin: the position that an earlier `OpenedFile` gave for a byte of the same file.
        max_window: How much memory decompressing may take for the window of a member, in bytes; None for no limit.
        ahead: How many chunks a thread reads ahead, 0 for none; None to do so if it pays.
        storage_options: What fsspec is to know to open a URL.
        plain_chunk_size: The size of chunks of a plain file, in bytes.
        stop_member: Where a member of an archive begins that `OpenedFile.stop_offset` is to tell of, in bytes as
            stored.

    Returns:
        The opened file.

    Raises:
        OSError: It cannot be opened or read, or is no place to begin at as `start` asks.
        TypeError: It is neither a path nor a binary file.
    """
    stored: Stored
    if not isinstance(source, (str, os.PathLike)):
        stored = StoredChunks(source)
    elif isinstance(source, str) and is_url(source):
        stored = StoredRemote(source, storage_options or {})
    else:
        stored = StoredFile(os.fsdecode(source))
    try:
        return OpenedFile(stored, start, max_window, ahead, plain_chunk_size, stop_member)
    except BaseException:
        stored.close()
        raise


# No methods: a generator that refers to the object that holds it keeps both until the garbage collector comes.


def _plain_chunks(stored: Stored, block: bytes, offset: int, content_map: ContentMap, size: int) -> Iterator[bytes]:
    """The blocks of a plain file, the first of which was read already."""
    while block := block or stored.read(size):
        offset += len(block)
        content_map.note_chunk_end(offset, offset)
        yield block
        block = b""


def _refuse_containers(
    chunks: Iterator[Chunk], path: str | None, format: Format, magic: bytes | None
) -> Iterator[Chunk]:
    """The same chunks, unless the content begins as no text does: with `magic`, or else the first chunk."""
    first = next(chunks, b"") if magic is None else b""
    container = container_of(bytes((first if magic is None else magic)[:_MAX_MAGIC]))
    if container is not None:
        name = path or "the file"
        subject = name if format == "plain" else f"what {name} holds ({format})"
        raise LogFileError(
            f"{subject} is {container}, not lines of JSON",
            reason="not_lines",
            path=path,
            format=format,
        )
    if first:
        yield first
    yield from chunks


def _first_block(stored: Stored) -> bytes:
    """The first bytes, as many as it takes to tell the format."""
    block = stored.read(CHUNK_SIZE)
    while len(block) < HEAD_SIZE and may_become_member(block) and (more := stored.read(CHUNK_SIZE)):
        block += more
    return block


def _chunks_ahead(stored: Stored, is_compressed: bool) -> int:
    """How many chunks to read ahead: where decompression, or the way to another machine, takes time beside decoding."""
    if stored.is_remote:
        return _CHUNKS_AHEAD
    pays = is_compressed and (stored.size or 0) >= _MIN_SIZE_TO_READ_AHEAD and (os.cpu_count() or 1) > 1
    return _CHUNKS_AHEAD if pays else 0
