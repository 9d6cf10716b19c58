"""`EventSource`: server-sent events that go on after a lost connection (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import random as _random
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Protocol, TypeAlias, TypeVar
from weakref import ref

from orjson import loads as orjson_loads

from ndstream._core import DEFAULT_MAX_FRAME_SIZE, Event, SSEDecoder
from ndstream._facade import OnError
from ndstream._sources.clocks import Clock, SystemClock
from ndstream.serving._event_source.async_events import AsyncEvents
from ndstream.serving._event_source.reconnection import Delay, Reconnection, State
from ndstream.serving._event_source.request_headers import Headers, check_last_event_id
from ndstream.serving._event_source.settings import Settings, connect_with_last_event
from ndstream.serving._event_source.sync_events import SyncEvents
from ndstream.serving._seconds import check_seconds

SourceT = TypeVar("SourceT", bound="EventSource")


class ConnectAfter(Protocol):
    """A ``connect`` that is told the last event, too."""

    def __call__(self, headers: Headers, /, last_event: Event | None) -> Any: ...


Connect: TypeAlias = "Callable[[Headers], Any] | ConnectAfter"


class EventSource:
    """An iterator over server-sent events that connects again when a connection is lost.

    It is iterated over with ``for`` if ``connect`` uses a sync client, with ``async for`` if it uses an async one.
    It goes on after a cut, after the end of a response, after an error of the client, and after the statuses 408, 425,
    429 and 5xx; the next request has the id of the last event. A 204 ends it, and so does `done`. Each delay is
    longer than the one before, up to a minute, until an event comes or a connection has been open for a minute; it is
    never shorter than the server's ``retry`` and Retry-After.

    `ndstream.dropin.EventSource` is another class: the events of one response in the shape of httpx-sse, which does not
    connect again.

    Args:
        connect: Makes a request with the headers that it is given (a dict of str: Accept, Cache-Control, and
            Last-Event-ID once there is an id) and returns its response, a context manager of it, or what has to be
            awaited for either. The body must still be unread (``stream=True``). If it has a parameter ``last_event``,
            it is given the last event that was handed out, or None: for servers whose position is in the data.
        loads: What ``event.json()`` decodes with: a callable from bytes to a value.
        max_frame_size: The largest event, in bytes of its data; None for no limit.
        on_error: "raise" (the iteration can go on after the error), "skip" or a callable that is given each error: what
            to do about an event that is too large.
        raw: Whether events carry their exact bytes in ``event.raw``.
        on_comment: A callable that is given the text of each comment (a str); None to count comments alone.
        done: Data that ends the source for good, such as "[DONE]"; None for none.
        last_event_id: The id to begin after, as `last_event_id` of an earlier source told it.
        read_timeout: After how many seconds without a byte a connection counts as lost; heartbeats are bytes. None to
            leave that to the client.
        delay: ``delay(attempt, retry)``, in place of the rule above: how many seconds to wait before this attempt,
            counted from 1, or None to give up, which raises the last error if there is one. ``retry`` is the delay
            that the server asked for, in milliseconds, or None.
        any_content_type: Whether a response is read whatever its Content-Type is.
        skip_resent: Whether an event is left out if its ``id`` field repeats the last id right after a new connection.
        on_state_change: A callable that is given the source each time its `state` changes.
        clock: The time; for tests.
        random: Gives numbers from 0 up to 1, to spread delays; for tests.

    Raises:
        TypeError: An option has the wrong type. From ``next``: a sync client was used in ``async for``, or the reverse.
        ValueError: An option has none of its values. From ``next``: `read_timeout` cannot end the reads of the client.
        UpstreamError: From ``next``: another status, or a Content-Type that is not ``text/event-stream``.
        FrameTooLargeError: From ``next``: an event is larger than `max_frame_size`.
        RuntimeError: From ``next``: another thread or task iterates already.
        Exception: From ``next``: what ``connect`` raises that no attempt can mend, such as a TypeError.

    Example:
        >>> import ndstream
        >>> answers = iter([[b"id: 1\\ndata: a\\n\\n", b"id: 2\\nda"], [b"id: 2\\ndata: b\\n\\n"]])
        >>> def connect(headers):
        ...     print("after", headers.get("Last-Event-ID"))
        ...     return next(answers)
        >>> with ndstream.EventSource(connect, delay=lambda attempt, retry: 0.0) as source:
        ...     next(source).data, next(source).data
        after None
        after 1
        ('a', 'b')
    """

    def __init__(
        self,
        connect: Connect,
        *,
        loads: Callable[[bytes], Any] = orjson_loads,
        max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
        on_error: OnError = "raise",
        raw: bool = False,
        on_comment: Callable[[str], object] | None = None,
        done: bytes | str | None = None,
        last_event_id: str = "",
        read_timeout: float | None = None,
        delay: Delay | None = None,
        any_content_type: bool = False,
        skip_resent: bool = False,
        on_state_change: Callable[[EventSource], object] | None = None,
        clock: Clock | None = None,
        random: Callable[[], float] = _random.random,
    ) -> None:
        check_last_event_id(last_event_id)
        check_seconds("read_timeout", read_timeout)
        _check_callable("delay", delay)
        _check_callable("on_state_change", on_state_change)
        decoder_options: dict[str, Any] = {
            "loads": loads,
            "max_frame_size": max_frame_size,
            "on_error": on_error,
            "raw": raw,
            "on_comment": on_comment,
            "done": done,
        }
        # Options are checked here, not when the first connection is made.
        SSEDecoder(**decoder_options)
        clock = SystemClock() if clock is None else clock
        self._settings = Settings(
            connect=connect_with_last_event(connect),
            decoder_options=decoder_options,
            read_timeout=read_timeout,
            any_content_type=any_content_type,
            skip_resent=skip_resent,
            clock=clock,
        )
        self._reconnection = Reconnection(
            clock=clock,
            random=random,
            delay=delay,
            last_event_id=last_event_id,
            # Weakly, since a source that nobody refers to any more releases its connection.
            on_state_change=partial(_tell, on_state_change, ref(self)),
        )
        self._sync: SyncEvents | None = None
        self._async: AsyncEvents | None = None

    @property
    def state(self) -> State:
        """``connecting`` (at first, too), ``open``, ``waiting`` for the next attempt, or ``closed``."""
        return self._reconnection.state

    @property
    def attempt(self) -> int:
        """Which attempt to connect again this is: 0 before the first cut, after an event and after a minute."""
        return self._reconnection.attempt

    @property
    def last_error(self) -> Exception | None:
        """What ended the last attempt: an error of the client, a `TruncatedError` (which has the client's own as its
        cause) or an `UpstreamError`; None if the response just ended. Its traceback is kept until the next connection
        is open."""
        return self._reconnection.last_error

    @property
    def last_event(self) -> Event | None:
        """The last event that was handed out; None before the first."""
        return self._reconnection.last_event

    @property
    def last_event_id(self) -> str:
        """The id that the next request is made with; "" for none. Store it to go on later."""
        return self._reconnection.last_event_id

    @property
    def retry(self) -> int | None:
        """The delay that the server asked for in an event, in milliseconds; None if it did not."""
        return self._reconnection.retry

    @property
    def seconds_left(self) -> float:
        """How many seconds are left until the next attempt; 0 if it waits for none."""
        return self._reconnection.seconds_left

    def close(self) -> None:
        """End the iteration, from any thread, task or signal handler. Closing twice is harmless.

        A wait for the next attempt ends at once. In ``async for``, so does a wait for an answer or for bytes. In
        ``for``, a read ends where closing a stream in another thread can end it; a request that waits for its answer
        is left to the client's own timeout, and its answer is not read.
        """
        try:
            self._reconnection.close()
        finally:
            if self._sync is not None:
                self._sync.close()
            if self._async is not None:
                self._async.close()

    async def aclose(self) -> None:
        """`close`, and wait until the connection is released, unless another task iterates, which then releases it."""
        try:
            self._reconnection.close()
        finally:
            if self._async is not None:
                await self._async.aclose()
            if self._sync is not None:
                self._sync.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        reconnection = self._reconnection
        for event in reconnection.buffered:
            reconnection.last_event = event
            return event
        if self._sync is None:
            if self._async is not None:
                raise RuntimeError("this event source is iterated over with `async for` already")
            self._sync = SyncEvents(self._settings, self._reconnection)
        return self._sync.next()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        reconnection = self._reconnection
        for event in reconnection.buffered:
            reconnection.last_event = event
            return event
        if self._async is None:
            if self._sync is not None:
                raise RuntimeError("this event source is iterated over with `for` already")
            self._async = AsyncEvents(self._settings, self._reconnection)
        return await self._async.next()

    def __enter__(self: SourceT) -> SourceT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self: SourceT) -> SourceT:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _tell(on_state_change: Callable[[EventSource], object] | None, reference: ref[EventSource]) -> None:
    source = reference()
    if source is not None and on_state_change is not None:
        on_state_change(source)


def _check_callable(name: str, value: object) -> None:
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be a callable or None, not {value!r}")
