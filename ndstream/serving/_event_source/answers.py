"""Which answers and errors another attempt can mend, and which are for the user."""

from __future__ import annotations

from enum import Enum
from typing import Any

from ndstream._sources.headers import header, media_type
from ndstream._sources.retry_after import retry_after
from ndstream.serving._upstream_error import UpstreamError, status_of, upstream_error

NO_CONTENT = 204
_TEMPORARY = frozenset({408, 425, 429})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

_MISTAKES = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    NameError,
    ImportError,
    SyntaxError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    MemoryError,
)
"""What a mistake in the program raises; a closed client raises a RuntimeError."""
_MISTAKES_OF_CLIENTS = frozenset({"InvalidURL", "UnsupportedProtocol", "LocalProtocolError", "TooManyRedirects"})
"""Errors of clients for requests that can never be sent, by the names that httpx and others give them."""


class Meaning(Enum):
    """What an answer means."""

    OPEN = "it is a stream of events"
    END = "the server has no more events"
    REFUSED = "it is no stream of events"


def meaning_of(status: int | None, headers: Any, any_content_type: bool) -> Meaning:
    """What a response means.

    Args:
        status: Its status; None if it has none.
        headers: Its headers; None if it has none.
        any_content_type: Whether its Content-Type does not matter.

    Example:
        >>> meaning_of(503, {}, False).name, meaning_of(200, {"Content-Type": "TEXT/Event-Stream;x=y"}, False).name
        ('REFUSED', 'OPEN')
    """
    if status == NO_CONTENT:
        return Meaning.END
    if status is not None and status != 200:
        return Meaning.REFUSED
    if headers is None or any_content_type:
        return Meaning.OPEN
    is_events = media_type(header(headers, "content-type")) == "text/event-stream"
    return Meaning.OPEN if is_events else Meaning.REFUSED


def is_temporary(status: int) -> bool:
    """Whether a later request may be answered otherwise."""
    return status in _TEMPORARY or 500 <= status <= 599


def may_pass(error: Exception) -> bool:
    """Whether another attempt may do better than one that raised this.

    An error that has the status of a response, such as that of ``raise_for_status``, is judged by it.

    Example:
        >>> may_pass(ConnectionRefusedError()), may_pass(KeyError("host"))
        (True, False)
    """
    status = status_of_error(error)
    if status is not None:
        return is_temporary(status)
    if any(kind.__name__ in _MISTAKES_OF_CLIENTS for kind in type(error).__mro__):
        return False
    return not isinstance(error, _MISTAKES)


def status_of_error(error: Exception) -> int | None:
    """The status of the refusal that an error tells of; None if it is another error."""
    for holder in (error, getattr(error, "response", None)):
        status = None if holder is None else status_of(holder)
        # Some errors have codes of their own, which are lower.
        if status is not None and 300 <= status <= 599:
            return status
    return None


def retry_after_of(error: Exception) -> float | None:
    """How long the answer that an error tells of asks to wait, in seconds; None if it does not say."""
    if isinstance(error, UpstreamError):
        return error.retry_after
    for holder in (error, getattr(error, "response", None)):
        headers = getattr(holder, "headers", None)
        if headers is not None:
            return retry_after(header(headers, "retry-after"))
    return None


def refusal(status: int | None, headers: Any, body: bytes) -> UpstreamError:
    """The error for an answer that is no stream of events."""
    error = upstream_error(status or 200, headers, body)
    if status is None or status == 200:
        advice = (
            f"its Content-Type is {error.content_type!r}, and not text/event-stream: look at the address and at the "
            "body, or pass any_content_type=True"
        )
    elif status in _REDIRECTS:
        advice = (
            f"it leads to {header(headers, 'location')!r}: let the client follow redirects (follow_redirects=True in "
            "httpx, allow_redirects=True elsewhere)"
        )
    else:
        return error
    error.args = (f"{error}; {advice}",)
    return error
