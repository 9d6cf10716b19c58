"""What follows the damage in an archive: opened at the next whole member, and at the first line that is surely whole.

The damage may have cut the first line that follows it. Such a line is never decoded, since a part of a number is a
number as well: it is handed out as it is, as a bad line.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from ndstream._diagnosis import where
from ndstream._errors import DecodeError
from ndstream._sources.opened_source import Chunk
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.opened_file import OpenedFile, open_file

_MAX_SHOWN = 1024 * 1024


class AfterDamage(NamedTuple):
    """The rest of a file.

    Attributes:
        file: The file, with what follows the first line as its content.
        line: How many lines precede that, as far as they were seen.
        torn: The error for the first line; None if the damage cannot have cut it.
    """

    file: OpenedFile
    line: int
    torn: DecodeError | None


def open_after_damage(
    path: str, damage: LogFileError, line: int, max_window: int | None, stop_member: int | None = None
) -> AfterDamage | None:
    """Open what follows the damage in an archive.

    Args:
        path: The file.
        damage: The damage, with the line that it cut, if it cut one.
        line: How many lines were seen before.
        max_window: How much memory decompressing may take, in bytes; None for no limit.
        stop_member: The member that the rest ends with, by its offset as stored; None for the end of the file.

    Returns:
        The rest; None if nothing follows that could be found, or what was found comes after `stop_member`.

    Raises:
        OSError: The file cannot be read.
        LogFileError: The rest is damaged in its first line.
    """
    if damage.rest is None or damage.path is None:
        return None
    if stop_member is not None and damage.rest.compressed_offset > stop_member:
        return None
    line += bool(damage.frame)
    file = open_file(path, start=damage.rest, max_window=max_window, ahead=0, stop_member=stop_member)
    if damage.reason == "checksum" and not damage.frame:
        # All content came out, and it ended with a line.
        return AfterDamage(file, line, None)
    begin = file.offset
    line_bytes = bytearray()
    try:
        size, rest = _take_line(file.chunks, line_bytes)
    except LogFileError as error:
        file.close()
        # What was had of the line is in this error, and what follows it is no beginning of a line either.
        error.frame, error.offset, error.line = bytes(line_bytes) or damage.frame, begin, line + 1
        raise
    except BaseException:
        file.close()
        raise
    file.offset += size
    file.chunks = chain([rest], file.chunks) if rest else file.chunks
    if not size:
        return AfterDamage(file, line, None)
    torn = DecodeError(
        f"{where('line', begin, line + 1)} is the first one after the damage, which may have cut its beginning",
        frame=bytes(line_bytes).rstrip(b"\r\n"),
        offset=begin,
        line=line + 1,
        reason="after_damage",
    )
    return AfterDamage(file, line + 1, torn)


def _take_line(chunks: Iterator[Chunk], line: bytearray) -> tuple[int, bytes]:
    """Take the first line, of which so much as is shown is added to `line`.

    Returns:
        Its size with the line end, and what follows it in its chunk.
    """
    size = 0
    for chunk in map(bytes, chunks):
        end = chunk.find(b"\n") + 1
        piece = chunk[:end] if end else chunk
        size += len(piece)
        line += piece[: max(0, _MAX_SHOWN - len(line))]
        if end:
            return size, chunk[end:]
    return size, b""
