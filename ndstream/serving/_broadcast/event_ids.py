"""The ids of a broadcast's events: the epoch, which is one run of the stream, and the number in it.

A number alone would be taken for one of another run after a restart, and a client would miss events without a word.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

_ID = re.compile(r"([A-Za-z0-9_]{1,64})-(\d{1,18})", re.ASCII)


def new_epoch() -> str:
    """A name that no run before has had."""
    return secrets.token_hex(4)


def event_id(epoch: str, number: int) -> str:
    """The id of an event.

    Example:
        >>> event_id("5f2e", 7)
        '5f2e-7'
    """
    return f"{epoch}-{number}"


def number_in(id: str, epoch: str) -> int | None:
    """The number in an id of this epoch; None for any other text.

    Example:
        >>> number_in("5f2e-7", "5f2e"), number_in("0000-7", "5f2e"), number_in("x", "5f2e")
        (7, None, None)
    """
    match = _ID.fullmatch(id)
    return int(match[2]) if match is not None and match[1] == epoch else None


def check_epoch(epoch: Any) -> None:
    """Refuse an epoch that ids could not be read back with.

    Raises:
        TypeError: It is no str.
        ValueError: It is not 1 to 64 ASCII letters, digits and underscores.
    """
    if not isinstance(epoch, str):
        raise TypeError(f"epoch must be a str, not {epoch!r}")
    if _ID.fullmatch(f"{epoch}-1") is None:
        raise ValueError(f"epoch must be 1 to 64 ASCII letters, digits or underscores, not {epoch!r}")


def check_last_event_id(id: Any) -> None:
    """Refuse what is no Last-Event-ID. Any text is one: clients send what they were given elsewhere.

    Raises:
        TypeError: It is neither a str nor None.
    """
    if id is not None and not isinstance(id, str):
        hint = ": decode it first, as id.decode(errors='replace') does" if isinstance(id, (bytes, bytearray)) else ""
        raise TypeError(f"last_event_id must be a str or None, not {id!r:.80}{hint}")
