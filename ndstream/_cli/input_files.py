"""The files that a command is to read, as they are named: paths, globs, URLs and standard input."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from ndstream._cli.messages import STDIN
from ndstream.logs._files.distinct_files import distinct_files
from ndstream.logs._files.opened_file import OpenedFile, open_file
from ndstream.logs._files.paths import find_files
from ndstream.logs._files.remote import is_url


def find_names(names: Iterable[str]) -> list[str]:
    """The names, with the matches of each glob in its place, each file once, and not its compressed copy.

    A file that is named twice is read twice, as other commands do. A name that exists is no glob.

    Raises:
        FileNotFoundError: A glob matches nothing.
        ModuleNotFoundError: A library is missing to look for URLs.
    """
    found: list[str] = []
    for name in names:
        if name == STDIN:
            found.append(name)
            continue
        found.extend(map(str, distinct_files(find_files(name, {}))))
    return found


def open_input(name: str, max_window: int | None) -> OpenedFile:
    """Open a file, or standard input, which is not closed.

    Args:
        name: A path, a URL, or ``-``.
        max_window: How much memory decompressing may take, in bytes; None for no limit.

    Raises:
        OSError: It cannot be opened.
        ModuleNotFoundError: A library is missing; the message says how to get it.
    """
    if name == STDIN:
        return open_file(io.FileIO(0, closefd=False), max_window=max_window)
    return open_file(name, max_window=max_window)


def status_of(name: str) -> os.stat_result | None:
    """What the system says of a file; None if it does not exist here."""
    try:
        return os.fstat(0) if name == STDIN else None if is_url(name) else Path(name).stat()
    except OSError:
        return None


def is_regular(name: str) -> bool:
    """Whether it is a file on this machine, which has a size and can be read twice."""
    status = status_of(name)
    return status is not None and stat.S_ISREG(status.st_mode)


def size_of(name: str) -> int:
    """The size of a regular file in bytes; 0 for anything else."""
    status = status_of(name)
    return status.st_size if status is not None and stat.S_ISREG(status.st_mode) else 0


def is_same_file(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    """Whether these are one regular file: reading it would undo writing it, or never end."""
    return one is not None and other is not None and stat.S_ISREG(one.st_mode) and os.path.samestat(one, other)


def is_output(name: str) -> bool:
    """Whether it is the file that standard output goes to."""
    return is_same_file(status_of(name), os.fstat(1))
