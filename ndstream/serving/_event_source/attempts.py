"""`Attempts`: what becomes of an attempt to connect, whether its answer was awaited or not."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from ndstream._core import Event, SSEDecoder
from ndstream.serving._event_source.answers import Meaning, is_temporary, may_pass, meaning_of, refusal
from ndstream.serving._event_source.reconnection import Reconnection
from ndstream.serving._event_source.settings import ResentFilter, Settings


class Connection(Protocol):
    """An answer to a request."""

    @property
    def status(self) -> int | None: ...
    @property
    def headers(self) -> Any: ...
    def open(self, decoder: SSEDecoder[Event], read_timeout: float | None, /) -> Any: ...


ConnectionT = TypeVar("ConnectionT", bound=Connection)


class Attempts(Generic[ConnectionT]):
    """One connection after another, each looked at before it is read."""

    def __init__(self, settings: Settings, reconnection: Reconnection) -> None:
        self._settings = settings
        self._reconnection = reconnection
        self._connection: ConnectionT | None = None
        self._resent = ResentFilter("")

    def _request_failed(self, error: Exception) -> None:
        """Plan another attempt after an error that may pass, and raise any other."""
        if not may_pass(error):
            self._reconnection.note_refused(error)
            raise error
        self._reconnection.note_end(error)

    def _begin(self, connection: ConnectionT) -> bool:
        """Begin to read an answer, if it is a stream. Returns whether it is a refusal."""
        settings, reconnection = self._settings, self._reconnection
        if reconnection.closed:
            return False
        meaning = meaning_of(connection.status, connection.headers, settings.any_content_type)
        if meaning is Meaning.OPEN:
            decoder = settings.decoder(reconnection.last_event_id)
            connection.open(decoder, settings.read_timeout)
            self._resent = settings.resent_filter(reconnection.last_event_id)
            self._connection = connection
            reconnection.note_open(decoder)
        elif meaning is Meaning.END:
            reconnection.close()
        return meaning is Meaning.REFUSED

    def _refuse(self, connection: ConnectionT, body: bytes) -> None:
        """Plan another attempt after a refusal that may pass, and raise any other."""
        error = refusal(connection.status, connection.headers, body)
        if not is_temporary(error.status):
            raise error
        self._reconnection.note_end(error)
