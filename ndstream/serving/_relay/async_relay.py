"""`AsyncRelay`: the body of a response whose upstream is awaited.

It owns its upstream and releases it once, on every way out: at the end, after an error, when the client leaves and the
server cancels the task or merely stops asking, and when nobody refers to the relay any more. Frameworks close no
bodies, so that nothing of this is left to them. The file is long since all ways out meet in one place.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from ndstream._sources.drain import DEFAULT_DRAIN, can_drain, drain_async
from ndstream._sources.event_loops import move_on_after, trio_if_running
from ndstream._sources.opened_source import OpenedAsyncSource
from ndstream._sources.prefetch import read_ahead
from ndstream.serving._async_release import RELEASE_SECONDS, AsyncRelease
from ndstream.serving._converters.converter import Converter
from ndstream.serving._converters.reply_reader import ReplyReader
from ndstream.serving._relay.asgi import respond
from ndstream.serving._relay.async_reads import (
    NOT_YET,
    AsyncRead,
    Limit,
    checkpoint,
    discard,
    read_of_running_loop,
    wake_after,
)
from ndstream.serving._relay.consumer_watch import ConsumerWatch
from ndstream.serving._relay.interruptible_read import HeartbeatTimer, InterruptibleRead
from ndstream.serving._relay.relay_state import RelayState
from ndstream.serving._relay.upstream import Upstream
from ndstream.serving._seconds import check_seconds
from ndstream.serving._targets.outcome import Failure
from ndstream.serving._upstream_error import MAX_BODY_SECONDS

AsyncRelayT = TypeVar("AsyncRelayT", bound="AsyncRelay")

STEPS_PER_CHECKPOINT = 16


class AsyncRelay(RelayState):
    """An async iterator of bytes, each of them whole frames, and an ASGI application that sends them.

    It is made by `relay`. As a body it can be given to any framework; as an application (``await relay(scope, receive,
    send)``) it also answers HEAD, notices a client that leaves while the upstream is silent, and gives up on one that
    does not read.

    Raises:
        Exception: From ``anext``, if the format has no words for an error (`Failure`), so that the transfer breaks off.

    Example:
        >>> import asyncio, ndstream
        >>> async def upstream():
        ...     yield b'data: {"a":1}\\n\\nda'
        ...     yield b'ta: {"a":2}\\n\\n'
        >>> async def main():
        ...     return [message async for message in ndstream.relay(upstream(), to="ndjson")]
        >>> asyncio.run(main())
        [b'{"a":1}\\n', b'{"a":2}\\n']
    """

    def __init__(
        self,
        upstream: Upstream,
        converter: Converter,
        usage_reader: ReplyReader | None,
        heartbeat: float | None,
        first_frame_timeout: float | None,
        send_timeout: float | None,
    ) -> None:
        super().__init__(upstream, converter, usage_reader)
        opened = upstream.opened
        assert isinstance(opened, OpenedAsyncSource)
        self._heartbeat = heartbeat if converter.has_heartbeat else None
        if self._heartbeat is not None and trio_if_running() is not None:
            # A read of trio is woken by its cancellation, which kills most sources, but not the wait for a task.
            ahead = read_ahead(opened, 1)
            assert isinstance(ahead, OpenedAsyncSource)
            opened = ahead
        self._opened = opened
        self._release = AsyncRelease(opened.close)
        self.first_frame_timeout = first_frame_timeout
        self.send_timeout = send_timeout
        self._read: AsyncRead | None = None
        self._timer: HeartbeatTimer | None = None
        self._running = False
        self._closing = False
        self._source_ended = False
        # Chunks that came without any wait, and how often the read had waited before the last chunk.
        self._steps = 0
        self._suspensions = -1
        # Messages until it looks around: at the first two, and then at every 16th.
        self._countdown = 1
        self._watch: ConsumerWatch | None = None
        self._leaving: Any = None

    @property
    def closed(self) -> bool:
        """Whether the upstream has been released, or is being released."""
        return self._release.released

    def __aiter__(self: AsyncRelayT) -> AsyncRelayT:
        return self

    def __anext__(self) -> Coroutine[Any, Any, bytes]:
        # One coroutine for a message: another one around it would cost as much as converting an event.
        return self._next_message(None)

    async def aopen(self: AsyncRelayT, limit: float | None = None) -> AsyncRelayT:
        """Read the first frame before the response starts, so that an upstream that has none can still be told as one.

        Args:
            limit: How many seconds to wait for it; None for no limit. After that the response may start, and
                heartbeats flow until the frame comes. Under trio it has an effect if there are heartbeats.

        Returns:
            The relay.

        Raises:
            UpstreamError: The upstream's status is no success, or it sent an error in the place of a stream.
            StreamError: The upstream ended or failed before its first frame was whole.
            TypeError: `limit` is no number.
            ValueError: `limit` is not more than 0, or not finite.
        """
        check_seconds("limit", limit)
        if not self._ready:
            self._ready = await self._next_message(math.inf if limit is None else limit)
        return self

    async def aclose(self) -> None:
        """Release the upstream. If another task waits for it, that task does so, at once."""
        self._closing = True
        if self._running:
            self._wake()
            return
        await self._leave()

    async def __aenter__(self: AsyncRelayT) -> AsyncRelayT:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def abort(self) -> None:
        """Stop the reply, as its user asks for: the next message is the last, and says so if the format can."""
        self._stopping = True
        self._wake()

    def end_with(self, failure: Failure) -> None:
        """End the stream with this failure in the format's own words: the next message is the last."""
        if not self._stopping:
            self._stopping, self._stop = True, failure
        self._wake()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request as an ASGI application.

        A refusal of the upstream becomes an answer with its status. Clients that leave, and those that take no message
        for as long as ``send_timeout``, end the relay.
        """
        await respond(self, scope, receive, send)

    # One step after the other.

    def _look_around(self) -> AsyncRead:
        """What need not be done for each message: note the event loop at the first one, and the task that iterates."""
        read = self._read
        if read is None:
            self._release.enter_loop()
            self._countdown = 1
            read = self._read = read_of_running_loop(self._opened.chunks, self._heartbeat)
            if isinstance(read, InterruptibleRead):
                self._watch = ConsumerWatch(self)
                if self._heartbeat is not None:
                    self._timer = HeartbeatTimer(read, self._heartbeat)
        else:
            self._countdown = STEPS_PER_CHECKPOINT
        if self._watch is not None:
            self._watch.enter()
        return read

    async def _next_message(self, opening: float | None) -> bytes:
        """The next message.

        Args:
            opening: How long to wait for the first one, before the response starts; b"" if it does not come. None once
                it has started: then heartbeats are messages too.
        """
        if self._running:
            raise RuntimeError("the relay is running already: two tasks cannot iterate over it at once")
        self._running = True
        limit: Limit | None = None
        try:
            self._countdown -= 1
            read = self._read
            if read is None or self._countdown <= 0:
                read = self._look_around()
            # A heartbeat is due so long after the message before it was taken.
            read.idle_since = None
            message = self._ready
            if message:
                self._ready = b""
            if opening is not None and opening < math.inf:
                limit = wake_after(read, opening)
            while not message:
                if self._stopping and not self._over:
                    message = self._take_stop()
                elif self._over or self._closing:
                    if opening is not None:
                        break
                    await self._end()
                    raise StopAsyncIteration
                elif self._pieces:
                    message = self._convert(self._pieces.popleft())
                else:
                    if read.suspensions == self._suspensions:
                        self._steps += 1
                        if self._steps % STEPS_PER_CHECKPOINT == 0:
                            # A source that never waits would keep the event loop from everything else.
                            await checkpoint()
                    self._suspensions = read.suspensions
                    if self._refusing and limit is None:
                        # The body of a refusal may drip, or never come.
                        limit = wake_after(read, MAX_BODY_SECONDS)
                    try:
                        # It cannot be woken in the moment in which a chunk comes.
                        chunk: Any = NOT_YET if limit is not None and limit.is_over else await read
                    except StopAsyncIteration:
                        self._source_ended = True
                        message = self._take_end()
                    except Exception as error:
                        self._source_ended = True
                        message = self._take_failure(error)
                    else:
                        if chunk is not NOT_YET:
                            message = self._take(chunk)
                        elif self._refusing:
                            message = self._take_end()
                        elif opening is None and not (self._stopping or self._closing):
                            message = self._converter.heartbeat
                            read.idle_since = None
                        elif limit is not None and limit.is_over:
                            break
            if opening is not None:
                self._raise_opening_error()
            return message
        except GeneratorExit:
            # The task was dropped: nothing can be awaited any more.
            self._detach()
            raise
        except BaseException:
            await self._leave()
            raise
        finally:
            self._running = False
            if limit is not None:
                limit.cancel()

    async def _end(self) -> None:
        """Release the upstream after the last message."""
        failed = self._converter.failure is not None
        if not (failed or self._source_ended or self._closing) and can_drain(self._opened):
            await drain_async(self._opened, *DEFAULT_DRAIN)
        self._detach()
        await self._discard_read()
        await self._release.release()
        if not self._closing:
            self._raise_broken()

    async def _leave(self) -> None:
        """Release the upstream although the task is being cancelled, or fails."""
        self._closing = True
        self._detach()
        if not self._release.released:
            await self._discard_read()
            await self._release.release_shielded()

    async def _discard_read(self) -> None:
        """End a read that was left waiting when a heartbeat was due."""
        if self._read is not None and self._read.is_pending:
            with suppress(Exception), move_on_after(RELEASE_SECONDS):
                await discard(self._read)

    def _detach(self) -> None:
        """Have nothing outside refer to the relay any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.stop()

    def _wake(self) -> None:
        if self._running and self._read is not None:
            self._read.wake()

    # Frameworks that stop asking, and say nothing.

    @property
    def is_idle(self) -> bool:
        """Whether the upstream is not released yet, and no task waits for it."""
        return not (self._release.released or self._running)

    def abandon(self) -> None:
        """Release the upstream from code that cannot await, under asyncio."""
        self._closing = True
        if not self._release.released:
            self._leaving = asyncio.get_running_loop().create_task(self._leave())
