"""Going on where an earlier run stopped reading: which file each cursor is in now, and what is saved of this run."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ndstream._core import NDJSONDecoder
from ndstream.logs._checkpoints.checkpoint import Checkpoint, mismatch
from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._checkpoints.tracked_file import TrackedFile, resume
from ndstream.logs._containers.unwrapper import Unwrapper
from ndstream.logs._dead_letters.dead_letters import DeadLetters
from ndstream.logs._files.opened_file import OpenedFile
from ndstream.logs._files.remote import is_url
from ndstream.logs._following.rotation import generations, identity_of, possible_bases


class Resumption:
    """The cursors of an earlier run, and those of this one.

    Args:
        checkpoint: Where they are from, and are saved to.
        letters: Dead letters that have to be on the disk before the checkpoint.
        open_file: Opens a file at its beginning.
        unwrapper: What joins the parts of lines, if they have parts.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        letters: DeadLetters | None,
        open_file: Callable[..., OpenedFile],
        unwrapper: Unwrapper[Any] | None = None,
    ) -> None:
        self._checkpoint = checkpoint
        self._letters = letters
        self._open_file = open_file
        self._unwrapper = unwrapper
        self._unused = list(checkpoint.cursors)
        self._mismatched: list[Cursor] = []
        self._closed = False
        self._read: dict[str, Cursor] = {}
        self._expanded: set[str] = set()
        self._last: TrackedFile | None = None
        self._current: tuple[TrackedFile, NDJSONDecoder[object]] | None = None

    def expand(self, path: str) -> list[str]:
        """The files to read for a path: itself, after the rotated ones that have what was not read of it yet.

        Raises:
            CheckpointError: The file is not the one that was read, and neither is a rotated one.
            OSError: It cannot be read.
        """
        cursor = next((each for each in self._unused if each.path == path and each.offset), None)
        if cursor is None or path in self._expanded or not _is_regular(path):
            return [path]
        self._expanded.add(path)
        if self._resumes(cursor, path):
            return [path]
        rotated = generations(path)
        rotated.sort(key=lambda each: each.identity != (cursor.device, cursor.inode))
        for found in rotated:
            if self._resumes(cursor, found.path):
                order = [each.path for each in generations(path)]
                return [*reversed(order[: order.index(found.path) + 1]), path]
        self._unused.remove(cursor)
        if self._checkpoint.on_mismatch == "raise":
            # It stays in the checkpoint, so that the next run says the same.
            self._mismatched.append(cursor)
            raise mismatch(cursor, path, self._checkpoint.path)
        return [path]

    def _resumes(self, cursor: Cursor, path: str) -> bool:
        with suppress(FileNotFoundError):
            found = resume(cursor, path, self._open_file)
            if found is not None:
                found[0].close()
                return True
        return False

    def open(self, path: str, decoder: NDJSONDecoder[object]) -> OpenedFile:
        """Open a file where an earlier run stopped in it, and make the decoder start there.

        Raises:
            OSError: It cannot be read.
        """
        if not _is_regular(path):
            # A pipe has no place to come back to.
            return self._open_file(path)
        identity = identity_of(path)
        cursors = [
            each
            for each in self._unused
            if (each.device, each.inode) == identity or not _names(each.path).isdisjoint(_names(path))
        ]
        cursors.sort(key=lambda each: ((each.device, each.inode) != identity, each.path != path))
        for cursor in cursors:
            found = resume(cursor, path, self._open_file) if cursor.offset else None
            if found is not None:
                self._unused.remove(cursor)
                opened, tracked = found
                if self._unwrapper is not None:
                    self._unwrapper.go_on_with(cursor.unfinished)
                break
        else:
            opened = self._open_file(path)
            tracked = TrackedFile(opened)
        if self._unwrapper is not None:
            tracked.keep_unfinished(self._unwrapper.unfinished)
        decoder.reset(offset=tracked.offset, line=tracked.line)
        self._current = tracked, decoder
        return opened

    def go_on(self, opened: OpenedFile, line: int, decoder: NDJSONDecoder[object]) -> None:
        """Take note that the last file goes on after damage, with the first line that is surely whole."""
        if self._last is not None:
            # What precedes it in its member is left out of its fingerprint.
            tracked = TrackedFile(opened, offset=opened.offset, line=line, head=self._last.head)
            if self._unwrapper is not None:
                tracked.keep_unfinished(self._unwrapper.unfinished)
            self._current = tracked, decoder

    def add(self, chunk: bytes) -> None:
        """Take note of the next chunk, before it is decoded."""
        if self._current is not None:
            self._current[0].add(chunk)

    def commit(self, *, now: bool = False) -> None:
        """Take note that all values so far were dealt with; save that if it is time, or at once.

        Raises:
            OSError: The checkpoint cannot be written; the old one is intact.
        """
        if self._current is not None:
            tracked, decoder = self._current
            tracked.commit(decoder)
        if now or self._checkpoint.due:
            self.save()

    def end_file(self) -> None:
        """Take note that the file was read to its end, and all that was dealt with."""
        if self._current is not None:
            tracked, decoder = self._current
            tracked.commit_end(decoder)
            self._keep(tracked.cursor())
            self._last, self._current = tracked, None

    def _keep(self, cursor: Cursor) -> None:
        self._read.pop(cursor.path, None)
        self._read[cursor.path] = cursor

    def end(self) -> None:
        """Take note that all files were read. What was saved of others is forgotten."""
        self._unused = []
        self.save()

    def save(self) -> None:
        """Save how far everything was dealt with.

        Raises:
            OSError: The checkpoint cannot be written; the old one is intact.
        """
        if self._current is not None:
            self._keep(self._current[0].cursor())
        cursors = [*self._mismatched, *self._unused, *self._read.values()]
        self._checkpoint.save(cursors, None if self._letters is None else self._letters.sync)

    def close(self) -> None:
        """Save, and let another process use the checkpoint. Closing twice is harmless.

        Raises:
            OSError: The checkpoint cannot be written; the old one is intact.
        """
        if not self._closed:
            self._closed = True
            try:
                self.save()
            finally:
                self._checkpoint.close()


def _names(path: str) -> set[str]:
    """The name of a file, and those that it may have had before it was rotated."""
    return {path, *possible_bases(path)}


def _is_regular(path: str) -> bool:
    return not is_url(path) and stat.S_ISREG(os.stat(path).st_mode)
