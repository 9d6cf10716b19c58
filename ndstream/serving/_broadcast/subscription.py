"""What a subscription knows, sync or async: where it is in the ring, and what is said to its client alone."""

from __future__ import annotations

from typing import Any

from ndstream.serving._broadcast.channel import Channel
from ndstream.serving._broadcast.event_ids import number_in
from ndstream.serving._broadcast.notices import dropped_event, reset_event, retry_field
from ndstream.serving._broadcast.settings import Settings
from ndstream.serving._broadcast.upstream import BroadcastUpstream
from ndstream.serving._converters.framings import error_frame
from ndstream.serving._targets.outcome import Failure, Refusal

TOO_SLOW = Failure("the client reads too slowly", "slow")


class SubscriptionState:
    """The state of a subscription, and what is public of it.

    Attributes:
        dropped: How many events were dropped since this client read too slowly.
    """

    def __init__(
        self, channel: Channel, upstream: BroadcastUpstream, settings: Settings, last_event_id: str | None
    ) -> None:
        self._channel = channel
        self._upstream = upstream
        self._settings = settings
        self.dropped = 0
        self._closed = False
        self._entered = False
        self._running = False
        self._fallen_out = False
        self._failure: Failure | None = None
        # What comes before the next events.
        self._notice = retry_field(settings.retry)
        with channel.lock:
            self._epoch = channel.epoch
            self.next = self._begin(last_event_id)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response: Content-Type, `HEADERS` and those of the target. More can be added."""
        return self._settings.headers

    @property
    def content_type(self) -> str:
        """The Content-Type of the response."""
        return self._settings.headers["Content-Type"]

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    @property
    def failure(self) -> Failure | None:
        """What the client was told if the stream is not complete; None while it goes on, and if it is complete."""
        return self._failure

    @property
    def refusal(self) -> Refusal | None:
        """What to answer if opening it raises: the Content-Type and the body. None if nothing has failed."""
        return None if self._failure is None else self._failure.refusal

    @property
    def has_nothing_more(self) -> bool:
        """Whether the broadcast has ended and the client knows all of it."""
        with self._channel.lock:
            return self._channel.ended and self.next == self._channel.ring.next and not self._is_reset

    def fall_out(self) -> None:
        """Its next event was dropped, and it ends for that."""
        self._fallen_out = True

    def _begin(self, last_event_id: str | None) -> int:
        """The number of the first event for a client that has seen this one. Called with the lock held."""
        channel, ring = self._channel, self._channel.ring
        self._is_reset = False
        if last_event_id:
            number = number_in(last_event_id, channel.epoch)
            if number is not None and ring.first - 1 <= number < ring.next:
                return number + 1
            known = number is not None and number < ring.next
            self._is_reset = True
            self._notice += reset_event(channel.last_id, "the id is too old" if known else "the id is unknown")
        if not self._settings.replay:
            # Those who come after a failure are told it as well: it is the last event.
            return ring.next - 1 if channel.failure is not None and len(ring) else ring.next
        if ring.first > 1 and not self._is_reset:
            self._notice += dropped_event(ring.first - 1)
        return ring.first

    def _enter(self) -> None:
        """Take part, and have the upstream read; one that began anew has other events than this one waits for.

        Both are one step: a thread that reads the upstream may otherwise drop events before this one counts.
        """
        with self._channel.lock:
            self._upstream.start()
            if self._epoch != self._channel.epoch:
                self.next = self._begin(f"{self._epoch}-{self.next - 1}")
                self._epoch = self._channel.epoch
            self._channel.enter(self, self._group)
            self._entered = True

    _group: Any = None

    def _leave(self) -> None:
        """Take part no more."""
        if not self._closed:
            self._closed = True
            if self._entered and self._channel.leave(self, self._group):
                self._upstream.last_left()

    def _take(self) -> bytes:
        """What can be sent now: all events that wait, up to the size of one message; b"" for nothing."""
        channel = self._channel
        with channel.lock:
            ring, number, message = channel.ring, self.next, self._notice
            if self._fallen_out:
                if self._failure is not None:
                    return b""
                self._failure = TOO_SLOW
                return message + error_frame("sse", TOO_SLOW)
            if message:
                self._notice = b""
            if number < ring.first and self._channel.slow == "disconnect":
                self._fallen_out = True
                return self._take()
            if number < ring.first:
                count = ring.first - number
                self.dropped += count
                channel.dropped += count
                message += dropped_event(count)
                number = ring.first
            if number == ring.next:
                return message
            events, self.next = ring.after(number)
        if channel.blocked:
            channel.made_room()
        return message + events if message else events

    @property
    def _is_over(self) -> bool:
        """Whether nothing more will come: to be asked once there is nothing to send."""
        if self._fallen_out or self._closed:
            return True
        if self._channel.ended:
            self._failure = self._channel.failure
            return True
        return False
