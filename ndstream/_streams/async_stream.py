"""`AsyncStream`: an async iterator over the values of a source that is awaited.

It says the same of every way out as `Stream` does: the source is released once, and what arrived before an
error, an interrupt or a failing close comes out before it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

from ndstream._core import NO_VALUE, AsyncPuller, Decoder, iterates_in_c
from ndstream._errors import StreamError
from ndstream._framing import FirstBytes
from ndstream._sources.event_loops import Finalizer, finalizer_of_running_loop, make_finalizer
from ndstream._sources.opened_source import Chunk, OpenedAsyncSource
from ndstream._streams.idle_timeout import IdleTimeout

T = TypeVar("T")
AsyncStreamT = TypeVar("AsyncStreamT", bound="AsyncStream[Any]")


@iterates_in_c
class AsyncStream(AsyncPuller[T]):
    """An async iterator over the values of a source that is awaited.

    It is made by `ndjson`, `sse`, `jsonseq`, `concatenated` and `stream`, and has what `Stream` has, with
    `aclose` and ``async with`` for `close` and ``with``.

    Example:
        >>> import asyncio, ndstream
        >>> async def chunks():
        ...     yield b'{"a":1}\\n'
        >>> async def main():
        ...     async with ndstream.ndjson(chunks()) as stream:
        ...         return [value async for value in stream]
        >>> asyncio.run(main())
        [{'a': 1}]
    """

    def __init__(
        self,
        source: OpenedAsyncSource,
        decoder: Decoder[T] | None,
        first_bytes: FirstBytes | None = None,
        drain: Callable[[], Awaitable[object]] | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        super().__init__()
        self.decoder = decoder
        self.closed = False
        self._chunks: AsyncIterator[Chunk] = source.chunks
        self._first_bytes = first_bytes
        self._running = False
        self._interruption: BaseException | None = None
        self._close_error: Exception | None = None
        self._drain = drain
        self._idle_timeout = idle_timeout
        self._close = source.close
        # Made here, since a stream that nobody iterates over has to release its source as well.
        self._finalizer: Finalizer | None = finalizer_of_running_loop(source.close)
        self._fast_path = self._finalizer is not None and idle_timeout is None

    async def aclose(self) -> None:
        """End the iteration and release the source.

        Where another task awaits a chunk, the source is released when that comes or the task is
        cancelled: most sources cannot be closed while they run.
        """
        self._end()
        if not self._running:
            await self._release()

    async def __aenter__(self: AsyncStreamT) -> AsyncStreamT:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _fast_next(self) -> T:
        """`_slow_next` in fewer steps, for the usual case: the next chunk completes a value."""
        if self._running or not self._fast_path:
            return await self._slow_next()
        self._running = True
        try:
            try:
                chunk = await self._chunks.__anext__()
            except BaseException as error:
                await self._source_raised(error)
            else:
                if not self._ended:
                    value: T = self._feed(chunk)
                    if value is not NO_VALUE:
                        return value
        except StreamError:
            raise
        except BaseException:
            await self._release_after_error()
            raise
        finally:
            self._running = False
        return await self._slow_next()

    async def _slow_next(self) -> T:
        """The next value, if chunks have to be awaited first."""
        if self._running:
            raise RuntimeError("the stream is running already: two tasks cannot iterate over it at once")
        self._running = True
        try:
            if self._finalizer is None:
                self._finalizer = make_finalizer(self._close)
                self._fast_path = self._idle_timeout is None
            timeout = None if self._idle_timeout is None else IdleTimeout(self._idle_timeout, self.decoder)
            while not (self.closed or self._ended):
                decoder: Decoder[T] | None = self.decoder
                if decoder is not None:
                    # Values are left here only if several tasks share the stream.
                    for value in decoder:
                        return value
                    if decoder.done:
                        if self._drain is not None:
                            await self._drain()
                        break
                try:
                    if timeout is None:
                        chunk = await self._chunks.__anext__()
                    else:
                        chunk = await timeout.next_chunk(self._chunks, decoder)
                except BaseException as error:
                    await self._source_raised(error)
                else:
                    if self._ended:
                        break
                    if decoder is not None:
                        value = self._feed(chunk)
                        if value is not NO_VALUE:
                            return value
                    elif self._first_bytes is not None:
                        self._note_chunk(chunk)
                        self.decoder = self._first_bytes.feed(chunk, at_end=False)
            if self.decoder is not None and not self._ended:
                for value in self.decoder:
                    return value
            await self._release()
        except StreamError:
            raise
        except BaseException:
            await self._release_after_error()
            raise
        finally:
            self._running = False
        self._raise_deferred()
        self._end()
        raise StopAsyncIteration

    async def _source_raised(self, error: BaseException) -> None:
        """Handle what the source raised instead of giving a chunk; return if that was its end."""
        if isinstance(error, StopAsyncIteration):
            self._final_decoder().finish()
            try:
                await self._release()
            except Exception as close_error:
                # Buffered values come out before the error of closing.
                self._close_error = close_error
        elif not isinstance(error, Exception):
            # A cancellation or Ctrl-C is not the end: buffered values still come out, and after them an error.
            self._interruption = error
            raise error
        elif self._is_misuse(error):
            self._end()
            raise error
        else:
            failure = self._final_decoder()._fail(error)
            self._end()
            try:
                await self._release()
            except Exception:
                raise failure from error
            raise failure from error

    async def _release_after_error(self) -> None:
        if self._interruption is None:
            self._end()
        await self._release()

    def _raise_deferred(self) -> None:
        """Raise what waited until all buffered values were out: an interruption, or an error of closing."""
        interruption, self._interruption = self._interruption, None
        if interruption is not None and not self._ended:
            self._end()
            raise self._final_decoder()._fail(interruption) from interruption
        close_error, self._close_error = self._close_error, None
        if close_error is not None:
            self._end()
            raise close_error

    def _final_decoder(self) -> Decoder[T]:
        """The decoder, once no more chunks can decide which it is."""
        if self.decoder is None and self._first_bytes is not None:
            self.decoder = self._first_bytes.feed(b"", at_end=True)
        assert self.decoder is not None
        return self.decoder

    async def _release(self) -> None:
        if not self.closed:
            self.closed = True
            self._fast_path = False
            self._drain = None
            if self._finalizer is None:
                self._finalizer = make_finalizer(self._close)
            await self._finalizer.aclose()
