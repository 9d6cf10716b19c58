"""Responses of HTTP clients and requests that servers take, each read by the call that gives bytes as they arrive.

A library's responses are recognised by the attributes that they offer; no library is imported. Bodies come
decompressed if the library does that. A response that was read whole before gives its body once more; one
that was consumed or closed is refused, here or by its library's own error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from ndstream._sources.opened_source import (
    CHUNK_SIZE,
    Chunk,
    OpenedAsyncSource,
    OpenedSource,
    OpenedSyncSource,
    async_closer,
    closer,
    nothing_to_aclose,
    nothing_to_close,
    read_until_empty,
)
from ndstream._sources.read_deadlines import in_this_process, network_stream_controls, socket_controls, socket_of_file


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
    """httpx and httpx2: one class for sync and async; its inner stream says which."""
    stream = response.stream
    if hasattr(stream, "__aiter__") and not hasattr(stream, "__iter__"):
        chunks = response.aiter_bytes()
        return OpenedAsyncSource(chunks, async_closer(response, chunks), response.headers)
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
    close = partial(_call, response.release) if hasattr(response, "close") else nothing_to_aclose
    if not content.at_eof():
        return OpenedAsyncSource(content.iter_any(), close, response.headers)
    if content.total_bytes and getattr(response, "_body", None) is None:
        raise _consumed(response)
    return OpenedAsyncSource(_OneChunk(response.read), close, response.headers)


def _curl(response: Any) -> OpenedSource:
    """curl_cffi: one class for sync and async; which task runs says which."""
    headers = response.headers
    if response.astream_task is not None:
        if response.astream_task.done() and response.queue.empty():
            raise _consumed(response)
        chunks = response.aiter_content()
        return OpenedAsyncSource(chunks, partial(_close_curl, response, chunks), headers)
    if response.stream_task is None:
        return OpenedSyncSource(iter((response.content,)), nothing_to_close, headers)
    if response._stream_closed:
        # Its queue is empty and will stay so: reading would wait for ever.
        raise _consumed(response)
    return OpenedSyncSource(response.iter_content(), response.close, headers)


def _niquests(response: Any) -> OpenedSource:
    """niquests, sync and async: iterating without a size gives what has arrived."""
    if hasattr(response, "__aiter__"):
        # Its own iteration holds back the bytes of a compressed body until that ends.
        raw: Any = response.raw
        kept = response._content_consumed or not hasattr(raw, "stream")
        if not kept and raw.closed and raw.tell():
            raise _consumed(response)
        chunks = response.__aiter__() if kept or raw.closed else raw.stream(CHUNK_SIZE, decode_content=True)
        return OpenedAsyncSource(chunks, partial(_close_niquests, response, chunks), response.headers)
    read_deadline = interrupt = None
    # HTTP/2 and HTTP/3 connections are shared with other responses.
    if getattr(response.raw, "version", None) in (10, 11):
        read_deadline, interrupt = socket_controls(lambda: getattr(response.raw.connection, "sock", None))
    return OpenedSyncSource(response.iter_content(), response.close, response.headers, read_deadline, interrupt)


def _requests(response: Any) -> OpenedSource:
    if getattr(response, "_content_consumed", False) or response.raw is None:
        # This gives the body that was read before, or the library's own error if it was not kept.
        return OpenedSyncSource(response.iter_content(CHUNK_SIZE), response.close, response.headers)
    # Its own iteration holds back the bytes of a body without length until that ends.
    if not hasattr(response.raw, "release_conn"):
        return OpenedSyncSource(response.iter_content(CHUNK_SIZE), response.close, response.headers)
    opened = _urllib3(response.raw)
    return opened._replace(close=response.close, headers=response.headers)


def _urllib3(response: Any) -> OpenedSyncSource:
    headers = response.headers
    read_deadline, interrupt = socket_controls(lambda: getattr(response.connection, "sock", None))
    if hasattr(response, "shutdown"):
        interrupt = in_this_process(response.shutdown)
    # A body that it keeps was read to the end, even if its file did not close itself there.
    if response.closed or getattr(response, "_body", None) is not None:
        body = response.data
        kept = body or getattr(response, "_body", None) is not None
        if not kept and (response.tell() or response.length_remaining != 0):
            raise _consumed(response)
        return OpenedSyncSource(iter((body or b"",)), response.close, headers)
    if response.chunked and response.supports_chunked_reads():
        # Each chunk of the server as it comes; read1 would look for the size of the next one more than once.
        chunks = response.stream(CHUNK_SIZE, decode_content=True)
    elif hasattr(response, "read1"):
        chunks = read_until_empty(partial(response.read1, decode_content=True))
    else:
        # Version 1. Without a known length, only reads of single bytes return what has arrived.
        chunks = response.stream(1 if response.length_remaining is None else CHUNK_SIZE, decode_content=True)
    return OpenedSyncSource(chunks, response.close, headers, read_deadline, interrupt)


def _http_client(response: Any) -> OpenedSource:
    if response.isclosed():
        raise _consumed(response)
    read_deadline, interrupt = socket_controls(lambda: socket_of_file(response.fp))
    chunks = chain(read_until_empty(response.read1), _raise_if_incomplete(response))
    return OpenedSyncSource(chunks, response.close, response.headers, read_deadline, interrupt)


def _raise_if_incomplete(response: Any) -> Iterator[Chunk]:
    """No chunks, but the error that http.client leaves out: fewer bytes came than the Content-Length says."""
    if response.length:
        from http.client import IncompleteRead

        raise IncompleteRead(b"", response.length)
    yield from ()


def _starlette(request: Any) -> OpenedSource:
    # The server ends the request itself.
    chunks = request.stream()
    return OpenedAsyncSource(chunks, async_closer(chunks), request.headers)


def _django(request: Any) -> OpenedSource:
    return OpenedSyncSource(read_until_empty(request.read), nothing_to_close, request.headers)


def _werkzeug(request: Any) -> OpenedSource:
    return OpenedSyncSource(read_until_empty(request.stream.read), nothing_to_close, request.headers)


def _tornado(response: Any) -> OpenedSource:
    """The response of tornado's ``fetch``, which holds the whole body."""
    return OpenedSyncSource(iter((response.body or b"",)), nothing_to_close, response.headers)


