"""`AsyncEvents`: the events of one connection after another, for code that awaits.

All that waits, for an answer, for bytes or for the next attempt, waits in a scope that `close` cancels.
"""

from __future__ import annotations

from contextlib import suppress

from ndstream._core import Event
from ndstream._errors import TruncatedError
from ndstream._sources.opened_source import any_closer
from ndstream.serving._event_source.async_connection import AsyncConnection
from ndstream.serving._event_source.attempts import Attempts
from ndstream.serving._event_source.event_loop import EventLoop, Scope, running_event_loop
from ndstream.serving._event_source.reconnection import Reconnection
from ndstream.serving._event_source.settings import Settings


class AsyncEvents(Attempts[AsyncConnection]):
    """An async iterator over the events."""

    def __init__(self, settings: Settings, reconnection: Reconnection) -> None:
        super().__init__(settings, reconnection)
        self._loop: EventLoop | None = None
        self._scope: Scope | None = None
        self._running = False

    async def next(self) -> Event:
        """The next event.

        Raises:
            StopAsyncIteration: There are no more.
        """
        if self._running:
            raise RuntimeError("the event source is running already: two tasks cannot iterate over it at once")
        self._running = True
        if self._loop is None:
            self._loop = running_event_loop()
        try:
            with self._loop.scope() as self._scope:
                while not self._reconnection.closed:
                    event = await self._read() if self._connection is not None or await self._connect() else None
                    if event is not None:
                        return event
        finally:
            self._running = False
            self._scope = None
            if self._reconnection.closed:
                await self._release()
        raise StopAsyncIteration

    def close(self) -> None:
        """Cancel what waits, or release the connection, from any thread. The source is marked as closed already."""
        if self._loop is not None:
            self._loop.call(self._close_in_loop)

    def _close_in_loop(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
        elif self._connection is not None and self._loop is not None:
            self._loop.spawn(self._release)

    async def aclose(self) -> None:
        """Cancel what waits, or release the connection, from a task."""
        if not self._running:
            await self._release()
        else:
            self.close()

    async def _release(self) -> None:
        connection, self._connection = self._connection, None
        try:
            self._reconnection.note_dropped()
        finally:
            if connection is not None:
                await connection.release()

    async def _read(self) -> Event | None:
        """The next event of the open connection; None if it is over."""
        reconnection, clock = self._reconnection, self._settings.clock
        connection = self._connection
        assert connection is not None
        assert connection.stream is not None
        error: TruncatedError | None = None
        began = clock.now()
        try:
            async for event in connection.stream:
                if not self._resent.is_resent(event):
                    reconnection.note_event(event)
                    return event
        except TruncatedError as raised:
            error = raised
        except Exception:
            raise
        except BaseException:
            # A read that was cancelled cannot go on; the next step makes a new connection.
            await self._release()
            raise
        finally:
            reconnection.note_waited(clock.now() - began)
        try:
            reconnection.note_end(error)
        finally:
            await self._release()
        return None

    async def _connect(self) -> bool:
        """Make the next attempt once it is due. Returns whether a stream is open."""
        reconnection = self._reconnection
        if reconnection.seconds_left > 0:
            await self._settings.clock.sleep(reconnection.seconds_left)
        if reconnection.closed or reconnection.seconds_left > 0:
            return False
        reconnection.note_connecting()
        try:
            connection = await AsyncConnection.of(self._settings.request(reconnection))
        except Exception as error:
            with suppress(Exception):
                await any_closer(getattr(error, "response", error))()
            self._request_failed(error)
            return False
        try:
            if self._begin(connection):
                self._refuse(connection, await connection.body())
        except Exception as error:
            reconnection.note_refused(error)
            raise
        finally:
            if self._connection is None:
                await connection.release()
        return self._connection is not None
