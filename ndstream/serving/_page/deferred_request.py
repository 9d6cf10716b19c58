"""A reply that is asked for when its first bytes are wanted.

The relay is there before the upstream is, so that the wait for the model's server belongs to it: it ends when the
browser leaves or the server shuts down, and has heartbeats.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from ndstream._sources import open_source
from ndstream._sources.opened_source import Chunk, OpenedAsyncSource
from ndstream.serving._page.messages import Message
from ndstream.serving._upstream_error import MAX_BODY, is_success, status_of, upstream_error

_logger = logging.getLogger("ndstream.serving")


async def deferred_chunks(
    ask: Callable[[list[Message]], Awaitable[Any]], messages: list[Message]
) -> AsyncGenerator[Chunk]:
    """Ask, and give the chunks of the response. It is released at the end, and when the generator is closed.

    Raises:
        UpstreamError: The status of the response is no success.
        TypeError: What `ask` returned is no async source.
    """
    try:
        response = await ask(messages)
    except Exception:
        # The page is told in few words; whoever wrote `ask` may need all of them.
        _logger.exception("the model's server could not be asked")
        raise
    opened = open_source(response)
    if not isinstance(opened, OpenedAsyncSource):
        opened.close()
        raise TypeError(f"ask has to return a response of an async client, not {type(response).__name__}")
    try:
        status = status_of(response)
        if status is not None and not is_success(status):
            body = b""
            async for chunk in opened.chunks:
                body += bytes(chunk)
                if len(body) >= MAX_BODY:
                    break
            raise upstream_error(status, opened.headers, body[:MAX_BODY])
        async for chunk in opened.chunks:
            yield chunk
    finally:
        await opened.close()
