"""Events that keep a connection open and say nothing of the reply."""

from __future__ import annotations

from ndstream._core import Event
from ndstream._errors import DecodeError
from ndstream.llm._salvage import decoded

PING = {"type": "ping"}


def is_blank(error: DecodeError) -> bool:
    """Whether it is about an event with nothing in its data, as some servers send to keep a connection open."""
    return not error.frame.strip()


def is_heartbeat(event: Event) -> bool:
    """Whether it keeps the connection open and says nothing: without data, or a ping."""
    payload = event.payload.strip()
    return not payload or (b"ping" in payload[:40] and decoded(payload) == PING)
