"""The files that a command is to read, as they are named: paths, globs, URLs and standard input."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path

import click

from ndstream._cli.messages import STDIN
from ndstream.logs._files.distinct_files import distinct_files
from ndstream.logs._files.opened_file import OpenedFile, open_file
from ndstream.logs._files.paths import find_files
from ndstream.logs._files.remote import check_url, is_url


def find_names(names: Iterable[str]) -> list[str]:
    """The names, with the matches of each glob in its place, each file once, and not its compressed copy.

    A file that is named twice is read twice, as other commands do. A name that exists is no glob.

    Raises:
        FileNotFoundError: A glob matches nothing.
        ModuleNotFoundError: A library is missing to look for URLs.
        click.UsageError: A URL is of no kind that is known.
    """
    found: list[str] = []
    for name in names:
        if name == STDIN:
            found.append(name)
            continue
        if is_url(name):
            try:
                check_url(name)
            except ValueError as error:
                raise click.UsageError(f"{name}: {error}") from None
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


def check_written(written: Mapping[str, str | None]) -> None:
    """Refuse that two options write to one file, where each would undo what the other wrote.

    Args:
        written: The file that each option names; None for none.

    Raises:
        click.UsageError: Two of them are one file, by whatever names.
    """
    named = [(option, name) for option, name in written.items() if name is not None and name != STDIN]
    for (one, name), (other, other_name) in combinations(named, 2):
        status, other_status = status_of(name), status_of(other_name)
        exists = status is not None or other_status is not None
        if is_same_file(status, other_status) if exists else os.path.realpath(name) == os.path.realpath(other_name):
            raise click.UsageError(f"{one} and {other} are the same file: name two")


def is_output(name: str) -> bool:
    """Whether it is the file that standard output goes to."""
    return is_same_file(status_of(name), os.fstat(1))
