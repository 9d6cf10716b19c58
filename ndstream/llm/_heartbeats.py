"""Events that keep a connection open and say nothing of the reply."""

from __future__ import annotations

from typing import Any

import orjson

from ndstream._core import Event
from ndstream._errors import DecodeError
from ndstream.llm._lenient_readers import says_nothing, text_of

_NAMES = frozenset({"ping", "keepalive", "keep-alive", "keep_alive", "heartbeat"})
_MAX_SIZE = 256
"""The longest payload that is looked at, in bytes: a heartbeat has no more than a type, a number and a time."""


def is_about_heartbeat(error: DecodeError, item: Any) -> bool:
    """Whether an event that is no JSON had to be none: it is blank, or it is named for a heartbeat.

    Args:
        error: What decoding it raised.
        item: The event or value that came last.
    """
    return not error.frame.strip() or (isinstance(item, Event) and is_heartbeat(item))


def is_heartbeat_frame(frame: Any) -> bool:
    """Whether a frame says nothing: it is empty, or its type is that of a heartbeat."""
    if says_nothing(frame):
        return True
    kind = text_of(frame.get("type")) if isinstance(frame, dict) else ""
    return kind.rpartition(".")[2].lower() in _NAMES


def is_heartbeat(event: Event) -> bool:
    """Whether an event keeps the connection open and says nothing of the reply.

    It has no data, or it is named for what it is, or its data is empty or names itself so.
    """
    payload = event.payload.strip()
    if not payload or event.event.lower() in _NAMES:
        return True
    if len(payload) > _MAX_SIZE:
        return False
    try:
        return is_heartbeat_frame(orjson.loads(payload))
    except ValueError:
        return False
