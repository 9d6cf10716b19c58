"""The stream classes: a source and a decoder make an iterator of values.

A stream owns its source. The source is released once: by `close`, by leaving ``with``, by the end of
the iteration, or when nobody refers to the stream any more, whichever comes first. After an error in a
frame the iteration goes on with the next frame; after an error of the source it is at its end.

It is longer than most files here, since both kinds of stream have to say the same of every way out.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from ndstream._core import NO_VALUE, AsyncPuller, Decoder, Puller, iterates_in_c
from ndstream._diagnosis import Stall, not_bytes
from ndstream._errors import StreamError
from ndstream._framing import MOST_SNIFFED, Format, sniff
from ndstream._sources.event_loops import keep, keep_until_closed, move_on_after
from ndstream._sources.opened_source import AsyncChunks, Chunk, SyncChunks

T = TypeVar("T")
StreamT = TypeVar("StreamT", bound="Stream[Any]")
AsyncStreamT = TypeVar("AsyncStreamT", bound="AsyncStream[Any]")


class Chooser:
    """Holds a stream's first bytes until they tell its framing."""

    def __init__(self, make: Callable[[Format], Decoder[Any]]) -> None:
        self._make = make
        self._head = bytearray()

    def choose(self, chunk: Chunk, at_end: bool) -> Decoder[Any] | None:
        """The decoder, with all chunks so far fed to it; None while it cannot be told."""
        try:
            self._head += memoryview(chunk).tobytes()
        except TypeError:
            raise TypeError(not_bytes(chunk)) from None
        format = sniff(self._head[:MOST_SNIFFED], at_end)
        return None if format is None else self._make(format).feed(self._head)


