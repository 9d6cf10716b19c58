"""Responses of HTTP clients and requests that servers take, each read by the call that gives bytes as they arrive.

A library's responses are recognised by the attributes that they offer; no library is imported. Bodies come
decompressed if the library does that. A response that was read whole before gives its body once more; one
that was consumed or closed is refused, here or by its library's own error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from ndstream._sources.blocking_responses import open_http_client, open_requests, open_urllib3
from ndstream._sources.frameworks import (
    open_django_request,
    open_django_response,
    open_starlette_request,
    open_werkzeug_request,
    open_werkzeug_response,
)
from ndstream._sources.opened_source import (
    CHUNK_SIZE,
    Chunk,
    OpenedAsyncSource,
    OpenedSource,
    OpenedSyncSource,
    any_closer,
    async_closer,
    call_and_await,
    call_with_size,
    closer,
    consumed_error,
    nothing_to_aclose,
    nothing_to_close,
)
from ndstream._sources.read_deadlines import network_stream_controls, socket_controls


def open_response(source: Any) -> OpenedSource | None:
    """Open a response or request.

    Args:
        source: Whatever was handed over.

    Returns:
        The opened source, or None if it is neither.

    Raises:
        TypeError: Its body was consumed before.
    """
    for offered, open_one in _KINDS:
        if all(hasattr(source, name) for name in offered):
            return open_one(source)
    return None


def _httpx(response: Any) -> OpenedSource:
    """httpx and httpx2: one class for sync and async; its inner stream says which.

    Those made by hand, as in tests, hold their bytes, and can be read both ways.
    """
    stream = response.stream
    if hasattr(stream, "__aiter__") and hasattr(stream, "__iter__"):
        return OpenedSyncSource(response.iter_bytes(), response.close, response.headers, in_memory=True)
    if hasattr(stream, "__aiter__"):
        chunks = response.aiter_bytes()
        return OpenedAsyncSource(chunks, partial(_close_httpx, response, chunks), response.headers, True)
    read_deadline = interrupt = None
    extensions = getattr(response, "extensions", {})
    # An HTTP/2 connection is shared with other responses.
    if extensions.get("http_version") in (b"HTTP/1.1", b"HTTP/1.0"):
        network = extensions.get("network_stream")
        read_deadline, interrupt = network_stream_controls(network)
    return OpenedSyncSource(response.iter_bytes(), response.close, response.headers, read_deadline, interrupt)


def _aiohttp(response: Any) -> OpenedSource:
    content = response.content
    # The requests of an aiohttp server have no close(): the server ends them.
    close = partial(call_and_await, response.release) if hasattr(response, "close") else nothing_to_aclose
    if not content.at_eof():
        return OpenedAsyncSource(content.iter_any(), close, response.headers, hasattr(response, "close"))
    if content.total_bytes and getattr(response, "_body", None) is None:
        raise consumed_error(response)
    return OpenedAsyncSource(_OneChunk(response.read), close, response.headers)


def _curl(response: Any) -> OpenedSource:
    """curl_cffi: one class for sync and async; which task runs says which."""
    headers = response.headers
    if response.astream_task is not None:
        if response.astream_task.done() and response.queue.empty():
            raise consumed_error(response)
        chunks = response.aiter_content()
        return OpenedAsyncSource(chunks, partial(_close_curl, response, chunks), headers)
    if response.stream_task is None:
        return OpenedSyncSource(iter((response.content,)), nothing_to_close, headers)
    if response._stream_closed:
        # Its queue is empty and will stay so: reading would wait for ever.
        raise consumed_error(response)
    return OpenedSyncSource(response.iter_content(), response.close, headers)


def _niquests(response: Any) -> OpenedSource:
    """niquests, sync and async: iterating without a size gives what has arrived."""
    if hasattr(response, "__aiter__"):
        if isinstance(getattr(response, "_content", None), bytes):
            # Its own iteration gives nothing of a body that was read whole.
            close = partial(call_and_await, response.close)
            return OpenedAsyncSource(_OneChunk(lambda: response.content), close, response.headers)
        # Its own iteration holds back the bytes of a compressed body until that ends.
        raw: Any = response.raw
        kept = response._content_consumed or not hasattr(raw, "stream")
        if not kept and raw.closed and raw.tell():
            raise consumed_error(response)
        chunks = response.__aiter__() if kept or raw.closed else raw.stream(CHUNK_SIZE, decode_content=True)
        return OpenedAsyncSource(chunks, partial(_close_niquests, response, chunks), response.headers)
    raw = response.raw
    unread = not getattr(response, "_content_consumed", True) and hasattr(raw, "length_remaining")
    if unread and raw.closed and not raw.tell() and raw.length_remaining != 0:
        # Its own iteration would end at once, as if there had been nothing.
        raise consumed_error(response)
    read_deadline = interrupt = None
    # HTTP/2 and HTTP/3 connections are shared with other responses.
    if getattr(response.raw, "version", None) in (10, 11):
        read_deadline, interrupt = socket_controls(lambda: getattr(response.raw.connection, "sock", None))
    return OpenedSyncSource(response.iter_content(), response.close, response.headers, read_deadline, interrupt)


def _tornado(response: Any) -> OpenedSource:
    """The response of tornado's ``fetch``, which holds the whole body."""
    return OpenedSyncSource(iter((response.body or b"",)), nothing_to_close, response.headers)


