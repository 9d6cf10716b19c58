"""Responses of HTTP clients and requests that servers take, each read by the call that gives bytes as they arrive.

Which library one comes from is told by what it offers; none is imported. Bodies come decompressed
where the library does that. A response that was read whole before gives its body once more; one that
was consumed or closed is refused, here or by its library's own error.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from ndstream._sources.opened_source import (
    CHUNK_SIZE,
    AsyncChunks,
    Chunk,
    SyncChunks,
    async_closer,
    closer,
    nothing_to_aclose,
    nothing_to_close,
    read_until_empty,
)
from ndstream._sources.read_deadlines import network_patience, socket_of_file, socket_patience

Opened = SyncChunks | AsyncChunks


def open_response(source: Any) -> Opened | None:
    """Find out how to read a response or request.

    Args:
        source: Whatever was handed over.

    Returns:
        Its chunks, or None where it is neither.

    Raises:
        TypeError: Its body was consumed before.
    """
    for offered, open_one in _KINDS:
        if all(hasattr(source, name) for name in offered):
            return open_one(source)
    return None


def _httpx(response: Any) -> Opened:
    """httpx and httpx2: one class for both, and it is the stream behind it that tells."""
    stream = response.stream
    if hasattr(stream, "__aiter__") and not hasattr(stream, "__iter__"):
        chunks = response.aiter_bytes()
        return AsyncChunks(chunks, async_closer(response, chunks), response.headers)
    bounded = interrupt = None
    extensions = getattr(response, "extensions", {})
    # A connection of HTTP/2 belongs to other responses as well.
    if extensions.get("http_version") in (b"HTTP/1.1", b"HTTP/1.0"):
        network = extensions.get("network_stream")
        bounded, interrupt = network_patience(network)
    return SyncChunks(response.iter_bytes(), response.close, response.headers, bounded, interrupt)


def _aiohttp(response: Any) -> Opened:
    content = response.content
    # Requests that a server of aiohttp takes have no close(): they are not ours to end.
    close = partial(_call, response.release) if hasattr(response, "close") else nothing_to_aclose
    if not content.at_eof():
        return AsyncChunks(content.iter_any(), close, response.headers)
    if content.total_bytes and getattr(response, "_body", None) is None:
        raise _consumed(response)
    return AsyncChunks(_Once(response.read), close, response.headers)


def _curl(response: Any) -> Opened:
    """curl_cffi: one class for both."""
    headers = response.headers
    if response.astream_task is not None:
        if response.astream_task.done() and response.queue.empty():
            raise _consumed(response)
        chunks = response.aiter_content()
        return AsyncChunks(chunks, partial(_end_transfer, response, chunks), headers)
    if response.stream_task is None:
        return SyncChunks(iter((response.content,)), nothing_to_close, headers)
    if response._stream_closed:
        # Its queue is empty, and would be waited for without end.
        raise _consumed(response)
    return SyncChunks(response.iter_content(), response.close, headers)


def _niquests(response: Any) -> Opened:
    """Both kinds iterate over what has arrived, without a size."""
    if hasattr(response, "__aiter__"):
        # Its own iteration holds back what a compressed body has brought, until that ends.
        raw: Any = response.raw
        kept = response._content_consumed or not hasattr(raw, "stream")
        if not kept and raw.closed and raw.tell():
            raise _consumed(response)
        chunks = response.__aiter__() if kept or raw.closed else raw.stream(CHUNK_SIZE, decode_content=True)
        return AsyncChunks(chunks, partial(_close_niquests, response, chunks), response.headers)
    bounded = interrupt = None
    # Later versions of HTTP share their connection with other responses.
    if getattr(response.raw, "version", None) in (10, 11):
        bounded, interrupt = socket_patience(lambda: getattr(response.raw.connection, "sock", None))
    return SyncChunks(response.iter_content(), response.close, response.headers, bounded, interrupt)


def _requests(response: Any) -> Opened:
    if getattr(response, "_content_consumed", False) or response.raw is None:
        # The body that was read before, or the library's own error where it was not kept.
        return SyncChunks(response.iter_content(CHUNK_SIZE), response.close, response.headers)
    # Its own iteration holds back what a body without length has brought, until that ends.
    if not hasattr(response.raw, "release_conn"):
        return SyncChunks(response.iter_content(CHUNK_SIZE), response.close, response.headers)
    opened = _urllib3(response.raw)
    return opened._replace(close=response.close, headers=response.headers)


def _urllib3(response: Any) -> SyncChunks:
    headers = response.headers
    bounded, interrupt = socket_patience(lambda: getattr(response.connection, "sock", None))
    interrupt = getattr(response, "shutdown", interrupt)
    # What it keeps was read to the end, also where its file does not close itself there.
    if response.closed or getattr(response, "_body", None) is not None:
        body = response.data
        kept = body or getattr(response, "_body", None) is not None
        if not kept and (response.tell() or response.length_remaining != 0):
            raise _consumed(response)
        return SyncChunks(iter((body or b"",)), response.close, headers)
    if response.chunked and response.supports_chunked_reads():
        # Each chunk of the server as it comes; read1 would look for the next one's size more than once.
        chunks = response.stream(CHUNK_SIZE, decode_content=True)
    elif hasattr(response, "read1"):
        chunks = read_until_empty(partial(response.read1, decode_content=True))
    else:
        # Version 1. Only single bytes come as they arrive where no length is known.
        chunks = response.stream(1 if response.length_remaining is None else CHUNK_SIZE, decode_content=True)
    return SyncChunks(chunks, response.close, headers, bounded, interrupt)


def _http_client(response: Any) -> Opened:
    if response.isclosed():
        raise _consumed(response)
    bounded, interrupt = socket_patience(lambda: socket_of_file(response.fp))
    chunks = chain(read_until_empty(response.read1), _missing(response))
    return SyncChunks(chunks, response.close, response.headers, bounded, interrupt)


def _missing(response: Any) -> Iterator[Chunk]:
    """No chunks, but the error that it keeps to itself: fewer bytes came than its Content-Length says."""
    if response.length:
        from http.client import IncompleteRead

        raise IncompleteRead(b"", response.length)
    yield from ()


def _starlette(request: Any) -> Opened:
    # The request is its server's to end.
    chunks = request.stream()
    return AsyncChunks(chunks, async_closer(chunks), request.headers)


def _django(request: Any) -> Opened:
    return SyncChunks(read_until_empty(request.read), nothing_to_close, request.headers)


def _werkzeug(request: Any) -> Opened:
    return SyncChunks(read_until_empty(request.stream.read), nothing_to_close, request.headers)


def _tornado(response: Any) -> Opened:
    """What ``fetch`` gives once the body is there."""
    return SyncChunks(iter((response.body or b"",)), nothing_to_close, response.headers)


def _raw_stream(response: Any) -> Opened:
    """A response that holds its body as a stream to iterate over, as httpcore's do."""
    chunks = response.stream
    if hasattr(chunks, "__aiter__") and not hasattr(chunks, "__iter__"):
        return AsyncChunks(chunks.__aiter__(), async_closer(response), response.headers)
    return SyncChunks(iter(chunks), closer(response), response.headers)


def _by_method(response: Any) -> Opened:
    """Wrappers of responses that show the bytes by one method, sync or async."""
    chunks = response.iter_bytes()
    headers = getattr(response, "headers", None)
    if hasattr(chunks, "__aiter__"):
        close = getattr(response, "aclose", None) or getattr(response, "close", None)
        closes = partial(_call, close) if close else nothing_to_aclose
        return AsyncChunks(chunks, closes, headers)
    return SyncChunks(iter(chunks), closer(response), headers)


_KINDS: tuple[tuple[tuple[str, ...], Callable[[Any], Opened]], ...] = (
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
"""From what an object offers to how it is read; the first that fits counts. The names are looked for in
order, with the tell-tale one first: to ask some responses for their ``content`` is to read it."""


class _Once:
    """One chunk that is awaited."""

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
    """Call what may or may not have to be awaited."""
    result = close()
    if hasattr(result, "__await__"):
        await result


async def _close_niquests(response: Any, chunks: Any) -> None:
    try:
        await _call(response.close)
    finally:
        await chunks.aclose()


async def _end_transfer(response: Any, chunks: Any) -> None:
    """Its own way to close waits for all that the server will ever send."""
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
