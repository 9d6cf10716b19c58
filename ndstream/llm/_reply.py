"""Replies: a source and a wire make an iterator of deltas, and the answer that these add up to.

A reply owns its source, as a stream does. What iterates refers to the stream and the folder, never to the
reply, so that a reply that is dropped is released at once.

It is longer than most files here by its overloads: one name for sync and async, and for collecting.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ndstream._core import Event, SSEDecoder
from ndstream._diagnosis import Stall
from ndstream._errors import DecodeError, StreamError
from ndstream._framing import DEFAULT_MAX_FRAME_SIZE
from ndstream._sources.protocols import AsyncSource, EitherSource, SyncSource
from ndstream._streams import AsyncStream, Stream
from ndstream.llm._answer import Answer
from ndstream.llm._delta import Delta
from ndstream.llm._folder import Folder, OnIncomplete, is_blank, is_heartbeat
from ndstream.llm._frames import open_frames

if TYPE_CHECKING:
    from ndstream.llm._either_reply import EitherReply

ReplyT = TypeVar("ReplyT", bound="Reply")
AsyncReplyT = TypeVar("AsyncReplyT", bound="AsyncReply")


class Reply(Answer):
    """An iterator over the deltas of a reply, made by `reply`. What it has of `Answer` holds at any moment.

    Raises:
        ReplyTruncatedError: From ``next``, at the end: the bytes ended before the server was done.
        ReplyServerError: From ``next``, at the end: the server reported an error, or sent no reply.

    Example:
        >>> from ndstream import llm
        >>> with llm.reply(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\\n\\ndata: [DONE]\\n\\n') as reply:
        ...     [delta.text for delta in reply]
        ['Hi']
        >>> reply.ending.verdict
        'complete'
    """

    def __init__(self, stream: Stream[Any], folder: Folder) -> None:
        super().__init__(folder)
        self._stream = stream
        self._deltas = _deltas(stream, folder)

    def __iter__(self) -> Iterator[Delta]:
        return self._deltas

    def __next__(self) -> Delta:
        return next(self._deltas)

    def texts(self) -> Iterator[str]:
        """The text of the first choice alone, in pieces as they come.

        Example:
            >>> from ndstream import llm
            >>> "".join(llm.reply(b'{"response":"Hi","done":true}').texts())
            'Hi'
        """
        return (delta.text for delta in self._deltas if delta.text and not delta.choice)

    @property
    def closed(self) -> bool:
        """Whether the source has been released."""
        return self._stream.closed

    def close(self) -> None:
        """Stop here and release the source. Closing twice is harmless."""
        self._folder.close(self._stream.decoder)
        self._stream.close()

    def __enter__(self: ReplyT) -> ReplyT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _deltas(stream: Stream[Any], folder: Folder) -> Iterator[Delta]:
    item: Any = None
    error: Exception | None = None
    try:
        for item in stream:
            first = folder.take(item)
            if first is not None:
                yield first
                yield from _taken(folder.wire.more)
                if folder.told:
                    break
        take, more = folder.wire.take, folder.wire.more
        silent = "first_text" not in folder.clock
        while True:
            try:
                # These loops are what each token costs.
                if isinstance(stream.decoder, SSEDecoder):
                    for item in stream:
                        delta = take(item.json(), item)
                        if silent and delta.text:
                            silent = folder.mark("first_text")
                        yield delta
                        if more:
                            yield from _taken(more)
                else:
                    for item in stream:
                        delta = take(item, None)
                        if silent and delta.text:
                            silent = folder.mark("first_text")
                        yield delta
                        if more:
                            yield from _taken(more)
                break
            except DecodeError as bad:
                if not is_blank(bad):
                    raise
    except StreamError as failure:
        error = folder.fail(failure, stream.decoder, item)
    except GeneratorExit:
        raise
    except BaseException as interruption:
        folder.close(stream.decoder, repr(interruption))
        stream.close()
        raise
    else:
        error = folder.end(stream.decoder)
    stream.close()
    yield from _taken(folder.wire.more)
    if error is not None:
        raise error


def _taken(more: list[Delta]) -> list[Delta]:
    deltas = list(more)
    more.clear()
    return deltas


class AsyncReply(Answer):
    """An async iterator over the deltas of a reply whose source is awaited.

    It is made by `reply`, and has what `Reply` has, with `aclose` and ``async with`` for `close` and ``with``.

    Example:
        >>> import asyncio
        >>> from ndstream import llm
        >>> async def chunks():
        ...     yield b'{"response":"Hi","done":true}'
        >>> async def main():
        ...     async with llm.reply(chunks()) as reply:
        ...         return [delta.text async for delta in reply]
        >>> asyncio.run(main())
        ['Hi']
    """

    def __init__(self, stream: AsyncStream[Any], folder: Folder, idle_timeout: float | None = None) -> None:
        super().__init__(folder)
        self._stream = stream
        self._idle_timeout = idle_timeout
        self._waited = 0.0
        self._take: Callable[[Any, Event | None], Delta] | None = None
        self._silent = True
        self._more: list[Delta] = []
        self._error: Exception | None = None

    def __aiter__(self: AsyncReplyT) -> AsyncReplyT:
        return self

    async def __anext__(self) -> Delta:
        item: Any = None
        while True:
            if self._more:
                return self._more.pop(0)
            if self._folder.ending is not None:
                raised, self._error = self._error, None
                raise raised or StopAsyncIteration
            try:
                if self._idle_timeout is None:
                    item = await self._stream.__anext__()
                else:
                    item = await self._next_in_time(self._idle_timeout)
                if self._take is not None:
                    delta = self._take(item.json(), item) if item.__class__ is Event else self._take(item, None)
                    if self._silent and delta.text:
                        self._silent = self._folder.mark("first_text")
                    return delta
                first = self._folder.take(item)
                self._more = self._folder.wire.more
                if self._folder.told:
                    self._take = self._folder.wire.take
                if first is not None:
                    # Those beyond it are behind it.
                    return first
            except StopAsyncIteration:
                self._error = self._folder.end(self._stream.decoder)
                await self._stream.aclose()
            except StreamError as error:
                if not (isinstance(error, DecodeError) and is_blank(error)):
                    self._error = self._folder.fail(error, self._stream.decoder, item)
                    await self._stream.aclose()
            except BaseException as interruption:
                self._folder.close(self._stream.decoder, repr(interruption))
                raise
            self._more = self._folder.wire.more

    async def _next_in_time(self, seconds: float) -> Any:
        """The next item. The stream counts each event as news, but some are heartbeats."""
        began = time.monotonic()
        item = await self._stream.__anext__()
        self._waited += time.monotonic() - began
        if not (isinstance(item, Event) and is_heartbeat(item)):
            self._waited = 0.0
        elif self._waited >= seconds:
            stall = Stall(seconds)
            assert self._stream.decoder is not None
            raise self._stream.decoder._fail(stall) from stall
        return item

    async def texts(self) -> AsyncIterator[str]:
        """The text of the first choice alone, in pieces as they come."""
        async for delta in self:
            if delta.text and not delta.choice:
                yield delta.text

    @property
    def closed(self) -> bool:
        """Whether the source has been released."""
        return self._stream.closed

    async def aclose(self) -> None:
        """Stop here and release the source. Closing twice is harmless."""
        self._folder.close(self._stream.decoder)
        await self._stream.aclose()

    async def __aenter__(self: AsyncReplyT) -> AsyncReplyT:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


@overload
def reply(
    source: EitherSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> EitherReply: ...
@overload
def reply(
    source: AsyncSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> AsyncReply: ...
@overload
def reply(
    source: SyncSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> Reply: ...
def reply(
    source: Any,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    idle_timeout: float | None = None,
) -> Any:
    """Read the streamed reply of an LLM server: deltas as they come, the whole answer, and how it ended.

    Args:
        source: Where the bytes come from, as in `ndstream.ndjson`; the reply owns it and closes it at its end.
        wire: The name of the wire, one of `WIRES`; None to tell it from the first frame.
        on_incomplete: "raise" to raise at the end of a reply that is not complete, or "return" to end the
            iteration quietly and leave the verdict to ``reply.ending``.
        max_frame_size: The largest frame, in bytes; None for no limit.
        idle_timeout: How many seconds to wait for a frame, where the source is async; heartbeats
            (comments, empty events, pings) do not count. Then the reply is truncated, with the reason ``stalled``.

    Returns:
        A `Reply`, or an `AsyncReply` where the source is async.

    Raises:
        TypeError: Nothing that bytes can be read from, or an option of the wrong type.
        ValueError: An option has none of its values.
        OSError: The path cannot be opened.

    Example:
        >>> from ndstream import llm
        >>> reply = llm.reply([b'{"response":"H","done":false}\\n{"resp', b'onse":"i","done":true}\\n'])
        >>> [delta.text for delta in reply], reply.text, reply.ending.verdict
        (['H', 'i'], 'Hi', 'complete')
    """
    folder = Folder(wire, on_incomplete)
    stream = open_frames(source, folder.head, max_frame_size=max_frame_size, idle_timeout=idle_timeout)
    return Reply(stream, folder) if isinstance(stream, Stream) else AsyncReply(stream, folder, idle_timeout)


@overload
def collect(
    source: EitherSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> Any: ...
@overload
def collect(
    source: AsyncSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> Coroutine[Any, Any, Answer]: ...
@overload
def collect(
    source: SyncSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> Answer: ...
def collect(
    source: Any,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    idle_timeout: float | None = None,
) -> Any:
    """Read a reply to its end for those who want only the whole of it.

    Args:
        source: As in `reply`, and so are the others.
        wire: The name of the wire.
        on_incomplete: Whether to raise where the reply is not complete.
        max_frame_size: The largest frame, in bytes.
        idle_timeout: How many seconds to wait for a frame.

    Returns:
        The `Answer`, or a coroutine that gives it where the source is async.

    Raises:
        ReplyTruncatedError: The bytes ended before the server was done; what came is in ``error.reply``.
        ReplyServerError: The server reported an error, or sent no reply.

    Example:
        >>> from ndstream import llm
        >>> llm.collect(b'{"response":"Hi","done":true}').body
        {'response': 'Hi', 'done': True}
    """
    made: Any = reply(
        source, wire, on_incomplete=on_incomplete, max_frame_size=max_frame_size, idle_timeout=idle_timeout
    )
    return _collect(made) if isinstance(made, Reply) else _acollect(made)


def _collect(made: Reply) -> Answer:
    with made:
        # A deque without room consumes an iterator in C.
        deque(made, maxlen=0)
    return Answer(made._folder)


async def _acollect(made: AsyncReply) -> Answer:
    async with made:
        async for _ in made:
            pass
    return Answer(made._folder)
