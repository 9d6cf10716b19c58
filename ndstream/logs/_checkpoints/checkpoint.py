"""A checkpoint: a file that says how far each log file was read, so that the next run goes on there.

What holds whatever happens to the process:

- The file is the old checkpoint or the new one, never a part: it is written beside, synced, and renamed.
- It is saved only once all that precedes it was delivered, and the dead letters written by then are on the disk. So
  every line comes at least once, and none before the checkpoint comes again.
- One process at a time uses it.
"""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._errors import CheckpointError
from ndstream.logs._files.locking import lock
from ndstream.logs._files.paths import is_pipe_or_device

_FORMAT = "ndstream checkpoint"
_BEGIN = orjson.dumps({"format": _FORMAT})[:-1]
_VERSION = 1


class Checkpoint:
    """A checkpoint in a file.

    Args:
        path: The file. It need not exist: then everything is read from the beginning. Beside it lie ``path.lock``
            for as long as anybody used it, and ``path.tmp`` while it is saved.
        interval: How many seconds pass between two saves at least. 0 saves after each chunk.
        on_mismatch: What to do if a log file is not the one that was read, or is shorter: "raise", or "restart" to
            read it from its beginning.
        before_save: Is called before each save, to bring to its target what was delivered and still waits, such as a
            batch. If it raises, nothing is saved.
        clock: Seconds that never go back.

    Attributes:
        cursors: How far the files were read, as of the last save.
        saves: How often it was saved.

    Raises:
        CheckpointError: It is damaged, of another version, or in use.
        OSError: It cannot be read.
        ValueError: An option has none of its values.

    Example:
        >>> from ndstream import logs
        >>> with logs.read("app.log", checkpoint=logs.Checkpoint("app.checkpoint", interval=10)) as stream:
        ...     for value in stream:  # doctest: +SKIP
        ...         ...
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        interval: float = 1.0,
        on_mismatch: str = "raise",
        before_save: Callable[[], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not interval >= 0:
            raise ValueError(f"interval must be a number of seconds from 0 on, not {interval}")
        if on_mismatch not in ("raise", "restart"):
            raise ValueError(f'on_mismatch must be "raise" or "restart", not {on_mismatch!r}')
        self.path = os.fspath(path)
        self.interval = interval
        self.on_mismatch = on_mismatch
        self.before_save = before_save
        self.saves = 0
        self._clock = clock
        self._saved_at = clock()
        if is_pipe_or_device(self.path):
            # Reading it may never end, and a place that is renamed over it would be in its place.
            raise self._error("damaged", "is a pipe or a device, which cannot hold a place; name a file")
        self._saving = threading.RLock()
        self._lock: io.FileIO | None = io.FileIO(f"{self.path}.lock", "a")
        try:
            try:
                lock(self._lock.fileno())
            except OSError:
                raise self._error("locked", "is in use by another process; give each its own") from None
            self.cursors = tuple(self._load())
        except BaseException:
            self._lock.close()
            raise

    def _load(self) -> Iterable[Cursor]:
        try:
            content = Path(self.path).read_bytes()
        except FileNotFoundError:
            return []
        advice = f"to read everything again, remove {self.path}"
        try:
            saved = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            # Nobody is to be told to remove a log that was named here by mistake.
            if not content.startswith(_BEGIN[: len(content)]):
                raise self._error("damaged", "is no checkpoint of ndstream; name another file") from None
            raise self._error("damaged", f"is empty or damaged ({error}); {advice}") from None
        if not isinstance(saved, dict) or saved.get("format") != _FORMAT:
            raise self._error("damaged", "is no checkpoint of ndstream; name another file")
        if saved.get("version") != _VERSION:
            raise self._error("version", f"is of version {saved.get('version')}, not {_VERSION}; {advice}")
        try:
            return [Cursor.from_dict(values) for values in saved["files"]]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise self._error("damaged", f"is damaged ({type(error).__name__}: {error}); {advice}") from None

    def _error(self, reason: str, what: str) -> CheckpointError:
        return CheckpointError(f"the checkpoint {self.path} {what}", reason=reason, checkpoint=self.path)

    @property
    def due(self) -> bool:
        """Whether the interval has passed."""
        return self._clock() - self._saved_at >= self.interval

    def save(self, cursors: Iterable[Cursor], sync: Callable[[], object] | None = None) -> None:
        """Save how far the files were read. It returns once that is on the disk.

        Args:
            cursors: All there is to know of: what is not among them is read from its beginning the next time.
            sync: Brings to the disk what has to be there first.

        Raises:
            OSError: It cannot be written. It names the file; the old checkpoint is intact.
            RuntimeError: The checkpoint is closed.
        """
        if self._lock is None:
            raise RuntimeError("the checkpoint is closed")
        known = tuple(cursors)
        self._saved_at = self._clock()
        if self.before_save is not None:
            self.before_save()
        if sync is not None:
            sync()
        # A stream may be closed, which saves, while another thread reads it, which saves as well.
        with self._saving:
            if known == self.cursors:
                return
            content: dict[str, Any] = {"format": _FORMAT, "version": _VERSION}
            content["files"] = [cursor.to_dict() for cursor in known]
            temporary = f"{self.path}.tmp"
            try:
                _write_synced(temporary, orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))
                os.replace(temporary, self.path)
                sync_folder(self.path)
            except OSError as error:
                with suppress(OSError):
                    os.unlink(temporary)
                error.filename, error.filename2 = self.path, None
                raise
            self.cursors = known
            self.saves += 1

    def close(self) -> None:
        """Let another process use it. What was not saved is not saved."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _write_synced(path: str, content: bytes) -> None:
    with io.FileIO(path, "w") as file:
        while content:
            content = content[file.write(content) :]
        os.fsync(file.fileno())


def sync_folder(path: str) -> None:
    """Wait until the names in the folder of a file are on the disk, where the system can do that."""
    folder = Path(path).parent
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def mismatch(cursor: Cursor, path: str, checkpoint: str) -> CheckpointError:
    """The error for a file that is not the one that was read."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return CheckpointError(
            f"{path} was read up to byte {cursor.offset} (line {cursor.line}) and is gone, and no rotated file beside "
            f'it holds the rest; to wait for another one and read that from its beginning, pass on_mismatch="restart"',
            offset=cursor.offset, line=cursor.line, reason="other_file", checkpoint=checkpoint, path=path,
        )  # fmt: skip
    same = (status.st_dev, status.st_ino) == (cursor.device, cursor.inode)
    shrank = same and cursor.format == "plain" and status.st_size < cursor.offset
    reason, what = ("shrank", "is shorter now") if shrank else ("other_file", "is another")
    message = (
        f"{path} {what} than the file that was read up to byte {cursor.offset} (line {cursor.line}), and no rotated "
        f'file beside it holds the rest; to read it from its beginning, pass on_mismatch="restart"'
    )
    return CheckpointError(
        message, offset=cursor.offset, line=cursor.line, reason=reason, checkpoint=checkpoint, path=path
    )
