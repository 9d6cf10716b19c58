"""ndstream's decoder in the shape that the openai and anthropic clients give theirs.

Both clients ask their ``_make_sse_decoder`` for an object with ``iter_bytes`` and ``aiter_bytes``, and read
``event``, ``data`` and ``json()`` of what that yields. Give them this one in a subclass, which their own
``with_options`` and ``copy`` then keep:

    class OpenAI(openai.OpenAI):
        def _make_sse_decoder(self):
            return ClientDecoder()

Where the standard leaves no choice (WHATWG HTML, section 9.2), events are dispatched as it says; a stream
that ends inside an event raises, where the clients' own decoders end without a word. What the transport
raises passes as it is, since the clients turn it into errors of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from orjson import loads as orjson_loads

from ndstream._core import DEFAULT_MAX_FRAME_SIZE, Event, SSEDecoder
from ndstream._errors import TruncatedError

_DONE = b"[DONE]"


class ClientEvent:
    """An `Event` as the clients know theirs: what a block did not say is None.

    Attributes:
        event: The event's type, None if the block named none.
        data: The data.
        id: The last event id, None if there was none.
        retry: The reconnection time in milliseconds, None if the block named none.
        raw: The lines of the block, without their ends.

    Example:
        >>> [event] = ClientDecoder().iter_bytes(iter([b"data: {}\\n\\n"]))
        >>> event.event, event.data, event.json()
        (None, '{}', {})
    """

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        self._event = event

    @property
    def event(self) -> str | None:
        name = self._event.event
        # The standard's name for events without one is also a name that a block may give.
        return None if name == "message" and not self._names_itself() else name

    @property
    def data(self) -> str:
        return self._event.data

    @property
    def id(self) -> str | None:
        return self._event.id or None

    @property
    def retry(self) -> int | None:
        return self._event.retry

    @property
    def raw(self) -> list[str]:
        # Lines of bytes end as those of the standard do; lines of text would end at U+2028 as well.
        return [line.decode(errors="replace") for line in (self._event.raw or b"").splitlines() if line]

    def json(self) -> Any:
        """The data as a JSON value.

        Raises:
            DecodeError: The data is not one JSON value.
        """
        return self._event.json()

    def __repr__(self) -> str:
        return f"ClientEvent(event={self.event!r}, data={self.data!r}, id={self.id!r}, retry={self.retry!r})"

    def _names_itself(self) -> bool:
        if b"event" not in (self._event.raw or b""):
            return False
        names = [line.partition(":")[2] for line in self.raw if line.partition(":")[0] == "event"]
        return bool(names) and names[-1] not in ("", " ")


class ClientDecoder:
    """A decoder for `_make_sse_decoder` of the openai and anthropic clients, one for each response.

    Args:
        loads: What ``event.json()`` decodes with: a callable from bytes to a value.
        max_frame_size: The largest event, in bytes of its data; None for no limit.

    Example:
        >>> decoder = ClientDecoder()
        >>> [event.json() for event in decoder.iter_bytes(iter([b"data: [1,", b"2]\\n\\n"]))]
        [[1, 2]]
    """

    def __init__(
        self, *, loads: Callable[[bytes], Any] = orjson_loads, max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE
    ) -> None:
        self._loads = loads
        self._max_frame_size = max_frame_size

    def iter_bytes(self, iterator: Iterator[bytes]) -> Iterator[ClientEvent]:
        """Iterate over the events of a response.

        Args:
            iterator: The chunks of the body.

        Raises:
            TruncatedError: The body ended inside an event.
            FrameTooLargeError: An event went past the limit.
        """
        decoder = self._decoder()
        for chunk in iterator:
            yield from map(ClientEvent, decoder.feed(chunk))
        _finish(decoder)

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[ClientEvent]:
        """The same as `iter_bytes`, for chunks that are awaited."""
        decoder = self._decoder()
        async for chunk in iterator:
            for event in decoder.feed(chunk):
                yield ClientEvent(event)
        _finish(decoder)

    def _decoder(self) -> SSEDecoder[Event]:
        return SSEDecoder(loads=self._loads, max_frame_size=self._max_frame_size, raw=True)


def _finish(decoder: SSEDecoder[Event]) -> None:
    """Hold the decoder to the end of the body. No event can come of it: none is whole."""
    try:
        for _ in decoder.finish():
            raise AssertionError("an event without its blank line came out")
    except TruncatedError as error:
        # Some servers leave out the blank line behind it, and there is nothing it could have cut.
        if error.frame.removeprefix(b"data:").strip() != _DONE:
            raise
