"""Reading ahead: a thread or a task fills a short queue, so that reading, decompressing and decoding overlap.

A source goes in and one of the same kind comes out. Errors and the end come after the chunks before them.
"""

from __future__ import annotations

from ndstream._sources.opened_source import OpenedAsyncSource, OpenedSource
from ndstream._sources.prefetch_task import ReadingTask
from ndstream._sources.prefetch_thread import ReadingThread


def read_ahead(source: OpenedSource, count: int) -> OpenedSource:
    """The same source, read before its chunks are asked for.

    Args:
        source: What to read.
        count: How many chunks to hold at most.

    Returns:
        A source of the same chunks. Reading begins when the first one is asked for.

    Example:
        >>> from ndstream._sources.opened_source import OpenedSyncSource
        >>> source = read_ahead(OpenedSyncSource(iter([b"a", b"b"]), lambda: None), 1)
        >>> list(source.chunks)
        [b'a', b'b']
    """
    if isinstance(source, OpenedAsyncSource):
        task = ReadingTask(source, count)
        return source._replace(chunks=task, close=task.close, close_wakes_reader=True)
    thread = ReadingThread(source, count)
    return source._replace(chunks=thread, close=thread.close, read_deadline=thread.read_deadline, interrupt=None)
