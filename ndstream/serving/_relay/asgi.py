"""A relay as an ASGI application: the only place where a HEAD, a client that leaves and one that does not read can be
seen.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Protocol

from ndstream._errors import StreamError
from ndstream._sources.event_loops import AsyncioScope, sleep, trio_if_running
from ndstream.serving._headers import HEADERS
from ndstream.serving._targets.outcome import Failure, Refusal
from ndstream.serving._upstream_error import UpstreamError

_LISTEN_AGAIN_SECONDS = 0.01


class Body(Protocol):
    """What is asked of an `AsyncRelay` here."""

    @property
    def first_frame_timeout(self) -> float | None: ...
    @property
    def send_timeout(self) -> float | None: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def closed(self) -> bool: ...
    @property
    def failure(self) -> Failure | None: ...
    @property
    def refusal(self) -> Refusal | None: ...
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aopen(self, limit: float | None = None) -> object: ...
    async def aclose(self) -> None: ...


async def respond(relay: Body, scope: Any, receive: Any, send: Any) -> None:
    """Send a relay as the response to one request."""
    if scope["type"] != "http":
        await relay.aclose()
        raise TypeError(f"a relay answers requests of HTTP, and this is {scope['type']!r}")
    try:
        if scope["method"] == "HEAD":
            # The body would never be asked for, and the upstream has nothing to say for it.
            await relay.aclose()
            await _start(send, 200, _headers_without_body(relay))
            await send({"type": "http.response.body", "body": b""})
            return
        trio = trio_if_running()
        if trio is not None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_until_disconnect, receive, nursery.cancel_scope.cancel)
                _give_up_by(relay, nursery.cancel_scope.cancel)
                await _send_all(relay, send)
                nursery.cancel_scope.cancel()
            return
        with _Client(receive, send, relay.send_timeout) as client:
            _give_up_by(relay, client.leave)
            await _send_all(relay, client.send)
    finally:
        await relay.aclose()


async def respond_no_content(send: Any) -> None:
    """Answer that there is nothing more: a browser does not ask again then (WHATWG HTML, section 9.2.3)."""
    await _start(send, 204, dict(HEADERS))
    await send({"type": "http.response.body", "body": b""})


async def _send_all(relay: Body, send: Any) -> None:
    try:
        await relay.aopen(limit=relay.first_frame_timeout)
    except UpstreamError as error:
        await _refuse(send, error.status if 400 <= error.status < 600 else 502, relay.refusal, error.retry_after)
        return
    except StreamError:
        await _refuse(send, 502, relay.refusal, None)
        return
    has_left = False

    async def send_if_there(message: dict[str, Any]) -> None:
        nonlocal has_left
        try:
            await send(message)
        except OSError:
            # From version 2.4 of the specification on, this is how `send` says that the client has left.
            has_left = True
            raise

    try:
        await _start(send_if_there, 200, relay.headers)
        async for message in relay:
            await send_if_there({"type": "http.response.body", "body": message, "more_body": True})
        await send_if_there({"type": "http.response.body", "body": b""})
    except OSError:
        # One that the body itself raises, as `error_message` may, is for whoever runs the server.
        if not has_left:
            raise


def _headers_without_body(relay: Body) -> dict[str, str]:
    """The headers, but for a Content-Type that only the upstream's first bytes would show."""
    try:
        return relay.headers
    except RuntimeError:
        return dict(HEADERS)


async def _start(send: Any, status: int, headers: dict[str, str]) -> None:
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _refuse(send: Any, status: int, refusal: Refusal | None, retry_after: float | None) -> None:
    """Answer with the upstream's status. Its words may name hosts and keys, and are told only if asked for."""
    assert refusal is not None
    headers = {"Content-Type": refusal.content_type, "Content-Length": str(len(refusal.body))}
    if retry_after is not None:
        headers["Retry-After"] = str(math.ceil(retry_after))
    await _start(send, status, headers)
    await send({"type": "http.response.body", "body": refusal.body})


def _give_up_by(relay: Body, leave: Callable[[], object]) -> None:
    """A body that can give its client up is told how."""
    if hasattr(relay, "on_fall_out"):
        relay.on_fall_out = leave


async def _until_disconnect(receive: Any, leave: Callable[[], object]) -> None:
    """Call ``leave`` when the client has left.

    What comes before that is the body of the request. Servers wait after its end; what is put between may say the end
    again and again without any wait, and must not keep the event loop from everything else.
    """
    while (message := await receive())["type"] != "http.disconnect":
        await sleep(0 if message.get("more_body") else _LISTEN_AGAIN_SECONDS)
    leave()


class _Client:
    """A context that is cancelled when the client leaves, or takes no message for as long as the timeout.

    One task listens, and one timer is set again whenever it fires: a message costs neither.
    """

    def __init__(self, receive: Any, send: Any, timeout: float | None) -> None:
        self._receive = receive
        self._send = send
        self._timeout = timeout
        self._sending_since: float | None = None
        self._timer: Any = None
        self._loop = asyncio.get_running_loop()
        self._scope = AsyncioScope()
        self.leave = self._scope.cancel

    async def send(self, message: Any) -> None:
        if self._timeout is None:
            await self._send(message)
            return
        self._sending_since = self._loop.time()
        await self._send(message)
        self._sending_since = None

    def __enter__(self) -> _Client:
        self._scope.__enter__()
        self._listener = self._loop.create_task(_until_disconnect(self._receive, self.leave))
        if self._timeout is not None:
            self._timer = self._loop.call_later(self._timeout, self._check)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._listener.cancel()
        if self._timer is not None:
            self._timer.cancel()
        return self._scope.__exit__(kind, error, traceback)

    def _check(self) -> None:
        assert self._timeout is not None
        since = self._sending_since
        waited = 0.0 if since is None else self._loop.time() - since
        if waited >= self._timeout:
            self.leave()
        else:
            self._timer = self._loop.call_later(self._timeout - waited, self._check)
