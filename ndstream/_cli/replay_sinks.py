"""Where ``ndstream replay`` sends lines: what a sink is, and the one that writes to a file or to standard output."""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ndstream._cli.messages import STDIN
from ndstream._cli.output import Output
from ndstream.logs import ReplayedRecord

_NO_DISK = (errno.EINVAL, errno.EROFS, errno.ENOTSUP)
"""What a system says if a pipe or a device is to be written to the disk."""


class Sink(Protocol):
    """Takes lines, and may keep them back until it is flushed.

    Attributes:
        counts: What it did, for the figures at the end.
    """

    @property
    def counts(self) -> dict[str, int]: ...

    def deliver(self, record: ReplayedRecord, /) -> None:
        """Take a line."""

    def wait(self, seconds: float, /) -> None:
        """Wait until the next line is due, or for less time. What has waited long enough is sent first."""

    def flush(self) -> None:
        """Send all that waits. It returns once it has arrived."""

    def close(self) -> None:
        """Release what the sink holds. What waits is not sent."""


class LineSink:
    """Writes lines to a file or to standard output. Before each wait, all of them can be read there.

    Args:
        path: The file; ``-`` for standard output.
        append: Whether what is in the file stays there.

    Attributes:
        output: Standard output, if it is written to.

    Raises:
        OSError: The file cannot be written. It names the file.
    """

    def __init__(self, path: str, *, append: bool) -> None:
        self._syncs = path != STDIN
        self.output = Output() if path == STDIN else None
        self._file = io.FileIO(path, "a" if append else "w") if self.output is None else self.output
        self._name = "standard output" if path == STDIN else path
        self.counts: dict[str, int] = {}
        self._failure: BaseException | None = None
        self._lines: list[bytes] = []
        self._size = 0

    def deliver(self, record: ReplayedRecord, /) -> None:
        """Take a line."""
        self._lines += (record.value, b"\n")
        self._size += len(record.value) + 1
        if self._size > io.DEFAULT_BUFFER_SIZE:
            self._write()

    def wait(self, seconds: float, /) -> None:
        """Write all that was taken, and wait."""
        self._write()
        time.sleep(seconds)

    def flush(self) -> None:
        """Write all that was taken; a file is on the disk then.

        Raises:
            OSError: It cannot be written, now or in an earlier attempt. It names the file.
        """
        self._write()
        if self._syncs:
            with self._named():
                try:
                    os.fsync(self._file.fileno())
                except OSError as error:
                    if error.errno not in _NO_DISK:
                        raise

    def _write(self) -> None:
        if self._failure is not None:
            # A checkpoint that is saved on the way out must not pass over what was not written.
            raise self._failure
        rest = memoryview(b"".join(self._lines))
        self._lines.clear()
        self._size = 0
        with self._named():
            while rest:
                rest = rest[self._file.write(rest) :]

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the file in errors, and remember them."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, OSError):
                error.filename = self._name
            self._failure = error
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()
