"""`SyncConnection`: one answer to a sync client's request, from the request to its release."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

from ndstream._core import Event, SSEDecoder
from ndstream._sources import open_source
from ndstream._sources.headers import header
from ndstream._sources.opened_source import Chunk, OpenedSyncSource, closer
from ndstream._streams.read_options import ReadOptions, close_unused
from ndstream._streams.sync_stream import Stream
from ndstream.serving._upstream_error import MAX_BODY, MAX_BODY_SECONDS, status_of

READ_OPTIONS = ReadOptions(drain=(64 * 1024, 0.1), idle_timeout=None, prefetch=0)


class SyncConnection:
    """What ``connect`` returned, entered if it is a context manager.

    Attributes:
        response: The response.
        status: Its status; None if it has none.
        headers: Its headers; None if it has none.
        stream: Its events, once it was opened.

    Raises:
        TypeError: It has to be awaited.
    """

    def __init__(self, returned: Any) -> None:
        self.stream: Stream[Event] | None = None
        if hasattr(returned, "__await__") or (hasattr(returned, "__aenter__") and not hasattr(returned, "__enter__")):
            # A coroutine that is dropped before it began says so in a warning.
            closer(returned)()
            raise TypeError("connect makes an async request: iterate with `async for`, or use a sync client in it")
        self.response = returned.__enter__() if hasattr(returned, "__enter__") else returned
        self._context = None if self.response is returned else returned

    # Asked for while the connection is looked at, and not before: whatever a client raises here, it is released.

    @property
    def status(self) -> int | None:
        return status_of(self.response)

    @property
    def headers(self) -> Any:
        return getattr(self.response, "headers", None)

    def open(self, decoder: SSEDecoder[Event], read_timeout: float | None) -> Stream[Event]:
        """Begin to read events.

        Raises:
            TypeError: The response is async, or nothing that bytes can be read from.
            ValueError: Its reads cannot be ended after a time.
        """
        opened = open_source(self.response)
        if not isinstance(opened, OpenedSyncSource):
            close_unused(opened)
            raise TypeError("connect gives an async response: iterate with `async for`, or use a sync client in it")
        if read_timeout is not None and not opened.in_memory:
            if opened.read_deadline is None:
                raise ValueError(
                    "read_timeout= cannot end the reads of this client: pass the timeout that the client itself has "
                    "for a single read"
                )
            opened = opened._replace(chunks=_reads_in_time(opened, read_timeout))
        self.stream = READ_OPTIONS.stream(opened, decoder)
        return self.stream

    def interrupt(self) -> None:
        """End a read that waits in another thread, if it can be."""
        if self.stream is not None:
            with suppress(Exception):
                self.stream.close()

    def release(self) -> None:
        # What a client has to say about a connection that is over helps nobody.
        self.interrupt()
        with suppress(Exception):
            if self._context is not None:
                self._context.__exit__(None, None, None)
            elif self.stream is None:
                closer(self.response)()

    def body(self) -> bytes:
        """The first bytes of an answer that is no stream, as far as they come soon."""
        body = b""
        with suppress(Exception):
            opened = open_source(self.response)
            if not isinstance(opened, OpenedSyncSource):
                return body
            # Without a deadline a read may wait for ever, unless the body has a length.
            has_end = opened.read_deadline is not None or header(self.headers, "content-length") != ""
            if has_end or opened.in_memory:
                with nullcontext() if opened.read_deadline is None else opened.read_deadline(MAX_BODY_SECONDS):
                    # Each read of a body that drips has that time anew.
                    given_up_at = time.monotonic() + MAX_BODY_SECONDS
                    while len(body) < MAX_BODY and time.monotonic() < given_up_at:
                        body += next(opened.chunks)
        return body[:MAX_BODY]


def _reads_in_time(opened: OpenedSyncSource, seconds: float) -> Iterator[Chunk]:
    """The chunks of a source, each of which has so many seconds to come."""
    assert opened.read_deadline is not None
    while True:
        with opened.read_deadline(seconds):
            chunk = next(opened.chunks, None)
        if chunk is None:
            return
        yield chunk
