"""`UpstreamError`: what an upstream answered instead of a stream, known before the response to the client starts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson

from ndstream._sources.headers import header
from ndstream._sources.retry_after import retry_after
from ndstream.llm._server_error import error_in

MAX_BODY = 64 * 1024
"""How much of the body an error keeps, in bytes."""
MAX_BODY_SECONDS = 2.0
"""How long it is waited for."""


class UpstreamError(Exception):
    """An upstream refused, or sent an error where a stream was to begin. Its response is closed.

    Attributes:
        status: The upstream's status; 200 if it reported an error in the body of a success.
        retry_after: How long it asks to wait, in seconds; None if it does not say (RFC 9110, section 10.2.3).
        body: The first 64 KiB of the body.
        content_type: The Content-Type of the body, "" if there was none.

    Example:
        >>> UpstreamError(429, retry_after=7.0, body=b'{"error":"slow down"}')
        UpstreamError('the upstream answered 429: {"error":"slow down"}')
    """

    def __init__(self, status: int, *, retry_after: float | None = None, body: bytes = b"", content_type: str = ""):
        shown = body[:200].decode(errors="replace")
        super().__init__(f"the upstream answered {status}" + (f": {shown}" if shown else ""))
        self.status = status
        self.retry_after = retry_after
        self.body = body
        self.content_type = content_type

    @property
    def kind(self) -> str:
        """What it is about: one of the kinds of `ndstream.llm.ServerError`."""
        reported = None
        with suppress(ValueError):
            reported = error_in(orjson.loads(self.body))
        if is_success(self.status) and reported is not None:
            return reported.kind
        by_status = error_in({"error": {"message": "", "code": self.status}})
        return "server" if by_status is None or by_status.kind == "unknown" else by_status.kind


def status_of(source: Any) -> int | None:
    """The status of a response, whatever library it is of; None for a source without one."""
    for name in ("status_code", "status", "code"):
        try:
            status = getattr(source, name, None)
        except Exception:
            continue
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 999:
            return int(status)
    return None


def is_success(status: int | None) -> bool:
    return status is None or 200 <= status < 300


def upstream_error(status: int, headers: Any, body: bytes) -> UpstreamError:
    """The error for a response.

    Example:
        >>> upstream_error(503, {"Retry-After": "120"}, b"").retry_after
        120.0
    """
    return UpstreamError(
        status,
        retry_after=retry_after(header(headers, "retry-after")),
        body=body,
        content_type=header(headers, "content-type"),
    )
