"""A split, opened: its lines as chunks of content, and nothing else of the file.

A split from `start` to `stop` is what lies between two line ends: the first one at or after the byte before `start`,
and the first one at or after the byte before `stop`. So two splits that meet have neither a gap nor a line in common.

In an archive `stop` is where the content of a member begins, and that is found anew while reading: damage can make the
content longer or shorter than the headers say. If the next whole member after the damage belongs to the split, or is
the one that the next split begins with, the split goes on there; if it comes later, the next split meets the damage.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypedDict

from ndstream._sources.opened_source import Chunk
from ndstream.logs._errors import LogFileError, LogFileTruncatedError
from ndstream.logs._files.after_damage import AfterDamage, open_after_damage
from ndstream.logs._files.fingerprint import digest
from ndstream.logs._files.opened_file import OpenedFile, open_file
from ndstream.logs._files.raising import raising
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
        file = open_file(path, start=split.position, stop_member=split.stop_member, **options)
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


def open_rest_of_split(
    path: str, damage: LogFileError, line: int, *, split: Split, max_window: int | None
) -> AfterDamage | None:
    """Open what follows the damage in the archive of a split, as far as it belongs to the split.

    Args:
        path: The file.
        damage: The damage.
        line: How many lines were seen before.
        split: The split.
        max_window: How much memory decompressing may take, in bytes; None for no limit.

    Returns:
        The rest; None if nothing was found, or it belongs to another split.

    Raises:
        OSError: The file cannot be read.
        LogFileError: The rest is damaged in its first line.
    """
    rest = open_after_damage(path, damage, line, max_window, split.stop_member)
    if rest is not None:
        rest.file.chunks = _until(split, rest.file, b"", map(bytes, rest.file.chunks))
    return rest


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
            file.offset, first = _next_line(split, file, chunks)
        except LogFileError as error:
            # It is raised where all errors of files are.
            chunks = raising(error)
        if file.format == "plain":
            file.compressed_offset = file.offset
    file.chunks = _until(split, file, first, chunks)


def _stop(split: Split, file: OpenedFile) -> int | None:
    """Where the split ends in the content; None if that is after all content that came out so far."""
    if split.stop_member is None:
        return split.stop
    # One byte after the content of the member begins.
    return None if file.stop_offset is None else file.stop_offset + 1


def _next_line(split: Split, file: OpenedFile, chunks: Iterator[bytes]) -> tuple[int, bytes]:
    """Where the next line begins, and what follows that in its chunk; or any offset from the split's end on."""
    offset = file.offset
    for chunk in chunks:
        end = chunk.find(b"\n") + 1
        if end:
            return offset + end, chunk[end:]
        offset += len(chunk)
        stop = _stop(split, file)
        if stop is not None and offset >= stop:
            break
    return offset, b""


def _until(split: Split, file: OpenedFile, chunk: bytes, chunks: Iterator[bytes]) -> Iterator[Chunk]:
    """The content, which begins with `chunk`, up to the end of the last line that begins in the split."""
    offset = file.offset
    stop = _stop(split, file)
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
        stop = _stop(split, file)
