"""`SyncEvents`: the events of one connection after another, for code that calls.

One thread reads. Any thread may close, and so may a signal handler of the reading one. Whoever closes marks the end
first and then looks for a connection; the reader keeps a new connection first and then looks for the end. So one of
them sees the other, and each connection is released.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from ndstream._core import Event
from ndstream._errors import TruncatedError
from ndstream._sources.opened_source import closer
from ndstream.serving._event_source.attempts import Attempts
from ndstream.serving._event_source.reconnection import Reconnection
from ndstream.serving._event_source.settings import Settings
from ndstream.serving._event_source.sync_connection import SyncConnection


class SyncEvents(Attempts[SyncConnection]):
    """An iterator over the events."""

    def __init__(self, settings: Settings, reconnection: Reconnection) -> None:
        super().__init__(settings, reconnection)
        self._reading = threading.Lock()

    def next(self) -> Event:
        """The next event.

        Raises:
            StopIteration: There are no more.
        """
        if not self._reading.acquire(blocking=False):
            raise RuntimeError("the event source is running already: two threads cannot iterate over it at once")
        try:
            while not self._reconnection.closed:
                event = self._read() if self._connection is not None or self._connect() else None
                if event is not None:
                    return event
        finally:
            self._reading.release()
            if self._reconnection.closed:
                self._release_unless_reading()
        raise StopIteration

    def close(self) -> None:
        """Release the connection, and end what waits in another thread. The source is marked as closed already."""
        try:
            self._settings.clock.wake()
        finally:
            connection = self._connection
            if connection is not None and self._reading.locked():
                connection.interrupt()
            self._release_unless_reading()

    def _release_unless_reading(self) -> None:
        if self._reading.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._reading.release()

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.release()
        self._reconnection.note_dropped()

    def _read(self) -> Event | None:
        """The next event of the open connection; None if it is over."""
        reconnection, clock = self._reconnection, self._settings.clock
        connection = self._connection
        assert connection is not None
        assert connection.stream is not None
        error: TruncatedError | None = None
        began = clock.now()
        try:
            for event in connection.stream:
                if not self._resent.is_resent(event):
                    reconnection.note_event(event)
                    return event
        except TruncatedError as raised:
            error = raised
        finally:
            reconnection.note_waited(clock.now() - began)
        try:
            reconnection.note_end(error)
        finally:
            self._release()
        return None

    def _connect(self) -> bool:
        """Make the next attempt once it is due. Returns whether a stream is open."""
        reconnection = self._reconnection
        self._settings.clock.wait(reconnection.seconds_left)
        if reconnection.closed or reconnection.seconds_left > 0:
            return False
        reconnection.note_connecting()
        try:
            connection = SyncConnection(self._settings.request(reconnection))
        except Exception as error:
            with suppress(Exception):
                closer(getattr(error, "response", error))()
            self._request_failed(error)
            return False
        try:
            if self._begin(connection):
                self._refuse(connection, connection.body())
        except Exception as error:
            reconnection.note_refused(error)
            raise
        finally:
            if self._connection is None:
                connection.release()
        return self._connection is not None
