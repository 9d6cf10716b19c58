"""JSON with whole numbers of any length kept exact, which orjson makes doubles past 64 bits."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_has_long_number = re.compile(r"[0-9]{19}").search


def exact_loads(text: str) -> Any:
    """What orjson makes of a text, with its whole numbers exact. A text with long ones is read a second time.

    Raises:
        ValueError: It is not JSON, as orjson takes it.

    Example:
        >>> exact_loads("[123456789012345678901]")
        [123456789012345678901]
    """
    value = orjson.loads(text)
    if _has_long_number(text):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            # Of more digits than int takes, or nested more deeply than json reads.
            return value
    return value
