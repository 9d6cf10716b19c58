"""The options of a broadcast, checked once."""

from __future__ import annotations

import math
from typing import Any, NamedTuple


class Settings(NamedTuple):
    """What all subscriptions of a broadcast have in common.

    Attributes:
        headers: The headers of the response.
        replay: Whether a client without a Last-Event-ID gets the events that the ring holds.
        retry: Between how many seconds and how many a client waits before it reconnects; None to say nothing.
        heartbeat: After how many seconds without an event a comment is sent; None for never.
        keep_upstream: How many seconds the upstream is kept when the last client has left; None for ever.
        first_frame_timeout: After how many seconds a response starts although its upstream has sent nothing yet.
        send_timeout: After how many seconds a client that takes nothing is given up.
    """

    headers: dict[str, str]
    replay: bool
    retry: tuple[float, float] | None
    heartbeat: float | None
    keep_upstream: float | None
    first_frame_timeout: float | None
    send_timeout: float | None


def check_count(name: str, value: Any) -> None:
    """Refuse what is not a number of events or bytes.

    Raises:
        TypeError: It is no int.
        ValueError: It is less than 1.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")


def check_delays(retry: Any) -> None:
    """Refuse what is not a pair of delays in order.

    Raises:
        TypeError: It is no pair of numbers.
        ValueError: A delay is negative or too long, or the second is shorter than the first.
    """
    if retry is None:
        return
    if not isinstance(retry, tuple) or len(retry) != 2 or not all(_is_number(delay) for delay in retry):
        raise TypeError(f"retry must be a pair of seconds, as (1.0, 5.0), or None, not {retry!r}")
    if not 0 <= retry[0] <= retry[1] <= 86400:
        raise ValueError(f"retry must be two delays in order, from 0 to 86400 seconds, not {retry!r}")


def check_keep(seconds: Any) -> None:
    """Refuse what is no time to keep an upstream.

    Raises:
        TypeError: It is no number.
        ValueError: It is negative or not finite.
    """
    if seconds is None:
        return
    if not _is_number(seconds):
        raise TypeError(f"keep_upstream must be a number of seconds, or None for ever, not {seconds!r}")
    if not 0 <= seconds < math.inf:
        raise ValueError(f"keep_upstream must be 0 seconds or more, or None for ever, not {seconds!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
