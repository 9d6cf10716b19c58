"""A split, opened: its lines as chunks of content, and nothing else of the file.

A split from `start` to `stop` is what lies between two line ends: the first one at or after the byte before `start`,
and the first one at or after the byte before `stop`. So two splits that meet have neither a gap nor a line in common.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypedDict

from ndstream._sources.opened_source import Chunk
from ndstream.logs._errors import LogFileError, LogFileTruncatedError
from ndstream.logs._files.fingerprint import digest
from ndstream.logs._files.opened_file import OpenedFile, open_file
from ndstream.logs._splits.splits import Split

if TYPE_CHECKING:
    from typing_extensions import Unpack


class _Options(TypedDict, total=False):
    max_window: int | None
    ahead: int | None
    storage_options: dict[str, Any] | None
    plain_chunk_size: int


def open_split(path: str, *, split: Split, **options: Unpack[_Options]) -> OpenedFile:
    """Open the file of a split, with the split's lines as its content.

    Args:
        path: The file.
        split: The split.
        max_window: How much memory decompressing may take, in bytes; None for no limit.
        ahead: How many chunks a thread reads ahead; None to do so if it pays.
        storage_options: What fsspec is to know to open a URL.
        plain_chunk_size: The size of chunks of a plain file, in bytes.

    Raises:
        FileNotFoundError: The file is not on this machine.
        OSError: It cannot be read.
        LogFileError: It is not the file that was split.
        LogFileTruncatedError: It is shorter now.
    """
    try:
        file = open_file(path, start=split.position, **options)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            errno.ENOENT, f"no such file on the host {socket.gethostname()}, where {split} is to be read", path
        ) from error
    try:
        _check_file(split, file)
        _cut(split, file)
    except BaseException:
        file.close()
        raise
    return file


def _check_file(split: Split, file: OpenedFile) -> None:
    words = None
    if split.size is not None and file.size is not None and file.size < split.size:
        words = f"is shorter than when it was split: it has {file.size:,} bytes now, and had {split.size:,}"
    elif digest(file.head[: split.head_size]) != split.head:
        words = "is not the file that was split: its first bytes are others"
    if words is not None:
        error = LogFileTruncatedError if "shorter" in words else LogFileError
        raise error(
            f"{split.path} {words}; {split} was to be read on the host {socket.gethostname()}: split it again",
            offset=split.start,
            reason="shrank" if error is LogFileTruncatedError else "other_file",
            path=split.path,
            format=split.format,
        )


def _cut(split: Split, file: OpenedFile) -> None:
    """Leave of the content what the split owns."""
    chunks: Iterator[bytes] = map(bytes, file.chunks)
    first = b""
    if split.start:
        try:
            file.offset, first = _next_line(chunks, file.offset, split.stop)
        except LogFileError as error:
            # It is raised where all errors of files are.
            chunks = _failing(error)
        if file.format == "plain":
            file.compressed_offset = file.offset
    file.chunks = _until(split.stop, file.offset, first, chunks)


def _next_line(chunks: Iterator[bytes], offset: int, stop: int | None) -> tuple[int, bytes]:
    """Where the next line begins, and what follows that in its chunk; or any offset from `stop` on."""
    for chunk in chunks:
        end = chunk.find(b"\n") + 1
        if end:
            return offset + end, chunk[end:]
        offset += len(chunk)
        if stop is not None and offset >= stop:
            break
    return offset, b""


def _until(stop: int | None, offset: int, chunk: bytes, chunks: Iterator[bytes]) -> Iterator[Chunk]:
    """The content up to the end of the last line that begins before `stop`."""
    if stop is not None and offset >= stop:
        return
    while True:
        end = offset + len(chunk)
        if stop is not None and end >= stop:
            line_end = chunk.find(b"\n", max(stop - 1 - offset, 0)) + 1
            if line_end:
                yield chunk[:line_end]
                return
        if chunk:
            yield chunk
        offset = end
        following = next(chunks, None)
        if following is None:
            return
        chunk = following


def _failing(error: LogFileError) -> Iterator[bytes]:
    raise error
    yield b""
