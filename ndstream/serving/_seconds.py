"""What is a time to wait for, as options of relays and broadcasts give it."""

from __future__ import annotations

import math


def check_seconds(name: str, value: float | None) -> None:
    """Refuse what is no time to wait.

    Raises:
        TypeError: It is no number.
        ValueError: It is not more than 0, or not finite.
    """
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds or None, not {value!r}")
    if not (0 < value < math.inf):
        raise ValueError(f"{name} must be more than 0 seconds, or None for none, not {value!r}")
