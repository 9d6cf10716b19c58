"""How long to wait before the next connection, unless the user has a rule for that."""

from __future__ import annotations

from collections.abc import Callable

FIRST_DELAY = 3.0
"""What is waited if the server asked for nothing, in seconds."""
MAX_GROWTH = 60.0
"""Delays grow up to this many seconds. A server that asks for more gets more."""
MIN_DELAY = 0.1
"""A server that asks for no delay still gets this one, in seconds, if its connection brought no event."""


def default_delay(attempt: int, retry: int | None, random: Callable[[], float], *, after_event: bool = False) -> float:
    """A delay that doubles with each attempt, is drawn at random, and is never below what the server asks for.

    Args:
        attempt: Which attempt to reconnect this is, from 1.
        retry: The delay that the server asks for, in milliseconds; None if it does not.
        random: Gives numbers from 0 up to 1.
        after_event: Whether the connection that ended has brought an event.

    Returns:
        The seconds to wait.

    Example:
        >>> default_delay(1, None, lambda: 0.0), default_delay(3, None, lambda: 0.5)
        (3.0, 7.5)
    """
    base = FIRST_DELAY if retry is None else retry / 1000
    if not after_event:
        base = max(base, MIN_DELAY)
    # The exponent is bounded, since a float overflows after a thousand attempts.
    grown = min(MAX_GROWTH, base * 2.0 ** min(attempt - 1, 32))
    # At least a quarter of it is drawn, so that a restarted server does not get all its clients in one moment.
    longest = max(base * 1.25, grown)
    return base + random() * (longest - base)
