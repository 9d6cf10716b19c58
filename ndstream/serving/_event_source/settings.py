"""`Settings`: how an event source connects and reads, sync or async."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ndstream._core import Event, SSEDecoder
from ndstream._sources.clocks import Clock
from ndstream.serving._event_source.reconnection import Reconnection
from ndstream.serving._event_source.request_headers import Headers, request_headers


class Settings(NamedTuple):
    """The options of an event source, checked.

    Attributes:
        connect: Makes a request with the headers that it is given.
        decoder_options: What each connection's decoder is made with.
        read_timeout: After how many seconds without a byte a connection counts as lost; None for never.
        any_content_type: Whether the Content-Type of a response does not matter.
        skip_resent: Whether an event is left out if it repeats the last one before a cut.
        clock: The time.
    """

    connect: Callable[[Headers, Event | None], Any]
    decoder_options: dict[str, Any]
    read_timeout: float | None
    any_content_type: bool
    skip_resent: bool
    clock: Clock

    def request(self, reconnection: Reconnection) -> Any:
        """Call the user's ``connect``."""
        return self.connect(request_headers(reconnection.last_event_id), reconnection.last_event)

    def decoder(self, last_event_id: str) -> SSEDecoder[Event]:
        """A decoder for the next connection."""
        options = self.decoder_options
        if self.skip_resent and last_event_id:
            options = {**options, "raw": True}
        # What a cut left unfinished is no event, and is asked for again.
        return SSEDecoder(**options, on_truncated="discard", last_event_id=last_event_id)

    def resent_filter(self, last_event_id: str) -> ResentFilter:
        """What tells repeated events on the next connection."""
        return ResentFilter(last_event_id if self.skip_resent else "")


def connect_with_last_event(connect: Callable[..., Any]) -> Callable[[Headers, Event | None], Any]:
    """A ``connect`` that takes the last event too, which is handed on if the given one has a parameter of that name.

    Raises:
        TypeError: It cannot be called.
    """
    if not callable(connect):
        raise TypeError(
            f"connect must be a callable that makes a request with the headers that it is given, not {connect!r}"
        )
    try:
        wants_event = "last_event" in inspect.signature(connect).parameters
    except (TypeError, ValueError):
        # Some callables of C have no signature.
        wants_event = False
    if wants_event:
        return lambda headers, last_event: connect(headers, last_event=last_event)
    return lambda headers, last_event: connect(headers)


class ResentFilter:
    """Tells an event that a server sends again after a cut, although the request named its id; "" tells none."""

    def __init__(self, last_event_id: str) -> None:
        self._id = last_event_id

    def is_resent(self, event: Event) -> bool:
        """Whether it repeats the last event, before any other has come."""
        if self._id and event.id == self._id and _has_id_field(event.raw or b""):
            return True
        self._id = ""
        return False


def _has_id_field(block: bytes) -> bool:
    """Whether an event names its id itself, and does not only keep the one before it."""
    lines: Iterable[bytes] = block.replace(b"\r", b"\n").split(b"\n")
    return any(line == b"id" or line.startswith(b"id:") for line in lines)