def _raw_stream(response: Any) -> OpenedSource:
    """A response that holds its body as a stream to iterate over, as httpcore's do."""
    chunks = response.stream
    if hasattr(chunks, "__aiter__") and not hasattr(chunks, "__iter__"):
        return OpenedAsyncSource(chunks.__aiter__(), async_closer(response), response.headers)
    return OpenedSyncSource(iter(chunks), closer(response), response.headers)


def _by_method(name: str, response: Any) -> OpenedSource:
    """Wrappers and doubles of responses, with one method for their bytes, sync or async."""
    method = getattr(response, name)
    chunks = call_with_size(method) if name == "iter_content" else method()
    headers = getattr(response, "headers", None)
    if hasattr(chunks, "__aiter__"):
        return OpenedAsyncSource(chunks.__aiter__(), any_closer(response), headers)
    return OpenedSyncSource(iter(chunks), closer(response), headers)


_KINDS: tuple[tuple[tuple[str, ...], Callable[[Any], OpenedSource]], ...] = (
    (("iter_bytes", "aiter_bytes", "stream"), _httpx),
    (("release", "read", "headers", "content"), _aiohttp),
    (("iter_content", "aiter_content", "astream_task"), _curl),
    (("iter_content", "iter_raw", "raw"), _niquests),
    (("iter_content", "raw"), open_requests),
    (("stream", "release_conn", "headers"), open_urllib3),
    (("read1", "isclosed", "headers"), open_http_client),
    (("stream", "receive", "headers"), open_starlette_request),
    (("META", "read", "headers"), open_django_request),
    (("input_stream", "stream", "headers"), open_werkzeug_request),
    (("make_bytes", "streaming", "headers"), open_django_response),
    (("iter_encoded", "headers"), open_werkzeug_response),
    (("body", "buffer", "headers", "effective_url"), _tornado),
    (("iter_stream", "aiter_stream", "stream"), _raw_stream),
    (("iter_bytes",), partial(_by_method, "iter_bytes")),
    (("aiter_bytes",), partial(_by_method, "aiter_bytes")),
    (("iter_content",), partial(_by_method, "iter_content")),
)
"""The attributes that an object must offer, and how it is then opened; the first row that fits counts. In a row
the most telling name comes first, since asking some responses for their ``content`` reads the body."""


class _OneChunk(AsyncIterator[Chunk]):
    """A body that is awaited as one chunk."""

    def __init__(self, read: Callable[[], Awaitable[Chunk]]) -> None:
        self._read: Callable[[], Awaitable[Chunk]] | None = read

    async def __anext__(self) -> Chunk:
        read, self._read = self._read, None
        if read is None:
            raise StopAsyncIteration
        return await read()


async def _close_httpx(response: Any, chunks: Any) -> None:
    try:
        # This ends a read that waits in another task.
        await response.aclose()
    finally:
        if not getattr(chunks, "ag_running", False):
            await async_closer(chunks)()


async def _close_niquests(response: Any, chunks: Any) -> None:
    try:
        await call_and_await(response.close)
    finally:
        await chunks.aclose()


async def _close_curl(response: Any, chunks: Any) -> None:
    """Without its own close, which waits until the server has sent everything."""
    import asyncio

    task = response.astream_task
    if not task.done():
        response.quit_now.set()
        task.cancel()
        await asyncio.wait({task})
    await chunks.aclose()
