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


def check_grace(grace: float) -> None:
    """Refuse what is no time to wait for clients at a shutdown: 0 waits for none.

    Raises:
        TypeError: It is no number.
        ValueError: It is negative, or NaN.
    """
    if isinstance(grace, bool) or not isinstance(grace, (int, float)):
        raise TypeError(f"grace must be a number of seconds, not {grace!r}")
    if not grace >= 0:
        raise ValueError(f"grace must be 0 seconds or more, not {grace!r}")
