"""A checkpoint of any bytes is refused with a typed error, or is one that comes back the same when it is saved."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import orjson

from fuzz.inputs import split
from ndstream.logs import CheckpointError
from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._checkpoints.cursor import Cursor


class _Unlocked(Checkpoint):
    """Reads a file that no other process uses."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.cursors = tuple(self._load())


_FOLDER = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
_PATH = os.path.join(_FOLDER.name, "checkpoint")


def checkpoints(data: bytes) -> None:
    head, content = split(data)
    if head[0] & 1:
        # Past the header, which a fuzzer need not write each time.
        content = b'{"format":"ndstream checkpoint","version":1,"files":[%s]}' % content
    with open(_PATH, "wb") as file:
        file.write(content)
    try:
        cursors: Any = _Unlocked(_PATH).cursors
    except CheckpointError:
        return
    for cursor in cursors:
        try:
            saved = orjson.dumps(cursor.to_dict())
        except orjson.JSONEncodeError:
            # Counts past 64 bits, which no file has.
            continue
        assert Cursor.from_dict(orjson.loads(saved)) == cursor, saved
