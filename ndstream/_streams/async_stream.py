"""`AsyncStream`: an async iterator over the values of a source that is awaited.

It says the same of every way out as `Stream` does: the source is released once, and what arrived before an
error, an interrupt or a failing close comes out before it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from ndstream._core import AsyncPuller, Decoder, FirstBytes, iterates_in_c
from ndstream._sources.event_loops import Closes, Finalizer, finalizer_of_running_loop, make_finalizer
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
        super().__init__(decoder, first_bytes)
        self.closed = False
        self._chunks: AsyncIterator[Chunk] = source.chunks
        self._undecided = False
        self._interruption: BaseException | None = None
        self._deferred_error: Exception | None = None
        self._drain = drain
        self._idle_timeout = idle_timeout
        self._close = source.close
        self._close_wakes_reader = source.close_wakes_reader
        # Made here, since a stream that nobody iterates over has to release its source as well.
        self._finalizer: Finalizer | None = finalizer_of_running_loop(source.close)
        self._fast_path = decoder is not None and self._finalizer is not None and idle_timeout is None

    async def aclose(self) -> None:
        """End the iteration and release the source.

        If another task waits for a chunk, its iteration ends without an error as soon as the source wakes it:
        responses of httpx and aiohttp, byte streams of anyio, trio and tornado, and streams with ``prefetch``
        do so at once. Other sources, such as async generators, cannot be closed while they run: the source is
        then released when that task gets its chunk. Cancel the task in order not to wait for one.
        """
        self._end()
        if not self._running or self._close_wakes_reader:
            await self._release()

    async def __aenter__(self: AsyncStreamT) -> AsyncStreamT:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _next_after(self, error: BaseException) -> T:
        """The next value, after the source raised instead of giving a chunk."""
        self._running = True
        try:
            await self._source_raised(error)
        except BaseException:
            await self._release_if_over()
            raise
        finally:
            self._running = False
        return await self._slow_next()

    async def _raise_after_release(self, error: BaseException) -> T:
        """Raise what came out of the decoder when it was given a chunk."""
        await self._release_if_over()
        raise error

    async def _slow_next(self) -> T:
        """The next value, if chunks have to be awaited first."""
        if self._running:
            raise RuntimeError("the stream is running already: two tasks cannot iterate over it at once")
        self._running = True
        try:
            if self._finalizer is None:
                self._make_finalizer()
                self._fast_path = self.decoder is not None and self._idle_timeout is None
            timeout = None if self._idle_timeout is None else IdleTimeout(self._idle_timeout, self.decoder)
            while not self._ended:
                if self._undecided:
                    self._choose_decoder()
                if self.decoder is not None:
                    for value in self.decoder:
                        return value
                    if self.decoder.done and self._drain is not None:
                        await self._drain()
                if self.closed or (self.decoder is not None and self.decoder.done):
                    break
                try:
                    if timeout is None:
                        chunk = await self._chunks.__anext__()
                    else:
                        chunk = await timeout.next_chunk(self._chunks, self.decoder)
                except BaseException as error:
                    await self._source_raised(error)
                else:
                    if not self._ended:
                        self._feed(chunk)
                        self._undecided = self.decoder is None
            await self._release()
        except BaseException:
            await self._release_if_over()
            raise
        finally:
            self._running = False
        self._raise_deferred()
        self._end()
        raise StopAsyncIteration

    def _choose_decoder(self) -> None:
        """Ask the first bytes for the decoder, once more if an interrupt came out of the first time."""
        try:
            self._choose(False)
        except Exception:
            self._end()
            raise
        self._undecided = False
        self._fast_path = self.decoder is not None and self._idle_timeout is None

    async def _source_raised(self, error: BaseException) -> None:
        """Handle what the source raised instead of giving a chunk; return if that was its end."""
        if isinstance(error, StopAsyncIteration):
            self._final_decoder().finish()
            try:
                await self._release()
            except Exception as close_error:
                # Buffered values come out before the error of closing.
                self._deferred_error = close_error
        elif not isinstance(error, Exception):
            # A cancellation or Ctrl-C is not the end: buffered values still come out, and after them an error.
            self._interruption = error
            raise error
        elif self._ended:
            # It was closed meanwhile, which may well be the reason.
            return
        elif self._is_misuse(error):
            self._end()
            raise error
        else:
            await self._source_failed(error)

    async def _source_failed(self, cause: Exception) -> None:
        # If an interrupt comes out of what follows, the next step is to fail as well.
        self._interruption = cause
        failure = self._deferred_error = self._final_decoder()._fail(cause)
        with suppress(Exception):
            await self._release()
        self._deferred_error = self._interruption = None
        self._end()
        raise failure from cause

    async def _release_if_over(self) -> None:
        if self._ended or self._interruption is not None:
            await self._release()

    def _raise_deferred(self) -> None:
        """Raise what waited until all buffered values were out: an interruption, or an error."""
        if self._ended:
            return
        interruption, self._interruption = self._interruption, None
        deferred, self._deferred_error = self._deferred_error, None
        if deferred is not None:
            self._end()
            raise deferred
        if interruption is not None:
            self._end()
            raise self._final_decoder()._fail(interruption) from interruption

    def _final_decoder(self) -> Decoder[T]:
        """The decoder, once no more chunks can decide which it is."""
        decoder = self._choose(True)
        assert decoder is not None
        return decoder

    def _make_finalizer(self) -> None:
        closes: Closes = [None]
        self._finalizer = make_finalizer(closes)
        closes[0] = self._close

    async def _release(self) -> None:
        if not self.closed:
            if self._finalizer is None:
                self._make_finalizer()
            assert self._finalizer is not None
            # Released if this was made, so that what fails here can be repeated.
            closing = self._finalizer.aclose()
            self.closed = True
            self._fast_path = False
            self._drain = None
            await closing
