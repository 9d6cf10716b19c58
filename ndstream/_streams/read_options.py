"""`ReadOptions`: from a source and the options of reading it to a stream."""

from __future__ import annotations

from functools import partial
from typing import Any

from ndstream._core import Decoder, FirstBytes
from ndstream._sources import open_source
from ndstream._sources.drain import can_drain, drain, drain_async
from ndstream._sources.event_loops import release_in_event_loop
from ndstream._sources.opened_source import OpenedSource, OpenedSyncSource
from ndstream._streams.async_stream import AsyncStream
from ndstream._streams.in_memory_stream import InMemoryStream
from ndstream._streams.sync_stream import Stream

_MAX_SECONDS = 100 * 365 * 86400
"""Clocks fail of waits that are longer than some centuries."""
_READ_TIMEOUTS = {
    "aiohttp": "ClientTimeout(sock_read=...)",
    "curl_cffi": "timeout=...",
    "http": "HTTPConnection(..., timeout=...)",
    "httpx": "timeout=httpx.Timeout(10, read=...)",
    "httpx2": "timeout=httpx2.Timeout(10, read=...)",
    "niquests": "timeout=(10, ...)",
    "requests": "timeout=(10, ...)",
    "socket": "settimeout(...)",
    "urllib3": "timeout=urllib3.Timeout(connect=10, read=...)",
}


class ReadOptions:
    """The options that say how a source is read, whatever its framing, once they are known to be good.

    Raises:
        TypeError: An option is of the wrong type.
        ValueError: An option has none of its values.
    """

    def __init__(self, drain: tuple[int, float] | None, idle_timeout: float | None, prefetch: int) -> None:
        if drain is not None:
            if not isinstance(drain, tuple) or len(drain) != 2 or not all(map(_is_number, drain)):
                raise TypeError(f"drain must be (bytes, seconds), or None to close at once, not {drain!r}")
            if not all(number >= 0 for number in drain):
                raise ValueError(
                    f"drain must be (bytes, seconds) of at least 0, or None to close at once, not {drain!r}"
                )
            drain = drain[0], min(drain[1], _MAX_SECONDS)
        if idle_timeout is not None:
            if not _is_number(idle_timeout):
                raise TypeError(f"idle_timeout must be a number of seconds or None, not {idle_timeout!r}")
            if not idle_timeout > 0:
                raise ValueError(f"idle_timeout must be more than 0 seconds, or None for none, not {idle_timeout!r}")
            idle_timeout = min(idle_timeout, _MAX_SECONDS)
        if isinstance(prefetch, bool) or not isinstance(prefetch, int):
            raise TypeError(f"prefetch must be a number of chunks, not {prefetch!r}")
        if prefetch < 0:
            raise ValueError(f"prefetch must be a number of chunks, 0 for none, not {prefetch}")
        self.drain = drain
        self.idle_timeout = idle_timeout
        self.prefetch = prefetch

    def open(self, source: Any) -> OpenedSource:
        """Open a source as `open_source` does.

        Raises:
            ValueError: Its reads cannot be given up after a time.
        """
        opened = open_source(source)
        if isinstance(opened, OpenedSyncSource) and opened.in_memory:
            # There is nothing to wait for, and nothing to read ahead.
            return opened
        if self.idle_timeout is not None and isinstance(opened, OpenedSyncSource):
            opened.close()
            raise ValueError(_no_idle_timeout(source))
        if not self.prefetch:
            return opened
        from ndstream._sources.prefetch import read_ahead

        return read_ahead(opened, self.prefetch)

    def stream(
        self,
        opened: OpenedSource,
        decoder: Decoder[Any] | None,
        first_bytes: FirstBytes | None = None,
    ) -> Any:
        """Make the stream of an opened source."""
        limits = self.drain if self.drain is not None and can_drain(opened) else None
        if isinstance(opened, OpenedSyncSource):
            kind = InMemoryStream if opened.in_memory else Stream
            return kind(opened, decoder, first_bytes, limits and partial(drain, opened, *limits))
        draining = limits and partial(drain_async, opened, *limits)
        return AsyncStream(opened, decoder, first_bytes, draining, self.idle_timeout)


def close_unused(opened: OpenedSource) -> None:
    """Release a source that no stream is made of."""
    if isinstance(opened, OpenedSyncSource):
        opened.close()
    else:
        release_in_event_loop(opened.close)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _no_idle_timeout(source: Any) -> str:
    own = _READ_TIMEOUTS.get(type(source).__module__.partition(".")[0], "its read timeout")
    return (
        "idle_timeout= is for async sources: a read that blocks cannot be given up from outside; pass what the client "
        f"has for that: {own}"
    )
