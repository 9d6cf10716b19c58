"""Recovery of frames from what is left over when a stream ends in disorder.

A server that fails in mid-stream often writes its error without the framing that it used before: without the
blank line, without ``data:``, or after half a frame on the same line. These functions find such frames; they
fold nothing.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import Any

import orjson

from ndstream._core import Event, SSEDecoder
from ndstream.llm._server_error import error_in

# It matches everywhere, if only nothing, so that there is always a match.
_skip_white_space = re.compile(r"\s*").match


def frames_in_tail(tail: bytes) -> list[tuple[Any, Event | None]]:
    """Frames that are whole but for their blank line or line end, and errors without any framing.

    Args:
        tail: The bytes after the last frame.

    Returns:
        Each frame with its event; None for one without.
    """
    decoder = SSEDecoder(on_truncated="emit", max_frame_size=None)
    events: list[Event | None] = [event for event in decoder.feed(tail).finish() if event.payload]
    found: list[tuple[Any, Event | None]] = []
    for event in events or [None]:
        payload = tail if event is None else event.payload
        frame = decoded(payload)
        if event is not None and event.event == "error":
            frame = payload.decode(errors="replace") if frame is None else frame
        elif not isinstance(frame, (dict, list)):
            continue
        found += [(each, event) for each in (frame if isinstance(frame, list) else [frame])]
    return found


def frames_on_one_line(line: bytes) -> list[Any]:
    """Frames of a line that is not one JSON value: ``error:`` and what is wrong, or several values.

    Of several values the last one is an error: a proxy wrote it without a line end before it.
    """
    errors = errors_in_lines(line)
    if errors:
        return errors
    frames = values_in(line)
    return frames if len(frames) > 1 and error_in(frames[-1]) is not None else []


def errors_in_lines(block: bytes) -> list[Any]:
    """Errors that a server writes as a field of their own, ``error: {...}``, which no standard knows.

    Returns:
        A frame with each error, in the shape that servers send in ``data:``.
    """
    found: list[Any] = []
    for line in block.removeprefix(BOM_UTF8).splitlines():
        name, colon, text = line.partition(b":")
        if colon and name.lower() == b"error" and text.strip():
            value = decoded(text)
            if value is None:
                value = text.strip().decode(errors="replace")
            found.append(value if error_in(value) is not None else {"error": value})
    return found


def values_in(text: bytes) -> list[Any]:
    """The JSON values that a text consists of; none if anything else is in it."""
    decoder = json.JSONDecoder()
    whole = text.decode(errors="replace")
    found: list[Any] = []
    position = _skip_white_space(whole, 0).end()  # type: ignore[union-attr]
    while position < len(whole):
        try:
            value, position = decoder.raw_decode(whole, position)
        except (ValueError, RecursionError):
            return []
        found.append(value)
        position = _skip_white_space(whole, position).end()  # type: ignore[union-attr]
    return found


def is_partial_frame(tail: bytes) -> bool:
    """Whether it may be the beginning of a frame, and not a page or a sentence."""
    begin = tail.removeprefix(BOM_UTF8).lstrip()
    return begin.startswith((b"{", b"[", b"\x1e", b"data", b"event", b"id", b"retry", b":")) or len(begin) < 6


def decoded(payload: bytes) -> Any:
    """The value of a payload; None if it is no JSON."""
    try:
        return orjson.loads(payload)
    except ValueError:
        return None
