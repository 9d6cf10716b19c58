"""What a broadcast says to one client beside the events: how long to wait, what it missed, why it ends."""

from __future__ import annotations

import random

from ndstream._core import encode_sse

HEARTBEAT = b":\n\n"


def retry_field(delays: tuple[float, float] | None) -> bytes:
    """How long this client is to wait before it reconnects: another time for each, so that they do not come at once.

    Args:
        delays: The shortest and the longest delay, in seconds; None to leave it to the client.
    """
    if delays is None:
        return b""
    return b"retry: %d\n\n" % round(random.uniform(*delays) * 1000)


def reset_event(id: str, reason: str) -> bytes:
    """The client's Last-Event-ID is of no use: events may be missing, and what it knows has to be fetched anew.

    Its id is the one to go on from, so that a client that reconnects now is not reset again.

    Example:
        >>> reset_event("5f2e-7", "too old")
        b'event: reset\\nid: 5f2e-7\\ndata: {"reason":"too old"}\\n\\n'
    """
    return encode_sse({"reason": reason}, event="reset", id=id)


def dropped_event(count: int) -> bytes:
    """So many events before the next one were dropped, since this client read too slowly.

    Example:
        >>> dropped_event(3)
        b'event: dropped\\ndata: {"dropped":3}\\n\\n'
    """
    return encode_sse({"dropped": count}, event="dropped")
