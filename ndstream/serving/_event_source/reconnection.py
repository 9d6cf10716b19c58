"""`Reconnection`: what is known between one connection and the next. It reads nothing and waits for nothing.

The id of the next request is that of the last block that the decoder finished, with data or without (WHATWG HTML,
section 9.2.6), so that a block which a cut left unfinished is asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from ndstream._core import Event, SSEDecoder
from ndstream._sources.clocks import Clock
from ndstream.serving._event_source.answers import retry_after_of
from ndstream.serving._event_source.delays import default_delay

State: TypeAlias = Literal["connecting", "open", "waiting", "closed"]

STABLE_SECONDS = 60.0
"""A connection that was open for so long counts as a good one, although it brought no event."""

Delay: TypeAlias = Callable[[int, "int | None"], "float | None"]


class Reconnection:
    """The state of an event source.

    Attributes:
        closed: Whether it is over. Any thread may set it, by `close`.
        attempt: Which attempt to reconnect it makes or made, since all was well; 0 before the first cut.
        last_error: What ended the last attempt; None if that ended well.
        last_event: The last event that was handed out.
        decoder: That of the open connection.
        buffered: The events that arrived, on a connection that has brought one; empty otherwise. They can be taken
            without a look at anything else.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        random: Callable[[], float],
        delay: Delay | None,
        last_event_id: str,
        on_state_change: Callable[[], object],
    ) -> None:
        self.closed = False
        self.attempt = 0
        self.last_error: Exception | None = None
        self.last_event: Event | None = None
        self.decoder: SSEDecoder[Event] | None = None
        self.buffered: Iterable[Event] = ()
        self._phase: State = "connecting"
        self._clock = clock
        self._random = random
        self._delay = delay
        self._on_state_change = on_state_change
        self._last_event_id = last_event_id
        self._retry: int | None = None
        self._seconds_open = 0.0
        self._brought_event = False
        self._due = clock.now()

    @property
    def state(self) -> State:
        return "closed" if self.closed else self._phase

    @property
    def last_event_id(self) -> str:
        """The id that the next request sends."""
        return self._last_event_id if self.decoder is None else self.decoder.last_event_id

    @property
    def retry(self) -> int | None:
        """The delay that the server asked for last, in milliseconds; None if it never did."""
        now = None if self.decoder is None else self.decoder.retry
        return self._retry if now is None else now

    @property
    def seconds_left(self) -> float:
        """How long to wait until the next attempt."""
        return max(0.0, self._due - self._clock.now())

    def note_connecting(self) -> None:
        self._brought_event = False
        self._seconds_open = 0.0
        self._change("connecting")

    def note_open(self, decoder: SSEDecoder[Event]) -> None:
        self.decoder = decoder
        _forget_frames(self.last_error)
        self._change("open")

    def note_event(self, event: Event) -> None:
        self.last_event = event
        self._brought_event = True
        self.attempt = 0
        if self.decoder is not None and not self.closed:
            self.buffered = self.decoder

    def note_waited(self, seconds: float) -> None:
        """Count the time in which the open connection was waited for, not that which the user took for an event."""
        self._seconds_open += seconds
        if self._seconds_open >= STABLE_SECONDS:
            self.attempt = 0

    def note_dropped(self) -> None:
        """Keep what the connection taught, which is over."""
        self.buffered = ()
        if self.decoder is not None:
            self._last_event_id, self._retry = self.last_event_id, self.retry
            self.decoder = None

    def note_end(self, error: Exception | None) -> None:
        """Plan the next attempt after one that ended.

        Args:
            error: What ended it; None if the server ended the stream without a fault.

        Raises:
            Exception: This one, if the user's rule for delays gives up.
        """
        is_done = self.decoder is not None and self.decoder.done
        self.note_dropped()
        if self.closed:
            return
        self.last_error = error
        if is_done:
            self.close()
            return
        self.attempt += 1
        delay = self._delay_for(error)
        if delay is None:
            self.close()
            if error is not None:
                raise error
            return
        self._due = self._clock.now() + delay
        self._change("waiting")

    def note_refused(self, error: Exception) -> None:
        """Note that nothing mends this error, which is raised next."""
        self.note_dropped()
        self.last_error = error
        self.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.buffered = ()
            self._on_state_change()

    def _delay_for(self, error: Exception | None) -> float | None:
        retry = self.retry
        retry_after = None if error is None else retry_after_of(error)
        if retry_after is not None:
            retry = max(retry or 0, int(retry_after * 1000))
        if self._delay is None:
            return default_delay(self.attempt, retry, self._random, after_event=self._brought_event)
        delay: Any = self._delay(self.attempt, retry)
        if delay is None:
            return None
        if isinstance(delay, bool) or not isinstance(delay, (int, float)) or not delay >= 0:
            raise TypeError(f"delay must give a number of seconds, at least 0, or None to give up, not {delay!r}")
        return float(delay)

    def _change(self, phase: State) -> None:
        changed, self._phase = phase != self._phase, phase
        if changed and not self.closed:
            self._on_state_change()


def _forget_frames(error: BaseException | None) -> None:
    """Drop the tracebacks of an error and of those that it came of.

    Their frames refer to whoever iterated, and so to the source: kept, they would keep an open connection from being
    released when nobody refers to the source any more.
    """
    chain, seen = [error], set()
    while chain:
        error = chain.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            error.__traceback__ = None
            chain += [error.__cause__, error.__context__]
