"""Mends a log whose last append was interrupted, so that the next one does not join what is left of it.

Nothing but an interrupted append is touched: what follows the last LF and is no value, and a last line that ends in
NULs, which is what a loss of power leaves. What is cut is saved beside the file and synced first, so that a crash at
any point leaves the file as it was, or cut with the rest saved.
"""

from __future__ import annotations

import errno
import io
import os
from typing import Literal, NamedTuple

from orjson import JSONDecodeError
from orjson import loads as orjson_loads

from ndstream._core import DEFAULT_MAX_FRAME_SIZE
from ndstream.logs._checkpoints.checkpoint import sync_folder
from ndstream.logs._files.opened_file import open_file
from ndstream.logs._files.paths import is_pipe_or_device
from ndstream.logs._files.tail import find_last_line_end, read_at

Status = Literal["repaired", "terminated", "complete", "unterminated", "bad_line", "compressed", "too_large", "growing"]

_BLOCK_SIZE = 1024 * 1024
_LF = b"\n"


class Repair(NamedTuple):
    """What was done to a file.

    Attributes:
        status: One of a few words:
            ``repaired``: what an interrupted append left was cut, and is in `saved`.
            ``terminated``: the last value got its LF, as was asked for.
            ``complete``: there is nothing to mend. As for all that follow, the file is as it was.
            ``unterminated``: the last value has no LF. A number may be cut, so that it is left alone unless asked for.
            ``bad_line``: the last line ends with a LF and is bad: that is no interrupted append.
            ``compressed``: the file is an archive.
            ``too_large``: the tail is longer than `max_frame_size`, so that what it is cannot be known.
            ``growing``: somebody wrote to it at the same time.
        size: The size of the file now, in bytes.
        cut: How many bytes were cut.
        saved: The file that has them; None if there are none.
    """

    status: Status
    size: int
    cut: int = 0
    saved: str | None = None


def repair_tail(
    path: str | os.PathLike[str],
    *,
    terminate: bool = False,
    saved: str | os.PathLike[str] | None = None,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
) -> Repair:
    """Cut what an interrupted append left at the end of a log. Nobody may write to the file meanwhile.

    Args:
        path: The file. It is read from its end, whatever its size.
        terminate: Whether to add a LF after a last line that is a value.
        saved: Where to save what is cut; by default beside the file, named for the offset that it is from.
        max_frame_size: The longest tail that is looked at, in bytes; None for no limit.

    Returns:
        What was done, and where the cut bytes are.

    Raises:
        FileExistsError: `saved` names a file that holds something else.
        OSError: The file cannot be read or written. It is as it was, or cut with the rest saved.

    Example:
        >>> import pathlib, tempfile
        >>> from ndstream import logs
        >>> path = pathlib.Path(tempfile.mkdtemp(), "app.log")
        >>> _ = path.write_bytes(b'{"a":1}\\n{"a":')
        >>> done = logs.repair_tail(path)
        >>> done.status, done.cut, path.read_bytes(), pathlib.Path(done.saved).read_bytes()
        ('repaired', 5, b'{"a":1}\\n', b'{"a":')
    """
    name = os.fspath(path)
    if is_pipe_or_device(name):
        # A pipe would be waited for.
        raise OSError(errno.EINVAL, "this is a pipe or a device, and no file whose end can be mended", name)
    opened = open_file(name, ahead=0)
    opened.close()
    with io.FileIO(name) as file:
        before = os.fstat(file.fileno())
        size = before.st_size
        if opened.format != "plain":
            return Repair("compressed", size)
        start, status = _interrupted_from(file, size, max_frame_size)
        if status == "unterminated" and terminate:
            return _terminate(name, before)
        if status != "repaired":
            return Repair(status, size)
        copy = f"{name}.cut-{start}" if saved is None else os.fspath(saved)
        _save(file, start, size, copy)
    with io.FileIO(name, "r+") as file:
        if _changed(file, before):
            return Repair("growing", os.fstat(file.fileno()).st_size)
        file.truncate(start)
        os.fsync(file.fileno())
    return Repair("repaired", start, size - start, copy)


def _interrupted_from(file: io.FileIO, size: int, max_frame_size: int | None) -> tuple[int, Status]:
    """Where the interrupted append begins, and "repaired" if it is one."""
    start = find_last_line_end(file, size)
    terminated = start == size
    if terminated:
        if not size:
            return 0, "complete"
        start = find_last_line_end(file, size - 1)
    if max_frame_size is not None and size - start > max_frame_size + 2:
        only_nuls = _is_nuls(file, start, size - terminated)
        return start, "repaired" if only_nuls else "too_large"
    line = read_at(file, size - start, start)
    payload = line[:-1].removesuffix(b"\r") if terminated else line
    if _is_value(payload):
        return start, "complete" if terminated else "unterminated"
    if not terminated or payload.endswith(b"\0"):
        return start, "repaired"
    return start, "bad_line"


def _is_value(payload: bytes) -> bool:
    """Whether it is a value, or blank."""
    if not payload.strip(b" \t\r"):
        return True
    try:
        orjson_loads(payload)
    except JSONDecodeError:
        return False
    return True


def _is_nuls(file: io.FileIO, start: int, end: int) -> bool:
    while start < end:
        block = read_at(file, min(_BLOCK_SIZE, end - start), start)
        if not block or block.strip(b"\0"):
            return False
        start += len(block)
    return True


def _changed(file: io.FileIO, before: os.stat_result) -> bool:
    now = os.fstat(file.fileno())
    return (now.st_size, now.st_mtime_ns, now.st_ino) != (before.st_size, before.st_mtime_ns, before.st_ino)


def _terminate(name: str, before: os.stat_result) -> Repair:
    with io.FileIO(name, "r+") as file:
        if _changed(file, before):
            return Repair("growing", os.fstat(file.fileno()).st_size)
        file.seek(before.st_size)
        file.write(_LF)
        os.fsync(file.fileno())
    return Repair("terminated", before.st_size + 1)


def _save(file: io.FileIO, start: int, end: int, copy: str) -> None:
    """Bring the bytes to the disk under another name, at once or not at all."""
    if os.path.exists(copy) and not _holds(copy, file, start, end):
        raise FileExistsError(errno.EEXIST, "this holds something else than what is to be cut; name another file", copy)
    temporary = f"{copy}.tmp"
    with io.FileIO(temporary, "w") as saved:
        while start < end and (block := read_at(file, min(_BLOCK_SIZE, end - start), start)):
            start += len(block)
            while block:
                block = block[saved.write(block) :]
        os.fsync(saved.fileno())
    os.replace(temporary, copy)
    sync_folder(copy)


def _holds(copy: str, file: io.FileIO, start: int, end: int) -> bool:
    with io.FileIO(copy) as saved:
        if os.fstat(saved.fileno()).st_size != end - start:
            return False
        return all(
            read_at(saved, _BLOCK_SIZE, offset - start) == read_at(file, min(_BLOCK_SIZE, end - offset), offset)
            for offset in range(start, end, _BLOCK_SIZE)
        )
