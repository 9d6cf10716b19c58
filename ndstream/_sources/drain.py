"""What stands behind the sentinel is read and dropped, so that the connection can serve the next request.

That is little: the end of a chunked body. A server that keeps the stream open is not waited for.
"""

from __future__ import annotations

import time
from contextlib import suppress

from ndstream._sources.event_loops import move_on_after
from ndstream._sources.headers import keeps_connection
from ndstream._sources.opened_source import AsyncChunks, SyncChunks

DRAIN = (64 * 1024, 0.1)
"""At most so many bytes, in at most so many seconds."""


def can_drain(source: SyncChunks | AsyncChunks) -> bool:
    """Whether that may spare a connection, and cannot hang.

    A sync read cannot be interrupted, so that there has to be a way to bound it.
    """
    bounded = isinstance(source, AsyncChunks) or source.bounded is not None
    return bounded and source.headers is not None and keeps_connection(source.headers)


def drain(source: SyncChunks, size: int, seconds: float) -> None:
    """Read what is left, if it is no more than this."""
    assert source.bounded is not None
    deadline = time.monotonic() + seconds
    # Whatever goes wrong: the stream had its end before, and the response is closed next.
    with suppress(Exception), source.bounded(seconds):
        for chunk in source.chunks:
            size -= len(chunk)
            if size < 0 or time.monotonic() >= deadline:
                break


async def drain_async(source: AsyncChunks, size: int, seconds: float) -> None:
    """The same for a source that is awaited."""
    with suppress(Exception), move_on_after(seconds):
        async for chunk in source.chunks:
            size -= len(chunk)
            if size < 0:
                break
