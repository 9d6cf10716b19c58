"""All logs that are followed together: which there are, and what each look at them gives.

Nothing waits here. The steps are iterators to take values from, and numbers of seconds to wait for, in which nothing
is left to do; so the same steps serve a thread and an event loop.
"""

from __future__ import annotations

import errno
import glob
import os
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from ndstream._core import NDJSONDecoder
from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._containers.unwrapper import Unwrapper
from ndstream.logs._dead_letters.dead_letters import DeadLetters
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.paths import without_saved_cuts
from ndstream.logs._files.raising import raising
from ndstream.logs._following.changes import Change
from ndstream.logs._following.followed_file import FollowedFile, Part
from ndstream.logs._following.followed_log import FollowedLog
from ndstream.logs._following.poll_schedule import PollSchedule
from ndstream.logs._following.rotation import identity_of, possible_bases, rotated_by_log

SCAN_INTERVAL = 1.0
"""Seconds between two looks for new files of a glob."""

_MAX_CHANGES = 1000


class Follower:
    """All logs that are followed together.

    Args:
        paths: Paths and globs.
        make_decoder: Makes a decoder for each file.
        now: Seconds that never go back.
        poll_interval: Seconds between two looks at a file that is at rest.
        rotate_wait: For how many seconds an old file has to be quiet before it is closed.
        at_end: Whether to begin at the end of what is there.
        max_open: How many files are open at the same time at most.
        on_change: Is told of each change.
        checkpoint: Where to go on from, and to save to.
        letters: Dead letters that have to be on the disk before the checkpoint.
        stop_after_idle: The steps end after so many seconds without anything new.
        make_unwrapper: Makes what joins the parts of lines, for each log; None if they have no parts.
    """

    def __init__(
        self,
        paths: Iterable[str],
        make_decoder: Callable[[], NDJSONDecoder[Any]],
        *,
        now: Callable[[], float],
        poll_interval: float,
        rotate_wait: float,
        at_end: bool,
        max_open: int,
        on_change: Callable[[Change], object] | None,
        checkpoint: Checkpoint | None,
        letters: DeadLetters | None,
        stop_after_idle: float | None,
        make_unwrapper: Callable[[], Unwrapper[Any]] | None = None,
    ) -> None:
        self.logs: dict[str, FollowedLog] = {}
        self.changes: deque[Change] = deque(maxlen=_MAX_CHANGES)
        self.bytes = 0
        self.log: FollowedLog | None = None
        self.decoder: NDJSONDecoder[Any] | None = None
        self.closed = False
        self._paths = list(paths)
        self._make_decoder = make_decoder
        self._make_unwrapper = make_unwrapper
        self._now = now
        self._poll_interval = poll_interval
        self._rotate_wait = rotate_wait
        self._at_end = at_end
        self._max_open = max_open
        self._on_change = on_change
        self._checkpoint = checkpoint
        self._letters = letters
        self._stop_after_idle = stop_after_idle
        self._finished: dict[tuple[int, int], Cursor] = {}
        self._schedule = PollSchedule(poll_interval)
        self._open: OrderedDict[FollowedLog, None] = OrderedDict()
        self._changed = True
        self._scanned_at = now()
        try:
            self._scan(first=True)
        except BaseException:
            self._close_parts()
            raise

    def _close_parts(self) -> None:
        for log in self.logs.values():
            for part in log.parts:
                part.close()

    @property
    def part(self) -> Part | None:
        """The file that the last value came from; None before the first, and once it is closed."""
        parts = [] if self.log is None else self.log.parts
        return next((part for part in parts if part.decoder is self.decoder), None)

    # Which logs there are.

    def _scan(self, first: bool = False) -> None:
        now = self._scanned_at = self._now()
        active = {
            part.file.identity for log in self.logs.values() for part in log.parts if isinstance(part, FollowedFile)
        }
        saved = () if self._checkpoint is None else self._checkpoint.cursors
        matched = [path for pattern in self._paths for path in _matches(pattern)]
        bases = {*matched, *self.logs}
        new = [path for path in dict.fromkeys(matched) if self._is_new(path, bases, active)]
        rotated = rotated_by_log(new)
        for path in new:
            cursors = [cursor for cursor in saved if cursor.path == path] if first else []
            generations = rotated.get(path, [])
            # A glob names them too: they are read before the log itself.
            with_history = first and not cursors and not self._at_end
            history = [each.path for each in generations if with_history and each.path in bases]
            log = FollowedLog(
                path, self._make_decoder, self._rotate_wait, self._note, self._finished,
                {each.identity for each in generations}, history, self._at_end and first,
                None if self._make_unwrapper is None else self._make_unwrapper(),
            )  # fmt: skip
            self.logs[path] = log
            if cursors:
                assert self._checkpoint is not None
                log.resume(cursors, self._checkpoint.on_mismatch == "restart", self._checkpoint.path)
            self._schedule.add(log, now)

    def _is_new(self, path: str, bases: set[str], active: set[tuple[int, int]]) -> bool:
        """Whether a path is a log to follow from now on; its identity is noted then."""
        if path in self.logs or not bases.isdisjoint(possible_bases(path)):
            return False
        identity = identity_of(path)
        if identity is None:
            # What was named is waited for.
            return path in self._paths
        if identity in active:
            # Another name of a file that is being read, or a new one: it has to be closed there first.
            return False
        active.add(identity)
        return True

    def _note(self, change: Change) -> None:
        self.changes.append(change)
        self._changed = True
        if self._on_change is not None:
            self._on_change(change)

    # What to do next.

    def steps(self) -> Iterator[Iterable[Any] | float]:
        """Iterators to take values from, and seconds to wait for. It ends if the follower is closed."""
        active_at = self._now()
        while not self.closed:
            now = self._now()
            if now - self._scanned_at >= SCAN_INTERVAL:
                self._scan()
            while (polled := self._schedule.take_due(now)) is not None:
                moved = False
                if not polled.log.is_at_rest():
                    for step in self._turn(polled.log, now):
                        moved = True
                        yield step
                        if self.closed:
                            return
                self._schedule.put_back(polled, now, moved)
                if moved:
                    active_at = self._now()
                self._save_if_due()
            self._save_if_due()
            if self._stop_after_idle is not None and self._now() - active_at >= self._stop_after_idle:
                return
            wait = self._schedule.seconds_to_next(self._now())
            if wait > 0:
                yield wait

    def _turn(self, log: FollowedLog, now: float) -> Iterator[Iterable[Any]]:
        try:
            for values in log.turn(now):
                self.log = log
                self._changed = True
                if isinstance(values, NDJSONDecoder):
                    self.decoder = values
                    yield log.values_of(values)
                else:
                    yield values
        except LogFileError as error:
            yield raising(error)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                yield raising(error)
            elif not self._release_handles(len(self._open) // 2 + 1):
                message = (
                    f"no handle is left to follow {len(self.logs)} files: raise the limit (ulimit -n), or name fewer"
                )
                yield raising(OSError(error.errno, message, log.path))
        if isinstance(log.current, FollowedFile) and log.current.file.opened:
            self._open[log] = None
            self._open.move_to_end(log)
            if len(self._open) > self._max_open:
                self._release_handles(1)

    def _release_handles(self, number: int) -> bool:
        """Close the handles of those files that were quiet for longest; False if there is none."""
        released = False
        for _ in range(min(number, len(self._open))):
            log, _ = self._open.popitem(last=False)
            # An older file of the log has no name that it could be opened by again.
            if isinstance(log.current, FollowedFile) and log.current.file.opened:
                log.current.file.release()
                released = True
        return released

    # What is saved.

    def _save_if_due(self) -> None:
        if self._checkpoint is not None and self._changed and self._checkpoint.due:
            self.save()

    def save(self) -> None:
        """Save how far everything was dealt with."""
        if self._checkpoint is not None:
            cursors = [cursor for log in self.logs.values() for cursor in log.cursors()]
            self._checkpoint.save(cursors, None if self._letters is None else self._letters.sync)
            self._changed = False

    def commit(self) -> None:
        """Save with the last value included."""
        if self._checkpoint is None:
            raise ValueError("there is nothing to commit to: pass checkpoint=")
        part = self.part
        if part is not None:
            part.tracked.commit(part.decoder)
        self.save()

    def close(self) -> None:
        """Save, and release all files."""
        if not self.closed:
            self.closed = True
            try:
                self.save()
            finally:
                self._close_parts()
                if self.decoder is not None:
                    # What it has left was not dealt with: it comes in the next run. Only a step that runs now goes on.
                    with suppress(RuntimeError):
                        self.decoder.reset(offset=self.decoder.offset, line=self.decoder.line)
                if self._checkpoint is not None:
                    self._checkpoint.close()
                if self._letters is not None:
                    self._letters.close()


def _is_glob(path: str) -> bool:
    return glob.has_magic(path) and not os.path.lexists(path)


def _matches(path: str) -> list[str]:
    if not _is_glob(path):
        return [path]
    return sorted(without_saved_cuts([name for name in glob.glob(path, recursive=True) if os.path.isfile(name)]))
