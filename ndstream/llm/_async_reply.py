"""The async reply: deltas of a source that is awaited.

It refers to the stream and the folder alone, so that a reply that is dropped is released at once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, TypeVar

from ndstream._core import Event
from ndstream._errors import DecodeError, IdleTimeoutError, StreamError
from ndstream._streams import AsyncStream
from ndstream.llm._answer import Answer
from ndstream.llm._delta import Delta
from ndstream.llm._errors import ReplyError, WireOptionError
from ndstream.llm._folder import Folder
from ndstream.llm._heartbeats import is_about_heartbeat, is_heartbeat

AsyncReplyT = TypeVar("AsyncReplyT", bound="AsyncReply")


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
        super().__init__(folder.state)
        self._stream = stream
        self._folder = folder
        self._idle_timeout = idle_timeout
        self._waited = 0.0
        # The wire's own way to fold, once the wire is known.
        self._fold: Callable[[Any, Event | None], Delta] | None = None
        self._awaits_text = True
        self._extra_deltas: deque[Delta] = folder.state.wire.extra_deltas
        self._error: Exception | None = None

    def __aiter__(self: AsyncReplyT) -> AsyncReplyT:
        return self

    async def __anext__(self) -> Delta:
        item: Any = None
        while True:
            if self._extra_deltas:
                return self._extra_deltas.popleft()
            if self._state.ending is not None:
                raised, self._error = self._error, None
                raise raised or StopAsyncIteration
            try:
                if self._idle_timeout is None:
                    item = await self._stream.__anext__()
                else:
                    item = await self._next_in_time(self._idle_timeout)
                if self._fold is not None:
                    delta = self._fold(item.json(), item) if item.__class__ is Event else self._fold(item, None)
                    if self._awaits_text and delta.text:
                        self._awaits_text = False
                        self._folder.note_first_text()
                    return delta
                first = self._folder.fold(item)
                if self._folder.wire_known:
                    self._fold = self._folder.wire_fold
                if first is not None:
                    # Extra deltas of this frame follow it.
                    return first
            except StopAsyncIteration:
                self._error = self._folder.note_end_of_stream(self._stream.decoder)
                await self._stream.aclose()
            except StreamError as error:
                if not (isinstance(error, DecodeError) and is_about_heartbeat(error, item)):
                    self._error = self._folder.note_failure(error, self._stream.decoder, item)
                    await self._stream.aclose()
            except WireOptionError as misuse:
                self._folder.note_closed(self._stream.decoder, repr(misuse))
                await self._stream.aclose()
                raise
            except BaseException as interruption:
                self._folder.note_closed(self._stream.decoder, repr(interruption))
                raise

    async def _next_in_time(self, seconds: float) -> Any:
        """The next item. The stream takes each event for a sign of life, but some are heartbeats."""
        began = time.monotonic()
        item = await self._stream.__anext__()
        self._waited += time.monotonic() - began
        if not (isinstance(item, Event) and is_heartbeat(item)):
            self._waited = 0.0
        elif self._waited >= seconds:
            stall = IdleTimeoutError(seconds)
            assert self._stream.decoder is not None
            raise self._stream.decoder._fail(stall) from stall
        return item

    async def texts(self) -> AsyncIterator[str]:
        """The text alone, in pieces as they come, as in `Reply.texts`."""
        try:
            async for delta in self:
                if delta.text and not delta.choice:
                    yield delta.text
        except ReplyError:
            if self._state.wire.first_choice:
                yield self.text
            raise
        if self._state.wire.first_choice:
            yield self.text

    @property
    def closed(self) -> bool:
        """Whether the source has been released."""
        return self._stream.closed

    async def aclose(self) -> None:
        """Stop here and release the source. Closing twice is harmless."""
        self._folder.note_closed(self._stream.decoder)
        await self._stream.aclose()

    async def __aenter__(self: AsyncReplyT) -> AsyncReplyT:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
