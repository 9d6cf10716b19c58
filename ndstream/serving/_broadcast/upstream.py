"""The upstream of a broadcast: it is read from the first subscription on, and released when the last one has left, or
some time after that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ndstream.serving._broadcast.channel import Channel, EventTooLargeError
from ndstream.serving._broadcast.pump import AsyncPump, Pump, ThreadPump
from ndstream.serving._relay.async_relay import AsyncRelay
from ndstream.serving._relay.relay_state import RelayState
from ndstream.serving._relay.sync_relay import Relay
from ndstream.serving._targets.outcome import Failure

ABANDONED = Failure("the upstream was released, since its last client had left", "abandoned")


class BroadcastUpstream:
    """The upstream, whether it is being read or not.

    Args:
        channel: Where its events go.
        source: What is read once; None if `connect` makes it, or if there is no upstream.
        connect: Makes what is read, each time anew, or an awaitable of it.
        as_relay: Makes a relay of what is read.
        keep: How many seconds it is kept when the last subscription has left; None for ever.

    Attributes:
        error: What the failure of the upstream comes from; the clients are not told.
        opening_error: Why there was no stream to read, if it ended before its first frame.
    """

    def __init__(
        self,
        channel: Channel,
        source: Relay | AsyncRelay | None,
        connect: Callable[[], Any] | None,
        as_relay: Callable[[Any], Relay | AsyncRelay],
        keep: float | None,
    ) -> None:
        self.error: Exception | None = None
        self.opening_error: Exception | None = None
        self._channel = channel
        self._source = source
        self._connect = connect
        self._as_relay = as_relay
        self._keep = keep
        self._pump: Pump | None = None
        self._cancel_release: Callable[[], object] | None = None

    @property
    def is_starting(self) -> bool:
        """Whether it is being read and has given nothing yet."""
        return self._pump is not None and self._channel.ring.next == 1 and not self._channel.ended

    def start(self) -> None:
        """Read it, unless it is being read or has ended.

        Raises:
            RuntimeError: It is awaited, and no event loop runs here.
        """
        with self._channel.lock:
            if self._cancel_release is not None:
                self._cancel_release()
                self._cancel_release = None
            if self._pump is not None or self._channel.ended:
                return
            if self._source is not None:
                source, self._source = self._source, None
            elif self._connect is not None:
                source = self._connected(self._connect)
            else:
                return
            if isinstance(source, Relay):
                self._pump = ThreadPump(source, self._channel, self._ended)
            else:
                self._pump = AsyncPump(source, self._channel, self._ended)

    def last_left(self) -> None:
        """Nobody is subscribed any more."""
        with self._channel.lock:
            pump = self._pump
            if pump is None or self._keep is None or self._cancel_release is not None:
                return
            if self._keep == 0:
                self._release()
            else:
                self._cancel_release = pump.call_later(self._keep, self._release_if_unused)

    def end_with(self, failure: Failure) -> bool:
        """Have it end in the words of its format. Returns whether it is being read, so that it can."""
        if self._pump is None:
            return False
        self._pump.end_with(failure)
        return True

    def stop(self) -> None:
        """Release it, whoever is subscribed."""
        with self._channel.lock:
            pump, self._pump = self._pump, None
            source, self._source = self._source, None
        if pump is not None:
            pump.stop()
        if isinstance(source, Relay):
            source.close()

    def _release_if_unused(self) -> None:
        with self._channel.lock:
            self._cancel_release = None
            if not len(self._channel):
                self._release()

    def _release(self) -> None:
        self.stop()
        if self._connect is None:
            self._channel.fail(ABANDONED)
        else:
            self._channel.restart()

    def _ended(self, pump: Pump, relay: RelayState, error: Exception | None) -> None:
        """It has ended by itself, or cannot be read any more."""
        with self._channel.lock:
            if pump is not self._pump:
                return
            self._pump = None
            self.error = error or relay.error
            if error is None:
                self.opening_error = relay.opening_error
                self._channel.end(relay.failure)
            else:
                kind = "too_large" if isinstance(error, EventTooLargeError) else "server"
                self._channel.fail(Failure("the upstream sent what cannot be sent on", kind))

    def _connected(self, connect: Callable[[], Any]) -> Any:
        """A relay of what `connect` gives, or an awaitable of one. If it fails, the relay tells that."""
        try:
            source = connect()
        except Exception as error:
            return self._as_relay(_Refused(error))
        if hasattr(source, "__await__") and not hasattr(source, "__aiter__"):
            return self._awaited(source)
        return self._as_relay(source)

    async def _awaited(self, source: Any) -> AsyncRelay:
        try:
            relay = self._as_relay(await source)
        except Exception as error:
            relay = self._as_relay(_Refused(error))
        if isinstance(relay, Relay):
            raise TypeError("connect must give an async source if it is awaited itself: one that `async for` reads")
        return relay


class _Refused:
    """A source that fails when it is read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __aiter__(self) -> _Refused:
        return self

    async def __anext__(self) -> bytes:
        raise self._error