@iterates_in_c
class Stream(Puller[T]):
    """An iterator over the values of a source that is read by calling.

    It is made by `ndjson`, `sse`, `jsonseq` and `stream`.

    Attributes:
        decoder: The decoder in use, with ``offset``, ``frames`` and ``errors``; None until the
            first bytes have told the framing.
        closed: Whether the source has been released.

    Raises:
        StreamError: From ``next``: a frame is bad, or the source failed (a `TruncatedError` with
            the source's own error as its cause).

    Example:
        >>> import ndstream
        >>> with ndstream.ndjson([b'{"a":1}\\n{"a"', b":2}\\n"]) as stream:
        ...     [value["a"] for value in stream]
        [1, 2]
    """

    def __init__(
        self,
        source: SyncChunks,
        decoder: Decoder[T] | None,
        chooser: Chooser | None = None,
        drain: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(source.chunks, decoder)
        self._close = source.close
        self._interrupt = source.interrupt
        self._chooser = chooser
        self._drain = drain

    def _choose(self, chunk: Chunk, at_end: bool) -> Decoder[Any] | None:
        assert self._chooser is not None
        return self._chooser.choose(chunk, at_end)

    def _release(self) -> None:
        drain, self._drain = self._drain, None
        try:
            if self._runs_elsewhere():
                # Some responses cannot be closed while they are read, and no read notices that another thread closes.
                if self._interrupt is not None:
                    with suppress(Exception):
                        self._interrupt()
            elif drain is not None and self.decoder is not None and self.decoder.done:
                drain()
        finally:
            self._close()

    def __enter__(self: StreamT) -> StreamT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_close"):
            self.close()


@iterates_in_c
class AsyncStream(AsyncPuller[T]):
    """An async iterator over the values of a source that is awaited.

    It is made by `ndjson`, `sse`, `jsonseq` and `stream`, and has what `Stream` has, with `aclose`
    and ``async with`` for `close` and ``with``.

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
        source: AsyncChunks,
        decoder: Decoder[T] | None,
        chooser: Chooser | None = None,
        drain: Callable[[], Awaitable[object]] | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        super().__init__()
        self.decoder = decoder
        self.closed = False
        self._chunks: AsyncIterator[Chunk] = source.chunks
        self._chooser = chooser
        self._running = False
        self._interruption: BaseException | None = None
        self._close_error: Exception | None = None
        self._drain = drain
        self._idle_timeout = idle_timeout
        self._close = source.close
        # A stream that nobody iterates over is left behind as well.
        self._keeper = keep(source.close)
        self._plain = self._keeper is not None and idle_timeout is None

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

    async def _arrive(self) -> T:
        """The same as `_refill`, by fewer steps: the decoder has nothing left, and the next chunk brings a value."""
        if self._running or not self._plain:
            return await self._refill()
        self._running = True
        failure: BaseException | None = None
        chunk: Chunk = b""
        try:
            chunk = await self._chunks.__anext__()
        except BaseException as error:
            failure = error
        self._running = False
        if failure is None and not self._ended:
            try:
                value: T = self._feed(chunk)
            except StreamError:
                raise
            except BaseException:
                await self.aclose()
                raise
            if value is not NO_VALUE:
                return value
        try:
            return await self._refill(failure)
        finally:
            # Its traceback has this frame.
            failure = None

    async def _refill(self, failure: BaseException | None = None) -> T:
        """The next value, where chunks have to be awaited first.

        Args:
            failure: What the source raised when it was asked for the next chunk already.
        """
        if self._running:
            raise RuntimeError("the stream is running already: two tasks cannot iterate over it at once")
        self._running = True
        try:
            if self._keeper is None:
                self._keeper = keep_until_closed(self._close)
                self._plain = self._idle_timeout is None
            decoder: Decoder[T] | None = self.decoder
            patience = None if self._idle_timeout is None else _Patience(self._idle_timeout, decoder)
            while failure is not None or not (self.closed or self._ended):
                if decoder is not None and failure is None:
                    # Nothing waits in it, unless tasks crowd one stream.
                    for value in decoder:
                        return value
                    if decoder.done:
                        if self._drain is not None:
                            await self._drain()
                        break
                try:
                    if failure is not None:
                        try:
                            raise failure
                        finally:
                            failure = None
                    if patience is None:
                        chunk = await self._chunks.__anext__()
                    else:
                        chunk = await patience.wait(self._chunks, decoder)
                except StopAsyncIteration:
                    await self._source_ended()
                except Exception as error:
                    if self._is_misuse(error):
                        self._end()
                        raise
                    await self._source_failed(error)
                except BaseException as error:
                    # What is left in the decoder still comes out; behind it, this was no end.
                    self._interruption = error
                    raise
                else:
                    if self._ended:
                        break
                    if decoder is not None:
                        value = self._feed(chunk)
                        if value is not NO_VALUE:
                            return value
                    elif self._chooser is not None:
                        self._note_chunk(chunk)
                        self.decoder = decoder = self._chooser.choose(chunk, at_end=False)
            if self.decoder is not None and not self._ended:
                for value in self.decoder:
                    return value
            await self._release()
        except StreamError:
            raise
        except BaseException:
            if self._interruption is None:
                self._end()
            await self._release()
            raise
        finally:
            self._running = False
        self._raise_late()
        self._end()
        raise StopAsyncIteration

    async def _source_ended(self) -> None:
        self._decided().finish()
        try:
            await self._release()
        except Exception as error:
            # What arrived comes first.
            self._close_error = error

    async def _source_failed(self, cause: Exception) -> None:
        error = self._decided()._fail(cause)
        self._end()
        try:
            await self._release()
        except Exception:
            raise error from cause
        raise error from cause

    def _raise_late(self) -> None:
        """What went wrong beside the frames, once all of these are out."""
        interruption, self._interruption = self._interruption, None
        if interruption is not None and not self._ended:
            self._end()
            raise self._decided()._fail(interruption) from interruption
        close_error, self._close_error = self._close_error, None
        if close_error is not None:
            self._end()
            raise close_error

    def _decided(self) -> Decoder[T]:
        """The decoder, now that no more chunks will tell."""
        if self.decoder is None and self._chooser is not None:
            self.decoder = self._chooser.choose(b"", at_end=True)
        assert self.decoder is not None
        return self.decoder

    async def _release(self) -> None:
        if not self.closed:
            self.closed = True
            self._plain = False
            self._drain = None
            if self._keeper is None:
                self._keeper = keep_until_closed(self._close)
            await self._keeper.aclose()


class _Patience:
    """How long one value is waited for.

    What an unfinished frame gains begins the time anew; heartbeats do not, since they leave nothing.
    """

    def __init__(self, seconds: float, decoder: Decoder[Any] | None) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._most = 0 if decoder is None else decoder.pending

    async def wait(self, chunks: AsyncIterator[Chunk], decoder: Decoder[Any] | None) -> Chunk:
        if decoder is not None and decoder.pending > self._most:
            self._most = decoder.pending
            self._deadline = time.monotonic() + self._seconds
        with move_on_after(self._deadline - time.monotonic()) as scope:
            return await chunks.__anext__()
        assert scope.cancelled_caught
        raise Stall(self._seconds)
