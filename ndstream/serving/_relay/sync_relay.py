"""`Relay`: the body of a response whose upstream is read by calling.

It owns its upstream and releases it once: at the end, after an error, by `close`, by leaving ``with``, or when nobody
refers to it any more.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TypeVar

from ndstream._sources.drain import DEFAULT_DRAIN, can_drain, drain
from ndstream._sources.opened_source import Chunk, OpenedSyncSource
from ndstream._sources.prefetch import read_ahead
from ndstream.serving._converters.converter import Converter
from ndstream.serving._converters.reply_reader import ReplyReader
from ndstream.serving._relay.relay_state import RelayState
from ndstream.serving._relay.upstream import Upstream
from ndstream.serving._seconds import check_seconds
from ndstream.serving._targets.outcome import Failure
from ndstream.serving._upstream_error import MAX_BODY_SECONDS

RelayT = TypeVar("RelayT", bound="Relay")


class Relay(RelayState):
    """An iterator of bytes, each of them whole frames.

    It is made by `relay`. Servers of WSGI notice that a client has left when they write, and so do heartbeats for a
    silent upstream: they are written if the source is a connection whose reads can be interrupted, which are then done
    by a thread. Servers of asyncio run the relay in a thread: an async upstream is the better one for these.

    Raises:
        Exception: From ``next``, if the format has no words for an error (`Failure`), so that the transfer breaks off.

    Example:
        >>> import ndstream
        >>> list(ndstream.relay([b'{"a":1}\\n{"a', b'":2}\\n'], to="sse"))
        [b'data: {"a":1}\\n\\n', b'data: {"a":2}\\n\\n']
    """

    def __init__(
        self, upstream: Upstream, converter: Converter, usage_reader: ReplyReader | None, heartbeat: float | None
    ) -> None:
        opened = upstream.opened
        assert isinstance(opened, OpenedSyncSource)
        self._opened = opened
        self._closed = False
        super().__init__(upstream, converter, usage_reader)
        self._source_ended = False
        self._heartbeat: float | None = None
        # Until when `open` waits for the first frame.
        self._open_until: float | None = None
        # Since when the body of a refusal is read.
        self._refused_at: float | None = None
        if heartbeat is not None and opened.interrupt is not None and converter.has_heartbeat:
            self._heartbeat = heartbeat
            read = read_ahead(opened, 1)
            assert isinstance(read, OpenedSyncSource)
            self._opened = read

    @property
    def closed(self) -> bool:
        """Whether the upstream has been released."""
        return self._closed

    def __iter__(self: RelayT) -> RelayT:
        return self

    def __next__(self) -> bytes:
        try:
            message = self._ready
            if message:
                self._ready = b""
            while not message:
                if self._over or self._closed:
                    self._end()
                    raise StopIteration
                message = self._step()
        except BaseException:
            self.close()
            raise
        return message

    def open(self: RelayT, limit: float | None = None) -> RelayT:
        """Read the first frame before the response starts, so that an upstream that has none can still be told as one.

        Args:
            limit: How many seconds to wait for it; None for no limit. After that the response may start. It has an
                effect if there are heartbeats.

        Returns:
            The relay.

        Raises:
            UpstreamError: The upstream's status is no success, or it sent an error in the place of a stream.
            StreamError: The upstream ended or failed before its first frame was whole.
            TypeError: `limit` is no number.
            ValueError: `limit` is not more than 0, or not finite.
        """
        check_seconds("limit", limit)
        self._open_until = None if limit is None else time.monotonic() + limit
        try:
            while not (self._converter.started or self._over or self._closed):
                self._ready += self._step()
                if self._open_until is not None and time.monotonic() >= self._open_until:
                    break
            self._raise_opening_error()
        except BaseException:
            self.close()
            raise
        self._open_until = None
        return self

    def close(self) -> None:
        """Release the upstream. Closing twice is harmless."""
        if not self._closed:
            self._closed = True
            # No `suppress`: where there is no memory to make one, the upstream would stay open.
            try:  # noqa: SIM105
                self._opened.close()
            except Exception:
                # The stream has its end already, and a body has nobody to tell what went wrong after it.
                pass

    def __enter__(self: RelayT) -> RelayT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()

    def abort(self) -> None:
        """Stop the reply, as its user asks for: the message after the next chunk is the last."""
        self._stopping = True

    def end_with(self, failure: Failure) -> None:
        """End the stream with this failure in the format's own words, once the upstream has said something more."""
        if not self._stopping:
            self._stopping, self._stop = True, failure

    def _step(self) -> bytes:
        """What the next chunk brings."""
        if self._stopping:
            return self._take_stop()
        if self._pieces:
            return self._convert(self._pieces.popleft())
        try:
            seconds = self._seconds_to_wait()
            chunk = next(self._opened.chunks) if seconds is None else self._next_in_time(seconds)
        except _Silence:
            if self._stopping or self._refusing:
                return self._take_stop() if self._stopping else self._take_end()
            return self._converter.heartbeat
        except StopIteration:
            self._source_ended = True
            return self._take_end()
        except Exception as error:
            self._source_ended = True
            return self._take_failure(error)
        return self._take_stop() if self._stopping else self._take(chunk)

    def _seconds_to_wait(self) -> float | None:
        """How long to wait for the next chunk; None for as long as it takes.

        Raises:
            _Silence: No longer.
        """
        if not self._refusing:
            if self._heartbeat is None or self._open_until is None:
                return self._heartbeat
            return min(self._heartbeat, max(self._open_until - time.monotonic(), 0.001))
        # The body of a refusal may drip, or never come.
        now = time.monotonic()
        if self._refused_at is None:
            self._refused_at = now
        left = self._refused_at + MAX_BODY_SECONDS - now
        if left <= 0:
            raise _Silence
        return None if self._heartbeat is None else left

    def _next_in_time(self, seconds: float) -> Chunk:
        assert self._opened.read_deadline is not None
        begun = time.monotonic()
        try:
            with self._opened.read_deadline(seconds):
                return next(self._opened.chunks)
        except TimeoutError:
            # The source may have a timeout of its own, which comes again if it is asked again.
            if time.monotonic() - begun < seconds:
                raise
        raise _Silence

    def _end(self) -> None:
        failed = self._converter.failure is not None
        if not (failed or self._source_ended or self._closed) and can_drain(self._opened):
            drain(self._opened, *DEFAULT_DRAIN)
        closed = self._closed
        self.close()
        if not closed:
            self._raise_broken()


class _Silence(Exception):
    """A heartbeat is due."""
