"""Rotated files: the names under which the rest of a log may be, once its own name means another file.

Names find candidates, and order them by age. Whether a candidate holds what was read shows in its content alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from ndstream.logs._files.paths import ARCHIVE_SUFFIX

# name.1, name-20260101, name.20260101-000059, each with .gz or the like; and app-20260101.log of app.log.
_SUFFIX = re.compile(rf"[.\-_](\d[\d.\-_T:]*)(\.backup)?({ARCHIVE_SUFFIX})?")
_ANY_SUFFIX = re.compile(r"[.\-_](?=\d)")
_COMPRESSED = re.compile(rf"{ARCHIVE_SUFFIX}$")
_NUMBER = re.compile(r"\d+")
# logrotate renames so what a writer created in the moment between its own renaming and its own creating.
_BACKUP = re.compile(r"\.backup(\.\w+)?$")
_MAX_NUMBER = 99_999


class Generation(NamedTuple):
    """A rotated file of a log."""

    path: str
    status: os.stat_result

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.status.st_dev, self.status.st_ino

    @property
    def compressed(self) -> bool:
        """Whether it is compressed, by its name."""
        return _COMPRESSED.search(self.path) is not None


def generations(path: str) -> list[Generation]:
    """The rotated files of a log, the newest first."""
    folder, name = os.path.split(path)
    found = []
    with suppress(FileNotFoundError), os.scandir(folder or ".") as entries:
        for entry in entries:
            numbers = generation_numbers(entry.name, name)
            if numbers is not None:
                with suppress(OSError):
                    generation = Generation(os.path.join(folder, entry.name), entry.stat())
                    found.append((numbers, generation))
    ordered = _newest_first(found)
    plain = {generation.path for generation in ordered if not generation.compressed}
    # A file that is being compressed lies beside its source until that is removed.
    return [each for each in ordered if not each.compressed or _COMPRESSED.sub("", each.path) not in plain]


def identity_of(path: str) -> tuple[int, int] | None:
    """Device and inode of the file that a name means now; None if it means none."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def rotated_by_log(paths: Iterable[str]) -> dict[str, list[Generation]]:
    """The rotated files of many logs, the oldest first, by the paths of the logs that have any.

    Each folder is read once, whatever the number of logs in it.
    """
    wanted = set(paths)
    found = {
        base
        for folder in {os.path.dirname(path) for path in wanted}
        for name in _names_in(folder)
        for base in possible_bases(os.path.join(folder, name)) & wanted
    }
    return {base: generations(base)[::-1] for base in found}


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")
    except OSError:
        return []


def possible_bases(path: str) -> set[str]:
    """The paths of which this one can be a rotated file, by its name."""
    folder, name = os.path.split(path)
    bases: set[str] = set()
    for matched in _ANY_SUFFIX.finditer(name):
        stem = name[: matched.start()]
        bases.update(os.path.join(folder, stem + extension) for extension in ("", os.path.splitext(name)[1]))
    return {base for base in bases if generation_numbers(name, os.path.basename(base)) is not None}


def generation_numbers(name: str, of: str) -> tuple[int, ...] | None:
    """The numbers or the date by which a name is one of a rotated file of another; None if it is not."""
    stem, extension = os.path.splitext(of)
    for start, end in ((of, ""), (stem, extension)):
        if name != of and name.startswith(start) and name.endswith(end):
            matched = _SUFFIX.fullmatch(name[len(start) : len(name) - len(end)])
            if matched is not None:
                return tuple(map(int, _NUMBER.findall(matched[1])))
    return None


def _newest_first(found: Iterable[tuple[tuple[int, ...], Generation]]) -> list[Generation]:
    ordered: list[Generation] = []
    backups: list[Generation] = []
    for _, generation in sorted(found, key=lambda each: _age(*each)):
        (backups if _BACKUP.search(generation.path) else ordered).append(generation)
    # The others are numbered anew by each rotation and a backup is not, so that only times tell its place.
    for backup in sorted(backups, key=_modified):
        place = (index for index, each in enumerate(ordered) if _modified(each) <= _modified(backup))
        ordered.insert(next(place, len(ordered)), backup)
    return ordered


def _modified(generation: Generation) -> int:
    return generation.status.st_mtime_ns


def _age(numbers: tuple[int, ...], generation: Generation) -> tuple[object, ...]:
    # .1 is newer than .2, but 20260102 is newer than 20260101. A compressed file may lie beside its source.
    counted = len(numbers) == 1 and numbers[0] <= _MAX_NUMBER
    order = numbers[0] if counted else tuple(-number for number in numbers)
    return (0 if counted else 1, order, generation.path)
