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
