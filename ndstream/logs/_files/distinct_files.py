"""Each file once, whatever names it has."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from ndstream.logs._files.compressed_copies import compressed_copies
from ndstream.logs._files.paths import BinaryFile
from ndstream.logs._files.remote import is_url


def distinct_files(sources: Iterable[str | BinaryFile]) -> list[str | BinaryFile]:
    """The files without those that are another name or a compressed copy of one of them, in their order."""
    sources = list(sources)
    copies = compressed_copies(sources)
    seen: set[tuple[int, int]] = set()
    found = []
    for source in sources:
        identity = identity_of_regular_file(source)
        if source not in copies and identity not in seen:
            found.append(source)
        if identity is not None:
            seen.add(identity)
    return found


def refuse_to_write_to(sources: Iterable[str | BinaryFile], *, dead_letters: object) -> None:
    """Refuse the dead letters if they are one of the files that are read, which would be lost.

    Args:
        sources: The files that are read.
        dead_letters: Where bad lines go. What is no path is not looked at.

    Raises:
        ValueError: It is a file that is read, by whatever name.
    """
    if not isinstance(dead_letters, (str, os.PathLike)):
        return
    name = os.fsdecode(dead_letters)
    identity = identity_of_regular_file(name)
    if identity is not None and identity in map(identity_of_regular_file, sources):
        raise ValueError(f"dead_letters= names {name}, which is read: name another file")


def identity_of_regular_file(source: str | BinaryFile) -> tuple[int, int] | None:
    """Device and inode, which tell one file from another; None if it is no file on this machine to be read twice."""
    if not isinstance(source, str) or is_url(source):
        return None
    try:
        status = os.stat(source)
    except OSError:
        # Opening it says what is wrong.
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None
