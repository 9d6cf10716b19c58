"""`ReadingTask`: chunks that a task of its own reads, of asyncio or trio.

Closing cancels the task, waits for its end, and then releases the source. A scope that is cancelled already does
not cut that wait short, since most sources cannot be closed while they are read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ndstream._sources.event_loops import shielded, trio_if_running
from ndstream._sources.opened_source import Chunk, OpenedAsyncSource, copied_unless_bytes


class ReadingTask(AsyncIterator[Chunk]):
    """An async iterator over the chunks of a source, at most ``count`` of which are read before they are asked for."""

    def __init__(self, source: OpenedAsyncSource, count: int) -> None:
        self._source = source
        self._count = count
        # Chunks by their number, as in `ReadingThread`: an interrupt in the consumer loses none.
        self._chunks: dict[int, Chunk] = {}
        self._read = 0
        self._requested = 0
        self._delivered = 0
        self._cancel: Callable[[], object] | None = None
        self._event: Callable[[], Any] | None = None
        self._cancelled: type[BaseException] = Exception
        self._arrived: Any = None
        self._room: Any = None
        self._finished: Any = None
        self._ended = False
        self._stopped = False
        self._left_behind = False
        self._error: BaseException | None = None

    async def __anext__(self) -> Chunk:
        if self._event is None:
            self._start()
        self._chunks.pop(self._delivered - 1, None)
        while self._delivered not in self._chunks:
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            assert self._event is not None
            self._arrived = self._event()
            await self._arrived.wait()
        chunk = self._chunks[self._delivered]
        self._requested = self._delivered + 1
        self._room.set()
        self._delivered += 1
        return chunk

    def _start(self) -> None:
        trio = trio_if_running()
        if trio is None:
            import asyncio

            self._event = asyncio.Event
            self._cancelled = asyncio.CancelledError
            self._arrived, self._room, self._finished = asyncio.Event(), asyncio.Event(), asyncio.Event()
            task = asyncio.get_running_loop().create_task(self._run_in(nullcontext()))
            # A task that is cancelled before its first step runs no code of its own.
            task.add_done_callback(lambda _: self._end())
            self._cancel = task.cancel
        else:
            self._event = trio.Event
            self._cancelled = trio.Cancelled
            self._arrived, self._room, self._finished = trio.Event(), trio.Event(), trio.Event()
            scope = trio.CancelScope()
            self._cancel = scope.cancel
            # Trio starts tasks in a nursery, which a caller has not given; the system's own is there for all.
            trio.lowlevel.spawn_system_task(self._run_in, scope)

    async def _run_in(self, scope: AbstractContextManager[object]) -> None:
        try:
            with scope:
                await self._run()
        finally:
            if self._left_behind:
                await self._source.close()

    async def _run(self) -> None:
        assert self._event is not None
        try:
            async for chunk in self._source.chunks:
                while self._read - self._requested >= self._count:
                    self._room = self._event()
                    await self._room.wait()
                self._chunks[self._read] = copied_unless_bytes(chunk)
                self._read += 1
                self._arrived.set()
        except self._cancelled:
            if not self._stopped:
                self._error = RuntimeError("the task that reads ahead was cancelled")
            raise
        except BaseException as error:
            # Raised here, what is no Exception would end the event loop, and not reach the reader.
            self._error = error
        finally:
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._arrived.set()
        self._finished.set()

    async def close(self) -> None:
        """Stop the task and release the source."""
        self._stopped = True
        try:
            if self._cancel is not None and not self._ended:
                self._cancel()
                with shielded():
                    await self._finished.wait()
        finally:
            if self._cancel is None or self._ended:
                await self._source.close()
            else:
                # This task was cancelled once more by `Task.cancel`: the reading task closes the source when it ends.
                self._left_behind = True
