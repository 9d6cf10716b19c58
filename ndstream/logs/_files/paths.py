"""From what the user names to the files to read: globs, the order of rotated files, and each file once."""

from __future__ import annotations

import errno
import glob
import io
import os
import re
import stat
from collections.abc import Iterable, Mapping
from typing import IO, Any, TypeAlias

from ndstream.logs._files.remote import is_url, matching_urls

BinaryFile: TypeAlias = "IO[bytes] | io.RawIOBase | io.BufferedIOBase"
PathOrFile: TypeAlias = "str | os.PathLike[str] | BinaryFile"

ARCHIVE_SUFFIX = r"\.(?:gz|zst|bz2|xz|lz4)"
"""The ends of names of archives, for regular expressions."""

_ROTATED = re.compile(
    r"(?P<base>.+?)"
    r"(?:[.-](?P<stamp>\d{4}-?\d\d-?\d\d(?:[-_T.]?\d\d(?:[-:]?\d\d){0,2})?)(?:\.backup)?|\.(?P<number>\d{1,6}))"
    rf"(?:{ARCHIVE_SUFFIX})?"
)
_SAVED_CUT = re.compile(r"\.cut-\d+\Z")
_OLDEST, _NUMBERED, _NEWEST = range(3)


def find_files(paths: PathOrFile | Iterable[PathOrFile], options: dict[str, Any]) -> list[str | BinaryFile]:
    """The files that are meant, in the order in which they are to be read.

    Args:
        paths: A path, a glob or a binary file, or several of them. A name that exists is that file, whatever
            characters it holds. The matches of a glob come in the order of their content: see `log_order`.
        options: What fsspec is to know to find URLs.

    Raises:
        FileNotFoundError: A glob matches nothing.
        TypeError: It is none of these.

    Example:
        >>> find_files("app.log", {})
        ['app.log']
    """
    one = isinstance(paths, (str, bytes, os.PathLike)) or hasattr(paths, "read") or not isinstance(paths, Iterable)
    one = one or isinstance(paths, Mapping)
    found: list[str | BinaryFile] = []
    for path in [paths] if one else paths:  # type: ignore[union-attr]
        if isinstance(path, bytes):
            raise TypeError(
                "a path is a str here: pass os.fsdecode(name) for the name of a file, io.BytesIO(data) for its content"
            )
        if isinstance(path, (str, os.PathLike)):
            name = os.fsdecode(path)
            found.extend(_matches(name, options) if _is_glob(name) else [name])
        else:
            found.append(path)  # type: ignore[arg-type]
    if not found:
        raise ValueError("there is nothing to read: no path was given")
    return found


def _is_glob(name: str) -> bool:
    # A query of a URL begins with "?".
    return "*" in name if is_url(name) else glob.has_magic(name) and not os.path.lexists(name)


def _matches(pattern: str, options: dict[str, Any]) -> list[str]:
    if is_url(pattern):
        matches = matching_urls(pattern, options)
    else:
        matches = [name for name in glob.glob(pattern, recursive=True) if not os.path.isdir(name)]
    if not matches:
        raise FileNotFoundError(errno.ENOENT, "no file matches", pattern)
    return sorted(without_saved_cuts(matches), key=log_order)


def without_saved_cuts(matches: list[str]) -> list[str]:
    """The matches of a glob without what `repair_tail` cut from one of them and saved beside it.

    Example:
        >>> without_saved_cuts(["app.log", "app.log.cut-81", "other.log.cut-81"])
        ['app.log', 'other.log.cut-81']
    """
    logs = set(matches)
    return [name for name in matches if (log := _SAVED_CUT.sub("", name)) == name or log not in logs]


def log_order(name: str) -> tuple[str, int, str, int]:
    """A key that sorts rotated files by age, the oldest first, and each group by its name.

    Of ``app.log`` the older generations are ``app.log.1``, ``app.log.2.gz`` and so on, or ``app.log-20260131``
    and ``0.log.20260131-000059`` with their time.

    Example:
        >>> sorted(["app.log", "app.log.10.gz", "app.log.2", "app.log.20260101"], key=log_order)
        ['app.log.20260101', 'app.log.10.gz', 'app.log.2', 'app.log']
    """
    match = _ROTATED.fullmatch(name)
    if match is None:
        return name, _NEWEST, "", 0
    base, stamp, number = match.group("base", "stamp", "number")
    return (base, _OLDEST, stamp, 0) if number is None else (base, _NUMBERED, "", -int(number))


def generations_of(name: str) -> str:
    """What the generations of one log have in common.

    Example:
        >>> generations_of("pod/0.log.20260131-000059.gz") == generations_of("pod/0.log")
        True
    """
    return log_order(name)[0]


def is_pipe_or_device(path: str) -> bool:
    """Whether there is something whose bytes come once, or never end. What is missing is neither."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        # What is wrong with it is told when it is opened.
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
