"""Bytes after the sentinel are read and dropped, so that the connection can serve the next request.

Usually these are only the end of a chunked body. A server that keeps the stream open is not waited for.
"""

from __future__ import annotations

import time
from contextlib import suppress

from ndstream._sources.event_loops import move_on_after
from ndstream._sources.headers import keeps_connection
from ndstream._sources.opened_source import OpenedAsyncSource, OpenedSyncSource

DEFAULT_DRAIN = (64 * 1024, 0.1)
"""At most this many bytes, in at most this many seconds."""


def can_drain(source: OpenedSyncSource | OpenedAsyncSource) -> bool:
    """Whether draining can save the connection without a risk to hang: sync reads need a deadline for that."""
    bounded = isinstance(source, OpenedAsyncSource) or source.read_deadline is not None
    return bounded and source.headers is not None and keeps_connection(source.headers)


def drain(source: OpenedSyncSource, size: int, seconds: float) -> None:
    """Read what is left, up to ``size`` bytes and ``seconds``."""
    assert source.read_deadline is not None
    deadline = time.monotonic() + seconds
    # Errors do not matter here: the stream has ended already, and the response is closed next.
    with suppress(Exception), source.read_deadline(seconds):
        for chunk in source.chunks:
            size -= len(chunk)
            if size < 0 or time.monotonic() >= deadline:
                break


async def drain_async(source: OpenedAsyncSource, size: int, seconds: float) -> None:
    """`drain` for a source that is awaited."""
    with suppress(Exception), move_on_after(seconds):
        async for chunk in source.chunks:
            size -= len(chunk)
            if size < 0:
                break
