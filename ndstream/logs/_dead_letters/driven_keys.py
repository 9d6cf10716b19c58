"""Which dead letters were driven: a file that each is added to, and that a crash cannot make unreadable."""

from __future__ import annotations

import io
import os
from typing import Any

import orjson

from ndstream.logs._files.locking import lock
from ndstream.logs._files.paths import is_pipe_or_device
from ndstream.logs._files.tail import find_last_line_end, read_at

Key = tuple[Any, ...]


class DrivenKeys:
    """The keys of driven letters, kept in a file. One process at a time uses it.

    Args:
        path: The file. It need not exist.

    Raises:
        BlockingIOError: Another process uses it.
        OSError: It cannot be read or written.
        ValueError: It holds something else.
    """

    def __init__(self, path: str) -> None:
        if is_pipe_or_device(path):
            raise ValueError(f"{path} is a pipe or a device, which keeps no letters; name another file")
        self._file = io.FileIO(path, "a+")
        try:
            try:
                lock(self._file.fileno())
            except OSError as error:
                raise BlockingIOError(error.errno, "another process drives these letters", path) from None
            size = self._file.seek(0, os.SEEK_END)
            end = find_last_line_end(self._file, size)
            content = read_at(self._file, end, 0)
            try:
                self._keys: set[Key] = {tuple(orjson.loads(line)) for line in content.splitlines()}
            except (TypeError, ValueError):
                raise ValueError(f"{path} does not say which letters were driven; name another file") from None
            # What a crash left of a key: that letter is driven again.
            self._file.truncate(end)
        except BaseException:
            self._file.close()
            raise

    def __contains__(self, key: Key) -> bool:
        return _storable(key) in self._keys

    def add(self, key: Key) -> None:
        """Note a key.

        Raises:
            OSError: It cannot be written.
        """
        stored = _storable(key)
        rest = orjson.dumps(stored, option=orjson.OPT_APPEND_NEWLINE)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._keys.add(stored)

    def close(self) -> None:
        """Close the file."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()


def _storable(key: Key) -> Key:
    """The key with each path in a form that JSON can hold, whatever its bytes."""
    return tuple(os.fsencode(part).hex() if isinstance(part, str) and not part.isascii() else part for part in key)
