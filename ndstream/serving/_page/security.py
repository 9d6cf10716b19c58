"""What keeps the page to itself: headers on every answer, and requests of its own alone."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from ndstream.serving._page.messages import BadRequestError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Nothing on the page can become a script, a style or a request but what is its own (CSP level 3, Trusted Types)."""

_PAIRS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class SecurityHeaders:
    """Middleware that adds the headers to every answer, refusals and errors among them."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_PAIRS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def check_origin(request: Request) -> None:
    """Refuse what a browser sends for another site (Fetch Metadata; RFC 6454, section 7).

    Raises:
        BadRequestError: The request is not the page's own.
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site != "same-origin" or (origin is not None and origin.partition("://")[2] != request.headers["host"]):
        raise BadRequestError(403, "only the page of this server may ask for replies")
