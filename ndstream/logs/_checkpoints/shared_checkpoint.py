"""One checkpoint for several logs that are read side by side: each log has a part of it, which is a checkpoint to it.

Whenever one part is saved, the file is written with the cursors of all parts as they were saved last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._checkpoints.cursor import Cursor
from ndstream.logs._files.paths import generations_of


def parts_of(checkpoint: Checkpoint, logs: Sequence[Sequence[object]]) -> list[Checkpoint]:
    """The parts of a checkpoint, one for each log. To close a part does not close the checkpoint.

    Args:
        checkpoint: Where all of them are saved.
        logs: The files of each log.
    """
    groups = [{generations_of(file) for file in files if isinstance(file, str)} for files in logs]
    cursors: list[list[Cursor]] = [[] for _ in logs]
    for cursor in checkpoint.cursors:
        # A file that was renamed to something else is found by its identity, whoever looks for it.
        found = (number for number, group in enumerate(groups) if generations_of(cursor.path) in group)
        cursors[next(found, 0)].append(cursor)
    parts: list[Checkpoint] = []
    parts.extend(_Part(checkpoint, parts, each) for each in cursors)
    return parts


class _Part(Checkpoint):
    def __init__(self, whole: Checkpoint, parts: list[Checkpoint], cursors: list[Cursor]) -> None:
        self.path = whole.path
        self.on_mismatch = whole.on_mismatch
        self.cursors = tuple(cursors)
        self._whole = whole
        self._parts = parts

    @property
    def due(self) -> bool:
        return self._whole.due

    def save(self, cursors: Iterable[Cursor], sync: Callable[[], object] | None = None) -> None:
        self.cursors = tuple(cursors)
        self._whole.save((cursor for part in self._parts for cursor in part.cursors), sync)

    def close(self) -> None:
        """Nothing: others may not be done yet."""
