"""The server of ``ndstream serve``: uvicorn with the page's application, and the model's server behind it."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import httpx
import uvicorn

from ndstream._cli.chat_request import READ_TIMEOUT, Server
from ndstream.serving import RelayGroup
from ndstream.serving._page.application import chat_application
from ndstream.serving._page.messages import Message
from ndstream.serving._page.sample import MODEL, SUGGESTIONS, ask_sample

_CONNECT_TIMEOUT = 10.0


async def run(listening: socket.socket, server: Server | None, grace: float) -> None:
    """Serve the page until the process is told to stop.

    Args:
        listening: Where to take connections.
        server: The model's server; None for the sample.
        grace: How many seconds replies have to end when the server stops.
    """
    # The page says what went wrong; nobody who runs the command looks for a traceback.
    logging.getLogger("ndstream.serving").setLevel(logging.CRITICAL)
    group = RelayGroup()
    if server is None:
        application = chat_application(
            ask_sample, group=group, wire="ollama-chat", model=MODEL, suggestions=SUGGESTIONS
        )
        await _serve(application, listening, group, grace)
        return
    asked = server
    timeout = httpx.Timeout(_CONNECT_TIMEOUT, read=READ_TIMEOUT)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=not asked.is_local) as client:

        async def ask(messages: list[Message]) -> httpx.Response:
            body = asked.body([{"role": message["role"], "content": message["content"]} for message in messages])
            request = client.build_request("POST", asked.url.geturl(), content=body, headers=asked.headers)
            return await client.send(request, stream=True)

        application = chat_application(
            ask, group=group, wire=asked.wire, model=asked.model, server=asked.url.netloc, secret=asked.key
        )
        await _serve(application, listening, group, grace)


async def _serve(application: Any, listening: socket.socket, group: RelayGroup, grace: float) -> None:
    config = uvicorn.Config(
        application,
        log_level="warning",
        server_header=False,
        lifespan="off",
        # Later than the group, which lets replies end in words of their own.
        timeout_graceful_shutdown=int(grace) + 2,
    )
    await _UvicornServer(config, group, grace).serve(sockets=[listening])


class _UvicornServer(uvicorn.Server):
    """Ends the replies that are under way when it begins to stop. By itself uvicorn would wait for their end, and then
    cut them off."""

    def __init__(self, config: uvicorn.Config, group: RelayGroup, grace: float) -> None:
        super().__init__(config)
        self._group = group
        self._grace = grace

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        ending = asyncio.create_task(self._group.aclose(self._grace, "The server of this page was stopped."))
        await super().shutdown(sockets)
        await ending
