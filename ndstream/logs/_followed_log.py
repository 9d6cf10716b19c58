"""One log under one name: the file that the name means now, and those that it meant before.

A log is a chain of files. Each is read to its end before the next one begins, and goes on being read until nothing
came for `rotate_wait` seconds, since a writer may hold the old file open for a while. What may happen to a file:

- It is renamed, deleted, or a symbolic link turns: the name means another file. Rotated files between the two that
  were not seen are read first, the oldest first.
- It is cut and written again (copytruncate): the bytes before the offset are others. The copy is found by what was
  read; its rest comes first.
- It is shorter, but what is left is what was read: nothing is read twice. An old size that a network file system
  tells for a moment looks the same, so that this is believed after a second only.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from ndstream._core import NDJSONDecoder
from ndstream.logs._cursor import Cursor
from ndstream.logs._errors import CheckpointError
from ndstream.logs._followed_file import FollowedArchive, FollowedFile
from ndstream.logs._live_file import LiveFile
from ndstream.logs._rotation import Generation, generations, identity_of
from ndstream.logs._tracked_file import resume

_DOUBT = 1.0
"""For how many seconds a shorter file is taken for an old size of the same file."""

_MAX_TRIES = 8


class Change(NamedTuple):
    """What happened to a followed file.

    Attributes:
        kind: One of a few words:
            ``rotated``: the name means another file; the old one was read to its end.
            ``deleted``: the file has no name any more, or its name means none.
            ``truncated``: it was cut and written again; what was not read yet came from its copy.
            ``truncated_without_copy``: the same without a copy: lines written just before are lost, if there were any.
            ``shrank``: its end was removed; nothing of the rest comes again.
            ``replaced``: the name means another file that begins with all that was read; it is gone on with.
            ``nul_bytes``: NULs before the first line were passed over; `size` says how many.
            ``missing``: a rotated file of the checkpoint is gone.
        path: The path that is followed.
        offset: Up to where the file was read, in bytes.
        size: A number of bytes, if one is said above.
    """

    kind: str
    path: str
    offset: int
    size: int = 0


Part = FollowedFile | FollowedArchive


class FollowedLog:
    """The chain of files of one name.

    Args:
        path: The name.
        make_decoder: Makes a decoder for each file.
        rotate_wait: For how many seconds an old file has to be quiet before it is closed.
        notify: Is told of each change.
        finished: How far files were read that are closed now, by identity: another name may mean one of them.
        history: Rotated files to read first, the oldest first.
        at_end: Whether to begin at the end of what is there.
    """

    def __init__(
        self,
        path: str,
        make_decoder: Callable[[], NDJSONDecoder[Any]],
        rotate_wait: float,
        notify: Callable[[Change], object],
        finished: dict[tuple[int, int], Cursor],
        history: list[str] | None = None,
        at_end: bool = False,
    ) -> None:
        self.path = path
        self.current: Part | None = None
        self.draining: list[FollowedFile] = []
        self.queue: deque[Part] = deque()
        self._make_decoder = make_decoder
        self._rotate_wait = rotate_wait
        self._notify = notify
        self._at_end = at_end
        self._gone = False
        self._finished = finished
        self._begun = bool(history)
        self._older = set() if history else {each.identity for each in generations(path)}
        for name in history or []:
            self.queue.append(self._open_generation(name))

    # Reading.

    def turn(self, now: float) -> Iterator[NDJSONDecoder[Any]]:
        """Read at most one chunk of each file; each decoder that has more to give is handed out."""
        for old in list(self.draining):
            yield from self._drain(old, now)
        if self.current is None:
            self._open_next(now)
        part = self.current
        if part is None:
            return
        if isinstance(part, FollowedArchive):
            yield from part.turn()
            if part.ended:
                part.close()
                self.current = None
            return
        if not part.file.opened and not self._reopened(part):
            return
        chunk = part.read()
        if chunk is None:
            yield from self._content_changed(part, now)
        elif chunk:
            part.idle_since = now
            yield from part.feed(chunk)
            if part.nuls and not part.at_head:
                self._change("nul_bytes", part, part.nuls)
                part.nuls = 0
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

    def _retire(self, part: FollowedFile, now: float) -> None:
        part.idle_since = now
        self.draining.append(part)
        self.current = None

    @property
    def parts(self) -> list[Part]:
        """All files of the chain, the oldest first."""
        return [*self.draining, *([] if self.current is None else [self.current]), *self.queue]

    def _drain(self, part: FollowedFile, now: float) -> Iterator[NDJSONDecoder[Any]]:
        chunk = part.read() if part.file.opened else b""
        if chunk:
            part.idle_since = now
            yield from part.feed(chunk)
        elif chunk is None or now - part.idle_since >= self._rotate_wait:
            yield from part.finish()
            self.draining.remove(part)
            self._close(part)

    def _close(self, part: FollowedFile) -> None:
        self._older.add(part.file.identity)
        self._finished[part.file.identity] = part.tracked.cursor()
        part.close()

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

    # Opening.

    def _open_next(self, now: float, after: FollowedFile | None = None) -> None:
        if not self.queue and not self._enqueue(after):
            return
        part = self.queue.popleft()
        part.idle_since = now
        if after is not None:
            replaced = isinstance(part, FollowedFile) and part.continues(after)
            self._change("replaced" if replaced else "rotated", after)
        self.current = part

    def _enqueue(self, after: FollowedFile | None) -> bool:
        """Open all that is newer than a file, and the file that the name means now; False if it means none."""
        held = [part.file.identity for part in self.parts if isinstance(part, FollowedFile)]
        known = {*held, *([] if after is None else [after.file.identity])}
        opened: dict[tuple[int, int], Part] = {}
        order: list[tuple[int, int]] = []
        newest: LiveFile | None = None
        for _ in range(_MAX_TRIES):
            found = generations(self.path)
            newer = self._newer(found, after)
            missing = [each for each in newer if each.identity not in known and each.identity not in opened]
            if newest is not None and not missing:
                break
            for each in missing:
                with suppress(FileNotFoundError):
                    part = self._open_generation(each.path, each.identity)
                    opened[each.identity] = part
            order = [each.identity for each in reversed(newer) if each.identity in opened]
            with suppress(FileNotFoundError):
                if newest is not None:
                    newest.close()
                newest = LiveFile(self.path)
        parts = [opened.pop(identity) for identity in order]
        parts[:0] = opened.values()
        if newest is not None:
            self._older = {each.identity for each in generations(self.path)} - {newest.identity}
            if newest.identity in known or any(
                isinstance(part, FollowedFile) and part.file.identity == newest.identity for part in parts
            ):
                newest.close()
            else:
                done = self._finished.get(newest.identity)
                line = 0
                if done is not None and done.offset <= newest.status.st_size and _holds(done, self.path):
                    newest.move_to(done.offset)
                    line = done.line
                elif self._at_end:
                    newest.move_to(newest.last_line_end())
                parts.append(FollowedFile(newest, self._make_decoder(), line))
        self._at_end = False
        self._begun = True
        self.queue.extend(parts)
        return bool(self.queue)

    def _newer(self, found: list[Generation], after: FollowedFile | None) -> list[Generation]:
        """Those of the rotated files that are newer than a file, the newest first."""
        if after is None:
            return [each for each in found if each.identity not in self._older] if self._begun else []
        for index, each in enumerate(found):
            if each.identity == after.file.identity:
                return found[:index]
        # It has no name any more: it was removed, or compressed.
        newer = []
        modified = after.modified
        for each in found:
            if each.identity in self._older or each.status.st_mtime_ns < modified:
                continue
            if each.compressed and _holds(after.tracked.cursor(), each.path):
                break
            newer.append(each)
        return newer

    def _open_generation(self, path: str, identity: tuple[int, int] | None = None) -> Part:
        if FollowedArchive.is_archive(path):
            return FollowedArchive(path, self._make_decoder())
        file = LiveFile(path)
        if identity is not None and file.identity != identity:
            # It was renamed since.
            file.close()
            raise FileNotFoundError(path)
        return FollowedFile(file, self._make_decoder())

    def _reopened(self, part: FollowedFile) -> bool:
        """Get back the handle of a file that gave it up, if there may be news, under whatever name it has now."""
        with suppress(FileNotFoundError):
            if part.file.unchanged(os.stat(self.path)):
                return False
        for path in (self.path, *(each.path for each in generations(self.path))):
            with suppress(FileNotFoundError):
                if part.file.reopen(path):
                    return True
        self.current = self._find(part.tracked.cursor())
        if self.current is None:
            self._change("deleted", part)
        return False

    # Files that are cut.

    def _content_changed(self, part: FollowedFile, now: float) -> Iterator[NDJSONDecoder[Any]]:
        size = part.file.status.st_size
        if size >= part.file.end:
            # Once more, since a read may meet the file in the middle of a change.
            rewritten = part.file.read() is None and part.file.status.st_size >= part.file.end
        else:
            rewritten = part.file.contradicts(part.file)
        if not rewritten:
            part.doubted_since = now if part.doubted_since is None else part.doubted_since
            if now - part.doubted_since < _DOUBT or part.file.status.st_size >= part.file.end:
                return
        part.doubted_since = None
        copy = self._find_copy(part)
        if copy is None and not rewritten and size:
            yield from self._go_on_shorter(part)
            return
        again = FollowedFile(LiveFile(self.path), self._make_decoder())
        again.idle_since = now
        if copy is None:
            self._change("truncated_without_copy", part)
            yield from part.finish()
            self.current = again
        else:
            self._change("truncated", part)
            newer = []
            for each in generations(self.path):
                if each.identity == copy.identity:
                    break
                newer.append(self._open_generation(each.path))
            self.queue.extend([*reversed(newer), again])
            rest = self._rest_of(copy, part)
            if rest is None:
                yield from part.finish()
            self.current = rest
        part.close()

    def _find_copy(self, part: FollowedFile) -> Generation | None:
        """The rotated file that holds what was read of a file."""
        for each in generations(self.path):
            if each.identity in self._older:
                continue
            with suppress(OSError):
                if each.compressed:
                    if _holds(part.tracked.cursor(), each.path):
                        return each
                    continue
                candidate = LiveFile(each.path)
                same = candidate.status.st_size > 0 and not candidate.contradicts(part.file)
                candidate.close()
                if same:
                    return each
        return None

    def _rest_of(self, copy: Generation, part: FollowedFile) -> Part | None:
        """What the copy holds that was not read yet; None for nothing."""
        self._older = {*self._older, copy.identity}
        if copy.compressed:
            return self._archive_rest(part.tracked.cursor(), copy.path)
        file = LiveFile(copy.path)
        if file.status.st_size <= part.file.end:
            file.close()
            return None
        file.move_to(part.file.end)
        return part.taken_over_by(file)

    def _go_on_shorter(self, part: FollowedFile) -> Iterator[NDJSONDecoder[Any]]:
        self._change("shrank", part)
        yield from part.finish()
        part.shorten()

    # Resuming.

    def resume(self, cursors: list[Cursor], restart: bool, checkpoint: str) -> None:
        """Go on from where an earlier run was.

        Args:
            cursors: Those of this name, the oldest first.
            restart: Whether to begin at the beginning where the file is another one.
            checkpoint: The checkpoint's path, for errors.

        Raises:
            CheckpointError: The newest of the files is not there any more.
        """
        for number, cursor in enumerate(cursors):
            part = self._find(cursor)
            if part is not None:
                self.queue.append(part)
            elif number + 1 < len(cursors) or restart:
                self._notify(Change("missing", self.path, cursor.offset))
            elif cursor.offset:
                raise mismatch(cursor, self.path, checkpoint)
        if self.queue:
            self._older = set()
            self._begun = True

    def _find(self, cursor: Cursor) -> Part | None:
        """The file that a cursor is in, opened there: by its name, else among the rotated files."""
        candidates = [each.path for each in generations(self.path)]
        same = [each.path for each in generations(self.path) if each.identity == (cursor.device, cursor.inode)]
        first = [self.path] if identity_of(self.path) == (cursor.device, cursor.inode) else []
        for path in dict.fromkeys([*first, *same, self.path, *candidates]):
            with suppress(FileNotFoundError):
                if cursor.offset == 0 and path not in (*first, *same):
                    continue
                if FollowedArchive.is_archive(path):
                    if (part := self._archive_rest(cursor, path)) is not None:
                        return part
                elif _holds(cursor, path):
                    return FollowedFile(LiveFile(path, cursor.offset), self._make_decoder(), cursor.line)
        return None

    def _archive_rest(self, cursor: Cursor, path: str) -> FollowedArchive | None:
        found = resume(cursor, path)
        return None if found is None else FollowedArchive(path, self._make_decoder(), *found)

    def _change(self, kind: str, part: Part, size: int = 0) -> None:
        self._notify(Change(kind, self.path, part.tracked.offset, size))


def mismatch(cursor: Cursor, path: str, checkpoint: str) -> CheckpointError:
    """The error for a file that is not the one that was read."""
    same = identity_of(path) == (cursor.device, cursor.inode)
    reason, what = (
        ("shrank", "is shorter now") if same and _size(path) < cursor.offset else ("other_file", "is another")
    )
    message = (
        f"{path} {what} than the file that was read up to byte {cursor.offset} (line {cursor.line}), and no rotated "
        f'file beside it holds the rest; to read it from its beginning, pass on_mismatch="restart"'
    )
    return CheckpointError(
        message, offset=cursor.offset, line=cursor.line, reason=reason, checkpoint=checkpoint, path=path
    )


def _size(path: str) -> int:
    file = LiveFile(path)
    try:
        return file.status.st_size
    finally:
        file.close()


def _holds(cursor: Cursor, path: str) -> bool:
    found = resume(cursor, path)
    if found is not None:
        found[0].close()
    return found is not None
