"""`AsyncSubscription`: the body of one client's response, for frameworks that await.

It leaves the broadcast on every way out: at the end, when the client leaves and the server cancels the task or merely
stops asking, when it is closed, and when nobody refers to it any more.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from ndstream._sources.event_loops import move_on_after
from ndstream.serving._broadcast.subscription import SubscriptionState
from ndstream.serving._broadcast.waiting import AsyncioWaiting, waiting_of_running_loop
from ndstream.serving._relay.asgi import respond, respond_no_content
from ndstream.serving._relay.async_reads import checkpoint
from ndstream.serving._relay.consumer_watch import ConsumerWatch
from ndstream.serving._seconds import check_seconds

AsyncSubscriptionT = TypeVar("AsyncSubscriptionT", bound="AsyncSubscription")

STEPS_PER_CHECKPOINT = 16


class AsyncSubscription(SubscriptionState):
    """An async iterator of bytes, each of them whole events, and an ASGI application that sends them.

    It is made by `Broadcast.subscribe`. Events that are published between that and the first ``anext`` come first, as
    far as they are held.

    Example:
        >>> import asyncio
        >>> from ndstream.serving import Broadcast
        >>> async def main():
        ...     broadcast = Broadcast(epoch="a", retry=None)
        ...     subscription = broadcast.subscribe()
        ...     await broadcast.publish({"price": 7})
        ...     broadcast.finish()
        ...     return [message async for message in subscription]
        >>> asyncio.run(main())
        [b'id: a-1\\ndata: {"price":7}\\n\\n']
    """

    on_fall_out: Callable[[], object] | None = None
    """Called when a slow client is given up, so that a send that waits for it can be broken off."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._waiting: Any = None
        self._wait: Any = None
        self._watch: ConsumerWatch | None = None
        # Calls until it looks around: at the first two, and then at every 16th.
        self._countdown = 1

    @property
    def first_frame_timeout(self) -> float | None:
        """As an ASGI application: after how many seconds the response starts although no event has come."""
        return self._settings.first_frame_timeout

    @property
    def send_timeout(self) -> float | None:
        """As an ASGI application: after how many seconds a client that takes nothing is given up."""
        return self._settings.send_timeout

    def __aiter__(self: AsyncSubscriptionT) -> AsyncSubscriptionT:
        return self

    async def __anext__(self) -> bytes:
        if self._running:
            raise RuntimeError("the subscription is running already: two tasks cannot iterate over it at once")
        self._running = True
        try:
            self._countdown -= 1
            if self._countdown <= 0:
                await self._look_around()
            channel = self._channel
            ring = channel.ring
            while not self._closed:
                # Most often nothing is left, and then one event comes. Neither needs the lock.
                number, event = ring.newest
                ahead = number - self.next
                if ahead == 0 and not (self._notice or channel.blocked):
                    self.next = number + 1
                    return event
                if ahead != -1 or self._notice or channel.ended:
                    message = self._take()
                    if message:
                        return message
                    if self._is_over:
                        break
                heartbeat: bytes = await self._wait(self)
                if heartbeat:
                    return heartbeat
            self._leave()
            raise StopAsyncIteration
        except BaseException:
            self._leave()
            raise
        finally:
            self._running = False

    async def aopen(self: AsyncSubscriptionT, limit: float | None = None) -> AsyncSubscriptionT:
        """Wait for the upstream's first event before the response starts, so that a refusal can still be told as one.

        Args:
            limit: How many seconds to wait for it; None for no limit. After that the response may start.

        Returns:
            The subscription.

        Raises:
            UpstreamError: The upstream's status is no success, or it sent an error in the place of a stream.
            StreamError: The upstream ended or failed before its first frame was whole.
            TypeError: `limit` is no number.
            ValueError: `limit` is not more than 0, or not finite.
        """
        check_seconds("limit", limit)
        if self._closed:
            return self
        try:
            if not self._entered:
                self._enter_loop()
            with move_on_after(1e9 if limit is None else limit):
                while not self._closed and self._upstream.is_starting:
                    await self._waiting.wait(self)
            if self._upstream.opening_error is not None:
                self._failure = self._channel.failure
                raise self._upstream.opening_error
        except BaseException:
            self._leave()
            raise
        return self

    async def aclose(self) -> None:
        """Leave the broadcast. A task that waits for an event goes on, and finds the end."""
        self._leave()

    async def __aenter__(self: AsyncSubscriptionT) -> AsyncSubscriptionT:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request as an ASGI application.

        A client that has all events of a broadcast that has ended is answered 204, which tells a browser not to ask
        again. Clients that leave, that take no message for as long as ``send_timeout``, or that are too slow for a
        broadcast that disconnects those, are given up.
        """
        if scope["type"] == "http" and scope["method"] != "HEAD" and self.has_nothing_more:
            self._leave()
            await respond_no_content(send)
            return
        await respond(self, scope, receive, send)

    def fall_out(self) -> None:
        super().fall_out()
        if self.on_fall_out is not None:
            self.on_fall_out()

    @property
    def is_idle(self) -> bool:
        """Whether it is open, and no task waits for an event."""
        return not (self._closed or self._running)

    def abandon(self) -> None:
        """Leave the broadcast, since the task that iterated has ended."""
        self._leave()

    async def _look_around(self) -> None:
        """What need not be done for each message: note the task that iterates, and let others run."""
        first = not self._entered
        if first:
            self._enter_loop()
        if self._watch is not None:
            self._watch.enter()
        self._countdown = 1 if first else STEPS_PER_CHECKPOINT
        if not first:
            # Events that wait in the ring would keep the event loop from everything else.
            await checkpoint()

    def _enter_loop(self) -> None:
        self._waiting = waiting_of_running_loop()
        self._group = self._channel.group_of(self._waiting, self._settings.heartbeat)
        self._waiting = self._group.waiting
        self._wait = self._waiting.wait
        if isinstance(self._waiting, AsyncioWaiting):
            self._watch = ConsumerWatch(self)
        self._enter()

    def _leave(self) -> None:
        if self._watch is not None:
            self._watch.stop()
        waits = self._running and not self._closed
        super()._leave()
        if self._waiting is not None:
            if waits:
                self._waiting.wake_one(self)
            self._waiting.forget(self)

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and self._entered:
            self._leave()