def _raw_stream(response: Any) -> OpenedSource:
    """A response that holds its body as a stream to iterate over, as httpcore's do."""
    chunks = response.stream
    if hasattr(chunks, "__aiter__") and not hasattr(chunks, "__iter__"):
        return OpenedAsyncSource(chunks.__aiter__(), async_closer(response), response.headers)
    return OpenedSyncSource(iter(chunks), closer(response), response.headers)


def _by_method(response: Any) -> OpenedSource:
    """Wrappers of responses with an ``iter_bytes`` that is sync or async."""
    chunks = response.iter_bytes()
    headers = getattr(response, "headers", None)
    if hasattr(chunks, "__aiter__"):
        close = getattr(response, "aclose", None) or getattr(response, "close", None)
        closes = partial(_call, close) if close else nothing_to_aclose
        return OpenedAsyncSource(chunks, closes, headers)
    return OpenedSyncSource(iter(chunks), closer(response), headers)


_KINDS: tuple[tuple[tuple[str, ...], Callable[[Any], OpenedSource]], ...] = (
    (("iter_bytes", "aiter_bytes", "stream"), _httpx),
    (("release", "read", "headers", "content"), _aiohttp),
    (("iter_content", "aiter_content", "astream_task"), _curl),
    (("iter_content", "iter_raw", "raw"), _niquests),
    (("iter_content", "raw"), _requests),
    (("stream", "release_conn", "headers"), _urllib3),
    (("read1", "isclosed", "headers"), _http_client),
    (("stream", "receive", "headers"), _starlette),
    (("META", "read", "headers"), _django),
    (("input_stream", "stream", "headers"), _werkzeug),
    (("body", "buffer", "headers", "effective_url"), _tornado),
    (("iter_stream", "aiter_stream", "stream"), _raw_stream),
    (("iter_bytes",), _by_method),
)
"""The attributes that an object must offer, and how it is then opened; the first row that fits counts. In a row
the most telling name comes first, since asking some responses for their ``content`` reads the body."""


class _OneChunk:
    """A body that is awaited as one chunk."""

    def __init__(self, read: Callable[[], Awaitable[Chunk]]) -> None:
        self._read: Callable[[], Awaitable[Chunk]] | None = read

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        read, self._read = self._read, None
        if read is None:
            raise StopAsyncIteration
        return await read()


async def _call(close: Callable[[], Any]) -> None:
    """Call a function, and await its result if that is needed."""
    result = close()
    if hasattr(result, "__await__"):
        await result


async def _close_niquests(response: Any, chunks: Any) -> None:
    try:
        await _call(response.close)
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


def _consumed(response: object) -> TypeError:
    return TypeError(
        f"this {type(response).__name__} was read or closed already and has no bytes left: hand it over before "
        "anything reads it (where the client takes stream=True, pass that), or pass the bytes that were read"
    )
