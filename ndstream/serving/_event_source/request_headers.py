"""The headers of a request for events (WHATWG HTML, section 9.2.3)."""

from __future__ import annotations

from typing import TypeAlias

Headers: TypeAlias = dict[str, str]


class UTF8Text(str):
    """Text that is encoded as UTF-8, whatever encoding is asked for.

    The standard sends ids as UTF-8. Clients that are given text encode it as ASCII, Latin-1 or UTF-8, and some take
    no bytes; all of them call ``encode``, or write UTF-8 themselves.

    Example:
        >>> UTF8Text("é").encode("ascii")
        b'\\xc3\\xa9'
    """

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return str.encode(self, "utf-8")


def request_headers(last_event_id: str) -> Headers:
    """The headers for the next request. An id is left out if it is empty.

    Example:
        >>> request_headers("7")["Last-Event-ID"]
        '7'
    """
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
    # A header has no white space at its ends.
    value = last_event_id.strip(" \t")
    if value:
        headers["Last-Event-ID"] = value if value.isascii() else UTF8Text(value)
    return headers


def check_last_event_id(last_event_id: str) -> None:
    """Check an id to begin with.

    Raises:
        TypeError: It is no str.
        ValueError: It holds what no id can hold.
    """
    if not isinstance(last_event_id, str):
        raise TypeError(f"last_event_id must be a str, not {last_event_id!r}")
    if any(character in last_event_id for character in "\r\n\0"):
        raise ValueError(f"last_event_id must hold no CR, LF or NUL, as no id of an event does: {last_event_id!r}")
    try:
        last_event_id.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"last_event_id must hold no lone surrogate: {last_event_id!r}") from error
