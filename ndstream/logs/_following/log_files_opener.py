"""Opens the files of a followed log: what its name means now, rotated files, copies, and where cursors are.

Files may be renamed while they are looked for. So whatever is opened is recognized by its identity, and the names are
looked at until nothing new is among them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from ndstream._core import NDJSONDecoder
from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._checkpoints.tracked_file import holds, resume
from ndstream.logs._following.followed_file import FollowedArchive, FollowedFile, Part
from ndstream.logs._following.live_file import LiveFile
from ndstream.logs._following.rotation import Generation, generations, identity_of

_MAX_TRIES = 8

Identity = tuple[int, int]


class Copy(NamedTuple):
    """The copy of a file that was cut.

    Attributes:
        identity: Its device and inode.
        rest: What it holds that was not read of the file; None for nothing.
    """

    identity: Identity
    rest: Part | None


class LogFilesOpener:
    """Opens the files of one name.

    Args:
        path: The name.
        make_decoder: Makes a decoder for each file.
        finished: How far files were read that are closed now, by identity: another name may mean one of them.

    Attributes:
        older: Rotated files that need not be read: they were before the first file was opened, or were read.
    """

    def __init__(
        self, path: str, make_decoder: Callable[[], NDJSONDecoder[Any]], finished: dict[Identity, Cursor]
    ) -> None:
        self.path = path
        self.older: set[Identity] = set()
        self._make_decoder = make_decoder
        self._finished = finished

    def generation(self, path: str, identity: Identity | None = None) -> Part:
        """Open a rotated file at its beginning.

        Raises:
            FileNotFoundError: There is none, or another one than that of the identity.
        """
        if FollowedArchive.is_archive(path):
            return FollowedArchive(path, self._make_decoder())
        file = LiveFile(path)
        if identity is not None and file.identity != identity:
            # It was renamed since.
            file.close()
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return FollowedFile(file, self._make_decoder())

    def first(self, at_end: bool) -> Part:
        """Open the file that the name means when it is looked at first.

        Raises:
            FileNotFoundError: It means none.
        """
        part = self._as_it_is(self.named(at_end))
        if at_end and isinstance(part, FollowedArchive):
            part.skip()
        return part

    def _as_it_is(self, named: FollowedFile) -> Part:
        """The file that the name means; as an archive if it is one, as a glob may name one whose log is not there."""
        if not named.file.is_archive:
            return named
        named.close()
        done = self._finished.get(named.file.identity)
        rest = None if done is None else self._archive_rest(done, self.path)
        return FollowedArchive(self.path, self._make_decoder()) if rest is None else rest

    def named(self, at_end: bool = False) -> FollowedFile:
        """Open the file that the name means now, where it was read up to before, or at its beginning or end.

        Raises:
            FileNotFoundError: It means none.
        """
        file = LiveFile(self.path)
        done = self._finished.get(file.identity)
        line = 0
        if done is not None and done.offset <= file.status.st_size and holds(done, self.path):
            file.move_to(done.offset)
            line = done.line
        elif at_end:
            file.move_to(file.last_line_end())
        return FollowedFile(file, self._make_decoder(), line)

    def newer(self, after: FollowedFile | None, known: set[Identity]) -> list[Part]:
        """Open all rotated files that are newer than a file, and the one that the name means now, the oldest first.

        Args:
            after: The file; None for those that are not `older`.
            known: Files that are open already.
        """
        if after is not None:
            known = {*known, after.file.identity}
        rotated: dict[Identity, Part] = {}
        named: FollowedFile | None = None
        for _ in range(_MAX_TRIES):
            with suppress(FileNotFoundError):
                named = self.named()
            found = self._newer_generations(after)
            missing = [each for each in found if each.identity not in known and each.identity not in rotated]
            if not missing:
                break
            self._open_missing(missing, rotated)
            if named is not None:
                # It may have been renamed before the others were looked at.
                named.close()
                named = None
        parts = self._in_order(rotated, found)
        if named is not None:
            self.older = {each.identity for each in generations(self.path)} - {named.file.identity}
            if named.file.identity in known or named.file.identity in rotated:
                named.close()
            else:
                with suppress(FileNotFoundError):
                    parts.append(self._as_it_is(named))
        return parts

    def pass_over(self, identity: Identity) -> None:
        """Take note that a file was read: neither it nor what is older is to be read from now on."""
        found = [each.identity for each in generations(self.path)]
        self.older.update(found[found.index(identity) :] if identity in found else ())

    def newer_than_copy(self, copy: Identity) -> list[Part]:
        """Open all rotated files that are newer than a copy, the oldest first."""
        rotated: dict[Identity, Part] = {}
        for _ in range(_MAX_TRIES):
            found = generations(self.path)
            index = next((index for index, each in enumerate(found) if each.identity == copy), 0)
            missing = [
                each for each in found[:index] if each.identity not in rotated and each.identity not in self.older
            ]
            if not missing:
                break
            self._open_missing(missing, rotated)
        return self._in_order(rotated, found)

    def _open_missing(self, missing: list[Generation], opened: dict[Identity, Part]) -> None:
        for each in missing:
            with suppress(FileNotFoundError):
                opened[each.identity] = self.generation(each.path, each.identity)

    @staticmethod
    def _in_order(opened: dict[Identity, Part], found: list[Generation]) -> list[Part]:
        ordered = [each.identity for each in reversed(found) if each.identity in opened]
        # What was removed since is older than all that is left.
        return [opened[each] for each in (*opened.keys() - set(ordered), *ordered)]

    def _newer_generations(self, after: FollowedFile | None) -> list[Generation]:
        """Those of the rotated files that are newer than a file, the newest first."""
        found = generations(self.path)
        if after is None:
            return [each for each in found if each.identity not in self.older]
        for index, each in enumerate(found):
            if each.identity == after.file.identity:
                return found[:index]
        # It has no name any more: it was removed, or compressed.
        newer = []
        for each in found:
            if each.identity in self.older or each.status.st_mtime_ns < after.modified:
                continue
            if each.compressed and holds(after.tracked.cursor(), each.path):
                break
            newer.append(each)
        return newer

    def copy_of(self, part: FollowedFile) -> Copy | None:
        """The rotated file that holds what was read of a file, opened where that ends."""
        for each in generations(self.path):
            if each.identity in self.older:
                continue
            with suppress(FileNotFoundError):
                if each.compressed:
                    rest = self._archive_rest(part.tracked.cursor(), each.path)
                    if rest is None:
                        continue
                    self.older.add(each.identity)
                    return Copy(each.identity, rest)
                file = LiveFile(each.path)
                if file.identity == part.file.identity or not file.status.st_size or file.contradicts(part.file):
                    file.close()
                    continue
                self.older.add(file.identity)
                if file.status.st_size <= part.file.end:
                    file.close()
                    return Copy(file.identity, None)
                file.move_to(part.file.end)
                return Copy(file.identity, part.taken_over_by(file))
        return None

    def find(self, cursor: Cursor) -> Part | None:
        """The file that a cursor is in, opened there: by its name, else among the rotated files."""
        rotated = generations(self.path)
        same = [each.path for each in rotated if each.identity == (cursor.device, cursor.inode)]
        if identity_of(self.path) == (cursor.device, cursor.inode):
            same.insert(0, self.path)
        # A cursor at the beginning fits every file.
        others = [self.path, *(each.path for each in rotated)] if cursor.offset else []
        for path in dict.fromkeys([*same, *others]):
            with suppress(FileNotFoundError):
                if FollowedArchive.is_archive(path):
                    if (part := self._archive_rest(cursor, path)) is not None:
                        return part
                elif holds(cursor, path):
                    return FollowedFile(LiveFile(path, cursor.offset), self._make_decoder(), cursor.line)
        return None

    def _archive_rest(self, cursor: Cursor, path: str) -> FollowedArchive | None:
        found = resume(cursor, path)
        return None if found is None else FollowedArchive(path, self._make_decoder(), *found)
