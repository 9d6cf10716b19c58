"""The application behind the page: its files, its state, and replies that are relayed as they come.

What it guarantees:

- Only requests for a host that is allowed are answered, so that another site's name cannot be made to lead here.
- A reply is only asked for by the page itself: no other site can spend the user's tokens, since a browser does not let
  it send this content type, and says where a request comes from.
- The page may load its own files and nothing else, and nothing on it can become a script.
- A reply stops with its request: the relay releases its upstream when the browser leaves, however that happens.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from ndstream.serving._page.deferred_request import deferred_chunks
from ndstream.serving._page.error_words import ErrorWords
from ndstream.serving._page.messages import BadRequestError, Message, messages_in
from ndstream.serving._page.page_target import PageTarget
from ndstream.serving._page.security import LOOPBACK_HOSTS, SecurityHeaders, check_origin
from ndstream.serving._relay.group import RelayGroup

FOLDER = Path(__file__).parent
FILES = {"/": "page.html", "/page.css": "page.css", "/page.js": "page.js"}

Ask = Callable[[list[Message]], Awaitable[Any]]


def chat_application(
    ask: Ask,
    *,
    group: RelayGroup | None = None,
    wire: str | None = None,
    model: str = "",
    server: str = "",
    suggestions: Sequence[str] = (),
    secret: str = "",
    allowed_hosts: Sequence[str] = LOOPBACK_HOSTS,
) -> Starlette:
    """Make the application, to be run by itself or mounted in another one.

    Args:
        ask: Called with the conversation, it sends the request to the model's server and returns the response, or any
            other async source of the reply's bytes. A response whose status is no success becomes an error on the page.
        group: Makes the relays, so that it can end them when the server shuts down; None for a group of its own.
        wire: The wire of the replies; None to recognise it.
        model: The name of the model, to be shown.
        server: The name of the model's server, to be shown. It should hold no key.
        suggestions: Prompts that the empty page offers.
        secret: A key that is cut out of error messages, in case the server repeats it; "" for none.
        allowed_hosts: The names that a request's Host header may have; ``"*.example.com"`` for all hosts of a domain,
            and ``"*"`` for any host if a proxy in front checks it.

    Returns:
        An ASGI application with the page at ``/``. Mounted, its path ends in a slash: the page asks relative to it.

    Raises:
        ModuleNotFoundError: Starlette is missing: ``pip install "ndstream[serve]"``.

    Example:
        >>> import httpx
        >>> client = httpx.AsyncClient()
        >>> async def ask(messages):
        ...     body = {"model": "llama3.2", "messages": messages}
        ...     request = client.build_request("POST", "http://127.0.0.1:11434/api/chat", json=body)
        ...     return await client.send(request, stream=True)
        >>> chat_application(ask, model="llama3.2")  # doctest: +ELLIPSIS
        <starlette.applications.Starlette object at ...>
    """
    relays = RelayGroup() if group is None else group
    error_words = ErrorWords(secret)
    # The page sees by this that the server was started again.
    instance = secrets.token_hex(8)
    state = {"model": model, "server": server, "suggestions": list(suggestions), "instance": instance}

    async def show_file(request: Request) -> Response:
        # A mounted application sees the whole path.
        name = request.scope["path"].rpartition("/")[2]
        return FileResponse(FOLDER / FILES[f"/{name}"], headers={"Cache-Control": "no-cache"})

    async def show_state(request: Request) -> Response:
        return Response(orjson.dumps(state), headers={"Cache-Control": "no-store"}, media_type="application/json")

    async def chat(request: Request) -> Any:
        try:
            check_origin(request)
            messages = await messages_in(request)
        except BadRequestError as error:
            return PlainTextResponse(str(error), error.status)
        return relays.relay(deferred_chunks(ask, messages), PageTarget(), wire=wire, error_message=error_words)

    return Starlette(
        routes=[
            *(Route(path, show_file) for path in FILES),
            Route("/api/state", show_state),
            Route("/api/chat", chat, methods=["POST"]),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False),
        ],
    )
