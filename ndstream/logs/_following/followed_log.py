"""One log under one name: the file that the name means now, and those that it meant before.

A log is a chain of files. Each is read to its end before the next one begins, and goes on being read until nothing
came for `rotate_wait` seconds, since a writer may hold the old file open for a while. What may happen to a file:

- It is renamed, deleted, or a symbolic link turns: the name means another file. Rotated files between the two that
  were not seen are read first, the oldest first.
- It is cut and written again (copytruncate): the bytes before the offset are others. The copy is found by what was
  read; its rest comes first.
- It is shorter, but what is left is what was read: nothing is read twice. An old size that a network file system
  tells for a moment looks the same, so that this is believed after a second only.

The file is long since each of these ends one file and begins another, and they can meet in one look.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from ndstream._core import NDJSONDecoder
from ndstream.logs._checkpoints.checkpoint import mismatch
from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._containers.unfinished_line import UnfinishedLine
from ndstream.logs._containers.unwrapper import Unwrapper
from ndstream.logs._following.changes import Change
from ndstream.logs._following.followed_file import FollowedArchive, FollowedFile, Part
from ndstream.logs._following.log_files_opener import LogFilesOpener
from ndstream.logs._following.rotation import generations, identity_of

_DOUBT = 1.0
"""For how many seconds a shorter file is taken for an old size of the same file."""


class FollowedLog:
    """The chain of files of one name.

    Args:
        path: The name.
        make_decoder: Makes a decoder for each file.
        rotate_wait: For how many seconds an old file has to be quiet before it is closed.
        notify: Is told of each change.
        finished: How far files were read that are closed now, by identity: another name may mean one of them.
        rotated: The identities of all rotated files that there are.
        history: Those of them to read first, the oldest first.
        at_end: Whether to begin at the end of what is there.
        unwrapper: What joins the parts of lines, if they have parts.

    Attributes:
        current: The file that is read now; None if there is none.
        draining: Older files that somebody may write to still.
        queue: Files to read after the current one, the oldest first.
    """

    def __init__(
        self,
        path: str,
        make_decoder: Callable[[], NDJSONDecoder[Any]],
        rotate_wait: float,
        notify: Callable[[Change], object],
        finished: dict[tuple[int, int], Cursor],
        rotated: set[tuple[int, int]],
        history: list[str],
        at_end: bool = False,
        unwrapper: Unwrapper[Any] | None = None,
    ) -> None:
        self.path = path
        self._unwrapper = unwrapper
        # As of the last committed place in any file of the chain.
        self._unfinished: tuple[UnfinishedLine, ...] = ()
        self.current: Part | None = None
        self.draining: list[FollowedFile] = []
        self.queue: deque[Part] = deque()
        self._rotate_wait = rotate_wait
        self._notify = notify
        self._at_end = at_end
        self._begun = False
        self._gone = False
        self._finished = finished
        self._make_decoder = make_decoder
        self._files = LogFilesOpener(path, make_decoder, finished)
        self._files.older = rotated
        self._resting: tuple[int, int, int, int] | None = None
        self.queue.extend(self._files.generation(name) for name in history)

    # Reading.

    def is_at_rest(self) -> bool:
        """Whether nothing happened since the last turn, which one call of the system tells for nearly all files."""
        if self._resting is None:
            return False
        try:
            return _signature(os.stat(self.path)) == self._resting
        except OSError:
            return False

    def turn(self, now: float) -> Iterator[Iterator[Any]]:
        """Read at most one chunk of each file; each decoder that has more to give is handed out."""
        self._resting = None
        if self._unwrapper is not None:
            for each in self.parts:
                each.tracked.keep_unfinished(self._committed_unfinished)
        for old in list(self.draining):
            yield from self._drain(old, now)
        if self.current is None:
            self._open_next(now)
        part = self.current
        if isinstance(part, FollowedArchive):
            yield from self._read_archive(part)
        elif part is not None and (part.file.opened or self._reopened(part)):
            yield from self._read(part, now)

    def _read_archive(self, part: FollowedArchive) -> Iterator[Iterator[Any]]:
        if not part.ended:
            yield from part.turn()
            if not part.ended:
                return
        part.close()
        self._finished[part.identity] = part.tracked.cursor()
        with suppress(OSError):
            signature = _signature(os.stat(self.path))
            if signature[:3] == (*part.identity, part.file.size):
                # It has the name of the log: its place is saved as long as that is so.
                self._resting = signature
                return
        self._files.pass_over(part.identity)
        self.current = None

    def _read(self, part: FollowedFile, now: float) -> Iterator[Iterator[Any]]:
        signature = _signature(part.file.status)
        chunk = part.read()
        if chunk is None:
            yield from self._content_changed(part, now)
        elif chunk:
            yield from self._feed(part, chunk, now)
        elif self.queue:
            self._retire(part, now)
            self._open_next(now)
        elif self._moved(part):
            self._retire(part, now)
            self._open_next(now, after=part)
        elif self._gone and now - part.idle_since >= self._rotate_wait:
            yield from part.finish()
            self._close(part)
            self.current = None
            if self._unwrapper is not None and self._unwrapper.is_unfinished:
                # Nothing comes any more, unless under another name.
                yield self._unwrapper.leftovers()
                self._committed_unfinished()
        elif not self.draining and not self._gone and signature[2] == part.file.end:
            self._resting = signature

    def _feed(self, part: FollowedFile, chunk: bytes, now: float) -> Iterator[NDJSONDecoder[Any]]:
        part.idle_since = now
        yield from part.feed(chunk)
        if self._unwrapper is not None:
            self._committed_unfinished()
        if part.nuls and not part.at_head:
            self._change("nul_bytes", part, part.nuls)
            part.nuls = 0

    def _drain(self, part: FollowedFile, now: float) -> Iterator[NDJSONDecoder[Any]]:
        chunk = part.read() if part.file.opened else b""
        if chunk:
            yield from self._feed(part, chunk, now)
        elif chunk is None or now - part.idle_since >= self._rotate_wait:
            yield from part.finish()
            self.draining.remove(part)
            self._close(part)

    def values_of(self, decoder: NDJSONDecoder[Any]) -> Iterator[Any]:
        """What a decoder that was handed out has to give."""
        return decoder if self._unwrapper is None else self._unwrapper.values(decoder, decoder)

    def _committed_unfinished(self) -> tuple[UnfinishedLine, ...]:
        assert self._unwrapper is not None
        self._unfinished = self._unwrapper.unfinished()
        return self._unfinished

    def cursors(self) -> list[Cursor]:
        """How far each file of the chain was read, the oldest first."""
        # A line may begin in one file and end in the next: what is unfinished is that of the log, whatever the file.
        return [part.tracked.cursor()._replace(path=self.path, unfinished=self._unfinished) for part in self.parts]

    @property
    def parts(self) -> list[Part]:
        """All files of the chain, the oldest first."""
        return [*self.draining, *([] if self.current is None else [self.current]), *self.queue]

    # From one file to the next.

    def _moved(self, part: FollowedFile) -> bool:
        """Whether the name means another file than this one."""
        identity = identity_of(self.path)
        if identity is None:
            if not self._gone:
                self._gone = True
                self._change("deleted", part)
            return False
        self._gone = False
        return identity != part.file.identity

    def _retire(self, part: FollowedFile, now: float) -> None:
        part.idle_since = now
        self.draining.append(part)
        self.current = None

    def _close(self, part: FollowedFile) -> None:
        if part.file.status.st_nlink:
            # Otherwise it has no name by which it could be met, and its inode may be that of a new file.
            self._files.older.add(part.file.identity)
            self._files.pass_over(part.file.identity)
        self._finished[part.file.identity] = part.tracked.cursor()
        part.close()

    def _open_next(self, now: float, after: FollowedFile | None = None) -> None:
        if not self.queue:
            self._enqueue(after)
        if self.queue:
            part = self.queue.popleft()
            part.idle_since = now
            if after is not None:
                replaced = isinstance(part, FollowedFile) and part.continues(after)
                self._change("replaced" if replaced else "rotated", after)
            self.current = part

    def _enqueue(self, after: FollowedFile | None) -> None:
        if self._begun or after is not None:
            known = {part.file.identity for part in self.parts if isinstance(part, FollowedFile)}
            self.queue.extend(self._files.newer(after, known))
        else:
            with suppress(FileNotFoundError):
                self.queue.append(self._files.first(self._at_end))
        self._begun = self._begun or bool(self.queue)
        self._at_end = False

    def _reopened(self, part: FollowedFile) -> bool:
        """Get back the handle of a file that gave it up, if there may be news, under whatever name it has now."""
        with suppress(FileNotFoundError):
            if part.file.unchanged(os.stat(self.path)):
                return False
        for path in (self.path, *(each.path for each in generations(self.path))):
            with suppress(FileNotFoundError):
                if part.file.reopen(path):
                    return True
        self.current = self._files.find(part.tracked.cursor())
        if self.current is None:
            self._change("deleted", part)
        return False

    # Files that are cut.

    def _content_changed(self, part: FollowedFile, now: float) -> Iterator[NDJSONDecoder[Any]]:
        """What to do if the bytes before the offset are no longer what was read there."""
        size = part.file.status.st_size
        rewritten = part.file.contradicts(part.file)
        if size >= part.file.end and not rewritten:
            # The file was met in the middle of a change.
            return
        if not rewritten:
            part.doubted_since = now if part.doubted_since is None else part.doubted_since
            if now - part.doubted_since < _DOUBT:
                return
        part.doubted_since = None
        copy = self._files.copy_of(part)
        if copy is not None:
            self._change("truncated", part)
            if copy.rest is None:
                yield from part.finish()
            self.queue.extend(self._files.newer_than_copy(copy.identity))
            self.queue.append(self._begin_again(part))
            self.current = copy.rest
        elif rewritten or not size:
            self._change("truncated_without_copy", part)
            yield from part.finish()
            self.current = self._begin_again(part)
            self.current.idle_since = now
        else:
            self._change("shrank", part)
            yield from part.finish()
            part.shorten()
            return
        part.close()

    def _begin_again(self, part: FollowedFile) -> FollowedFile:
        return FollowedFile(part.file.from_beginning(), self._make_decoder())

    # Resuming.

    def resume(self, cursors: list[Cursor], restart: bool, checkpoint: str) -> None:
        """Go on from where an earlier run was.

        Args:
            cursors: Those of this name, the oldest first.
            restart: Whether to begin at the beginning if the file is another one.
            checkpoint: The checkpoint's path, for errors.

        Raises:
            CheckpointError: The newest of the files is not there any more.
        """
        for number, cursor in enumerate(cursors):
            part = self._files.find(cursor)
            if part is not None:
                self.queue.append(part)
            elif number + 1 < len(cursors) or restart:
                self._notify(Change("missing", self.path, cursor.offset))
            elif cursor.offset:
                raise mismatch(cursor, self.path, checkpoint)
        if self.queue:
            self._files.older = set()
            self._begun = True
            if self._unwrapper is not None:
                self._unfinished = cursors[-1].unfinished
                self._unwrapper.go_on_with(self._unfinished)

    def _change(self, kind: str, part: Part, size: int = 0) -> None:
        self._notify(Change(kind, self.path, part.tracked.offset, size))


def _signature(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
