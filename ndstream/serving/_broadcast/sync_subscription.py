"""`Subscription`: the body of one client's response, for servers that have a thread for each."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from ndstream.serving._broadcast.notices import HEARTBEAT
from ndstream.serving._broadcast.subscription import SubscriptionState

SubscriptionT = TypeVar("SubscriptionT", bound="Subscription")


class Subscription(SubscriptionState):
    """An iterator of bytes, each of them whole events.

    It is made by `Broadcast.subscribe_sync`. Servers of WSGI notice at a write that a client has left, and heartbeats
    are such writes.

    Example:
        >>> from ndstream.serving import Broadcast
        >>> broadcast = Broadcast(epoch="a", retry=None)
        >>> subscription = broadcast.subscribe_sync()
        >>> broadcast.publish_nowait("news")
        'a-1'
        >>> broadcast.finish()
        >>> list(subscription)
        [b'id: a-1\\ndata: news\\n\\n']
    """

    def __iter__(self: SubscriptionT) -> SubscriptionT:
        return self

    def __next__(self) -> bytes:
        if self._running:
            raise RuntimeError("the subscription is running already: two threads cannot iterate over it at once")
        self._running = True
        try:
            if not self._entered:
                self._enter()
            while not self._closed:
                message = self._take()
                if message:
                    return message
                if self._is_over:
                    break
                if not self._wait():
                    return HEARTBEAT
            self._leave()
            raise StopIteration
        except BaseException:
            self._leave()
            raise
        finally:
            self._running = False

    def close(self) -> None:
        """Leave the broadcast. A thread that waits for an event goes on, and finds the end."""
        self._leave()

    def __enter__(self: SubscriptionT) -> SubscriptionT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()

    def _wait(self) -> bool:
        """Wait for news; whether there is some before a heartbeat is due."""
        channel = self._channel
        with channel.changed:
            return channel.changed.wait_for(
                lambda: self._closed or self._fallen_out or channel.ended or self.next < channel.ring.next,
                self._settings.heartbeat,
            )

    def _leave(self) -> None:
        super()._leave()
        with self._channel.changed:
            self._channel.changed.notify_all()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and self._entered:
            self._leave()
