"""What the upstream of a broadcast becomes: a relay that sends server-sent events."""

from __future__ import annotations

from typing import Any

from ndstream.serving._headers import HEADERS
from ndstream.serving._relay.async_relay import AsyncRelay
from ndstream.serving._relay.facade import To, relay
from ndstream.serving._relay.sync_relay import Relay
from ndstream.serving._targets.registry import TARGETS
from ndstream.serving._targets.target import Target

CONTENT_TYPE = "text/event-stream"


def event_relay(upstream: Any, to: To | Target | None, options: dict[str, Any]) -> Relay | AsyncRelay:
    """A relay to server-sent events, as it is or made of an upstream.

    Args:
        upstream: A relay, or what one can be made of.
        to: What to make of it.
        options: Further options of `relay`.

    Raises:
        ValueError: It sends something else.
    """
    made: Any = upstream
    if not isinstance(upstream, (Relay, AsyncRelay)):
        # A sync relay looks whether it is to stop when a heartbeat is due. Comments go no further.
        made = relay(upstream, to or "sse", **{"heartbeat": 1.0, **options})
    if made.content_type != CONTENT_TYPE:
        raise ValueError(f'a broadcast sends server-sent events, not {made.content_type}: relay it to "sse"')
    checked: Relay | AsyncRelay = made
    return checked


def headers_of(upstream: Relay | AsyncRelay | None, to: To | Target | None) -> dict[str, str]:
    """The headers of the responses to clients.

    Args:
        upstream: The upstream; None if there is none, or none yet.
        to: What an upstream that comes later is relayed to.
    """
    headers = {"Content-Type": CONTENT_TYPE, **HEADERS}
    if upstream is not None:
        headers.update(upstream.headers)
    elif isinstance(to, str) and to in TARGETS:
        headers.update(TARGETS[to].headers)
    return headers
