"""Reading ahead: a thread or a task fills a short queue, so that reading, decompressing and decoding overlap.

The reader and whoever takes the chunks know nothing of each other: a source goes in and one of the same
kind comes out. Errors and the end stand in the queue behind the chunks before them. Closing stops the
reader, which is then gone; only a read in a thread that nothing can interrupt is left to return when it
will, and then that thread closes the source.
"""

from __future__ import annotations

import time
from _thread import get_ident
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ndstream._sources.event_loops import trio_if_running
from ndstream._sources.opened_source import Chunk, OpenedAsyncSource, OpenedSyncSource

_SECONDS_TO_STOP = 1.0


def read_ahead(source: OpenedSyncSource | OpenedAsyncSource, count: int) -> OpenedSyncSource | OpenedAsyncSource:
    """The same source, read ahead of those who take from it.

    Args:
        source: What to read.
        count: How many chunks to hold at most.

    Returns:
        A source of the same chunks. Reading begins when the first one is asked for.

    Example:
        >>> source = read_ahead(OpenedSyncSource(iter([b"a", b"b"]), lambda: None), 1)
        >>> list(source.chunks)
        [b'a', b'b']
    """
    if isinstance(source, OpenedAsyncSource):
        task = _Task(source, count)
        return source._replace(chunks=task, close=task.close)
    thread = _Thread(source, count)
    return source._replace(chunks=thread, close=thread.close, read_deadline=thread.read_deadline, interrupt=None)


class _Thread:
    """Chunks that a thread of its own reads."""

    def __init__(self, source: OpenedSyncSource, count: int) -> None:
        import threading

        self._source = source
        self._count = count
        self._chunks: deque[Chunk] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._ended = False
        self._left_behind = False
        self._error: BaseException | None = None
        self._deadline: float | None = None

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        if self._thread is None:
            import threading

            # A daemon, since a read that nobody can interrupt must not keep the process.
            self._thread = threading.Thread(target=self._fill, name="ndstream prefetch", daemon=True)
            self._thread.start()
        with self._changed:
            while not self._chunks:
                if self._ended:
                    error, self._error = self._error, None
                    if error is not None:
                        raise error
                    raise StopIteration
                left = None if self._deadline is None else self._deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError
                self._changed.wait(left)
            self._changed.notify_all()
            return self._chunks.popleft()

    def _fill(self) -> None:
        try:
            for chunk in self._source.chunks:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopped or len(self._chunks) < self._count)
                    if self._stopped:
                        break
                    self._chunks.append(_kept(chunk))
                    self._changed.notify_all()
        except BaseException as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._left_behind:
            self._source.close()

    @contextmanager
    def read_deadline(self, seconds: float) -> Iterator[None]:
        """Here it is a wait for the queue, whatever the source is."""
        self._deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            self._deadline = None

    def close(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            ended = self._ended or self._thread is None
        if not ended:
            if self._source.interrupt is not None:
                # There is nothing to interrupt where the last chunk has given the connection back.
                with suppress(Exception):
                    self._source.interrupt()
            with self._changed:
                # The garbage collector may have chosen the reader's own thread for this.
                seconds = 0 if self._is_ours() else _SECONDS_TO_STOP
                ended = self._changed.wait_for(lambda: self._ended, seconds)
                self._left_behind = not ended
        if ended:
            if self._thread is not None and not self._is_ours():
                self._thread.join()
            self._source.close()

    def _is_ours(self) -> bool:
        return self._thread is not None and self._thread.ident == get_ident()


class _Task:
    """Chunks that a task of its own reads."""

    def __init__(self, source: OpenedAsyncSource, count: int) -> None:
        self._source = source
        self._count = count
        self._chunks: deque[Chunk] = deque()
        self._closing = False
        self._cancel: Callable[[], object] | None = None
        self._event: Callable[[], Any] | None = None
        self._filled: Any = None
        self._taken: Any = None
        self._ended: Any = None
        self._error: BaseException | None = None

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        if self._event is None:
            self._start()
        while not self._chunks:
            if self._ended.is_set():
                error, self._error = self._error, None
                if error is not None:
                    raise error
                raise StopAsyncIteration
            assert self._event is not None
            self._filled = self._event()
            await self._filled.wait()
        self._taken.set()
        return self._chunks.popleft()

    def _start(self) -> None:
        trio = trio_if_running()
        if trio is None:
            import asyncio

            self._event = asyncio.Event
            self._filled, self._taken, self._ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
            self._cancel = asyncio.get_running_loop().create_task(self._fill()).cancel
        else:
            self._event = trio.Event
            self._filled, self._taken, self._ended = trio.Event(), trio.Event(), trio.Event()
            scope = trio.CancelScope()
            self._cancel = scope.cancel
            # Trio gives no task to those who have no nursery, but for the one of its system.
            trio.lowlevel.spawn_system_task(self._fill_in, scope)

    async def _fill_in(self, scope: Any) -> None:
        with scope:
            await self._fill()

    async def _fill(self) -> None:
        try:
            async for chunk in self._source.chunks:
                while len(self._chunks) >= self._count:
                    assert self._event is not None
                    self._taken = self._event()
                    await self._taken.wait()
                self._chunks.append(_kept(chunk))
                self._filled.set()
        except Exception as error:
            self._error = error
        except BaseException:
            if not self._closing:
                self._error = RuntimeError("the task that reads ahead was cancelled")
            raise
        finally:
            self._ended.set()
            self._filled.set()

    async def close(self) -> None:
        self._closing = True
        try:
            if self._cancel is not None and not self._ended.is_set():
                self._cancel()
                await self._ended.wait()
        finally:
            await self._source.close()


def _kept(chunk: Chunk) -> Chunk:
    """The source may use its buffer again for the next chunk."""
    return chunk if isinstance(chunk, (bytes, str)) else _copy(chunk)


def _copy(chunk: Chunk) -> Chunk:
    try:
        return memoryview(chunk).tobytes()
    except TypeError:
        # It is refused where it is taken.
        return chunk
