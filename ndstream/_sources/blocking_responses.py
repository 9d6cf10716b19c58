"""Responses of the standard library's http.client, of urllib3 on top of it, and of requests on top of that.

urllib.request gives those of http.client. vcrpy's doubles are both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from ndstream._sources.opened_source import (
    CHUNK_SIZE,
    Chunk,
    OpenedSyncSource,
    consumed_error,
    nothing_to_close,
    read_until_empty,
)
from ndstream._sources.read_deadlines import in_this_process, socket_controls, socket_of_file


def open_requests(response: Any) -> OpenedSyncSource:
    """A response of requests."""
    body = getattr(response, "_content", None)
    if isinstance(body, bytes):
        # It was read before, or a test has put it there and there is nothing to close.
        close = nothing_to_close if response.raw is None else response.close
        return OpenedSyncSource(iter((body,)), close, response.headers)
    if body is False and response.raw is None:
        raise TypeError(
            "this requests response has no body: set its raw to a binary file, such as io.BytesIO(b'...'), or pass "
            "the bytes themselves"
        )
    # Its own iteration holds back the bytes of a body without length until that ends. But it is needed for a
    # raw response that is not urllib3's, and has the library's own error for a body that was consumed.
    if getattr(response, "_content_consumed", False) or not hasattr(response.raw, "release_conn"):
        return OpenedSyncSource(response.iter_content(CHUNK_SIZE), response.close, response.headers)
    opened = open_urllib3(response.raw)
    return opened._replace(chunks=_Chunks(opened.chunks, response), close=response.close, headers=response.headers)


def open_urllib3(response: Any) -> OpenedSyncSource:
    """A response of urllib3."""
    headers = response.headers
    read_deadline, interrupt = socket_controls(lambda: getattr(getattr(response, "connection", None), "sock", None))
    if hasattr(response, "shutdown"):
        interrupt = in_this_process(response.shutdown)
    # A body that it keeps was read to the end, even if its file did not close itself there.
    if response.closed or getattr(response, "_body", None) is not None:
        body = response.data
        kept = body or getattr(response, "_body", None) is not None
        if not kept and (response.tell() or response.length_remaining != 0):
            raise consumed_error(response)
        return OpenedSyncSource(iter((body or b"",)), response.close, headers)
    chunked = getattr(response, "chunked", None)
    if chunked is not None and hasattr(response, "read1"):
        # What has arrived, decompressed. Its `stream` waits until a whole chunk of the server has come.
        chunks: Iterator[Chunk] = _Chunks(read_until_empty(partial(response.read1, decode_content=True)), response)
    else:
        # Version 1, or a double. Without a known length, only reads of single bytes return what has arrived.
        size = CHUNK_SIZE if chunked or response.length_remaining is not None else 1
        chunks = response.stream(size, decode_content=True)
    return OpenedSyncSource(chunks, response.close, headers, read_deadline, interrupt)


def open_http_client(response: Any) -> OpenedSyncSource:
    """A response of http.client."""
    if response.isclosed():
        raise consumed_error(response)
    read_deadline, interrupt = socket_controls(lambda: socket_of_file(response.fp))
    chunks = _Chunks(chain(read_until_empty(response.read1), _raise_if_incomplete(response)), response)
    return OpenedSyncSource(chunks, response.close, response.headers, read_deadline, interrupt)


def _raise_if_incomplete(response: Any) -> Iterator[Chunk]:
    """No chunks, but the error that http.client leaves out: fewer bytes came than the Content-Length says."""
    if response.length:
        from http.client import IncompleteRead

        raise IncompleteRead(b"", response.length)
    yield from ()


class _Chunks:
    """The chunks of a library that reads them in Python code.

    An interrupt in there may drop bytes that it had in hand, so that nothing comes after one. What requests makes of
    the errors of urllib3 is made here too.
    """

    def __init__(self, chunks: Iterator[Chunk], response: Any) -> None:
        self._chunks = chunks
        self._response = response

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        try:
            # A loop, since a signal handler could run after a call of `next`, when the chunk would be lost.
            for chunk in self._chunks:
                return chunk
        except Exception as error:
            own = _own_error(self._response, error)
            if own is None:
                raise
            raise own from error
        except BaseException:
            self._chunks = iter(())
            raise
        raise StopIteration


_OWN_ERRORS = {
    "ProtocolError": "ChunkedEncodingError",
    "DecodeError": "ContentDecodingError",
    "ReadTimeoutError": "ConnectionError",
    "SSLError": "SSLError",
}


def _own_error(response: Any, error: Exception) -> Exception | None:
    """The error of requests for one of urllib3, None if it passes that on as it is."""
    if error.args and isinstance(error.args[0], Exception):
        # `read1` wraps a timeout once more.
        error = error.args[0]
    for kind in type(error).__mro__:
        if kind.__module__.startswith("urllib3.") and kind.__name__ in _OWN_ERRORS:
            # The response may be of a subclass, and the library inside another package.
            for base in type(response).__mro__:
                exceptions = sys.modules.get(base.__module__.rpartition(".")[0] + ".exceptions")
                own: Callable[..., Exception] | None = getattr(exceptions, _OWN_ERRORS[kind.__name__], None)
                if own is not None:
                    return own(error)
    return None
