"""How long a server asks to wait before the next request."""

from __future__ import annotations

import re
import time
from datetime import timezone
from email.utils import parsedate_to_datetime

_DELAY = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LONGEST_DELAY = 1e9
"""What can be slept, in seconds."""


def retry_after(value: str) -> float | None:
    """The seconds that a Retry-After asks for, of either form (RFC 9110, section 10.2.3); None if it makes no sense.

    Some servers send parts of a second.

    Example:
        >>> retry_after("120"), retry_after("Thu Jan  1 00:00:00 1970"), retry_after("soon")
        (120.0, 0.0, None)
    """
    value = value.strip()
    if _DELAY.fullmatch(value):
        return min(float(value), _LONGEST_DELAY)
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            # Its dates are in GMT, also in the oldest form, which does not say so (RFC 9110, section 5.6.7).
            moment = moment.replace(tzinfo=timezone.utc)
        return max(0.0, moment.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
