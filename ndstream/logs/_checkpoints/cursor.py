"""A cursor: a place in a file, and what proves that a file is the one it is in."""

from __future__ import annotations

import base64
import os
from typing import Any, NamedTuple

from ndstream.logs._containers.unfinished_line import UnfinishedLine
from ndstream.logs._files.fingerprint import Fingerprint
from ndstream.logs._files.positions import START, Member, Position


class Cursor(NamedTuple):
    """The end of a line of a file that was read up to there.

    Attributes:
        path: The file's path at that time. `os.fsencode` gives its exact bytes.
        format: "plain", "gzip", "zstd", "bz2", "xz" or "lz4".
        position: The place in the content, and where decompression can begin.
        line: How many lines end at or before it.
        delivered: How many bytes after it were delivered as a last line without a LF. If the line went on since,
            it is another line, and comes whole.
        device: The device that held the file.
        inode: Its inode there. Both are hints: other files get them once this one is gone.
        fingerprint: What has to be found in the content at this place.
        unfinished: Lines whose last part lies after it, of logs that have parts.
    """

    path: str
    format: str = "plain"
    position: Position = START
    line: int = 0
    delivered: int = 0
    device: int = 0
    inode: int = 0
    fingerprint: Fingerprint = Fingerprint()
    unfinished: tuple[UnfinishedLine, ...] = ()

    @property
    def offset(self) -> int:
        """How many bytes of content precede it."""
        return self.position.offset

    def to_dict(self) -> dict[str, Any]:
        """The cursor as values of JSON."""
        path = os.fsencode(self.path)
        name: dict[str, Any]
        try:
            name = {"path": path.decode()}
        except UnicodeDecodeError:
            name = {"path": path.decode("utf-8", "replace"), "path_base64": base64.b64encode(path).decode()}
        (offset, compressed_offset, member), mark = self.position, self.fingerprint
        parts = [line.to_dict() for line in self.unfinished]
        return name | {
            "device": self.device,
            "inode": self.inode,
            "format": self.format,
            "offset": offset,
            "line": self.line,
            "delivered": self.delivered,
            "compressed_offset": compressed_offset,
            "member": list(member),
            "head": [mark.head_size, mark.head],
            "anchor": [mark.anchor_size, mark.anchor],
            **({"unfinished": parts} if parts else {}),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Cursor:
        """The cursor in values of JSON.

        Raises:
            KeyError, TypeError, ValueError: There is none.
        """
        encoded = values.get("path_base64")
        path = values["path"] if encoded is None else os.fsdecode(base64.b64decode(encoded, validate=True))
        (start, compressed_start), head, anchor = values["member"], values["head"], values["anchor"]
        position = Position(
            _count(values["offset"]),
            _count(values["compressed_offset"]),
            Member(_count(start), _count(compressed_start)),
        )
        return cls(
            _text(path), _text(values["format"]), position, _count(values["line"]), _count(values["delivered"]),
            _count(values["device"]), _count(values["inode"]),
            Fingerprint(_count(head[0]), _text(head[1]), _count(anchor[0]), _text(anchor[1])),
            tuple(UnfinishedLine.from_dict(line) for line in values.get("unfinished", ())),
        )  # fmt: skip


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
