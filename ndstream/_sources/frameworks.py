"""What web frameworks hand around: the requests that a server takes, and the responses that test clients give.

The server ends a request itself, so that reading one never closes it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ndstream._sources.opened_source import (
    OpenedAsyncSource,
    OpenedSource,
    OpenedSyncSource,
    async_closer,
    nothing_to_close,
    read_until_empty,
)


def open_starlette_request(request: Any) -> OpenedAsyncSource:
    chunks = request.stream()
    return OpenedAsyncSource(chunks, async_closer(chunks), request.headers)


def open_django_request(request: Any) -> OpenedSyncSource:
    return OpenedSyncSource(read_until_empty(request.read), nothing_to_close, request.headers)


def open_werkzeug_request(request: Any) -> OpenedSyncSource:
    """A request of Werkzeug, and so of Flask."""
    return OpenedSyncSource(read_until_empty(request.stream.read), nothing_to_close, request.headers)


def open_django_response(response: Any) -> OpenedSource:
    """A response of Django, streaming or not. One that streams has both kinds of iteration."""
    if not getattr(response, "is_async", False):
        return OpenedSyncSource(iter(response), response.close, response.headers)
    chunks = response.streaming_content
    return OpenedAsyncSource(chunks, partial(_close_async_django_response, response, chunks), response.headers)


async def _close_async_django_response(response: Any, chunks: Any) -> None:
    try:
        # The wrapper of the view's own iterator, then that.
        await async_closer(chunks, response._iterator)()
    finally:
        response.close()


def open_werkzeug_response(response: Any) -> OpenedSyncSource:
    """A response of Werkzeug, and so of Flask and its test client."""
    return OpenedSyncSource(response.iter_encoded(), response.close, response.headers)
