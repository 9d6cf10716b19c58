"""The upstream of a relay: an opened source, its status, and how it is released."""

from __future__ import annotations

from typing import Any

from ndstream._framing import Format
from ndstream._sources import open_source
from ndstream._sources.headers import framing
from ndstream._sources.opened_source import Chunk, OpenedAsyncSource, OpenedSyncSource
from ndstream._streams.read_options import close_unused
from ndstream.serving._upstream_error import is_success, status_of

MAX_PIECE = 64 * 1024
"""The largest chunk that is converted at once, in bytes: more would keep an event loop from everything else."""


class Upstream:
    """What a relay reads.

    Attributes:
        opened: The chunks, the headers, and what closes them.
        status: The response's status; None if the source is no response.
        named_format: The framing that the Content-Type names; None if it names none.
        format: The framing to read; None if the first bytes have to show it.
        by_first_line: Whether these are read as a body that is called JSON.
    """

    def __init__(self, source: Any, format: Format | None) -> None:
        self.status = status_of(source)
        self.opened: OpenedSyncSource | OpenedAsyncSource = open_source(source)
        try:
            self.named_format: Format | None = framing(self.opened.headers) if format is None else format
        except BaseException:
            close_unused(self.opened)
            raise
        # Under application/json, any number of values may come.
        self.by_first_line = format is None and self.named_format == "json"
        self.format: Format | None = None if self.by_first_line else self.named_format

    @property
    def refused(self) -> bool:
        """Whether the status is that of no success."""
        return not is_success(self.status)


def pieces(chunk: Chunk) -> list[Chunk]:
    """A chunk in parts that are converted one at a time."""
    data = bytes(chunk)
    return [data[begin : begin + MAX_PIECE] for begin in range(0, len(data), MAX_PIECE)]
