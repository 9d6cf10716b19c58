"""ndstream in the place of other decoders: those inside the openai and anthropic clients, and httpx-sse.

`EventSource` has the shape of the classes in httpx-sse and httpx2.

The openai and anthropic clients ask their ``_make_sse_decoder`` for an object with ``iter_bytes`` and
``aiter_bytes``, and read ``event``, ``data`` and ``json()`` of what that yields. Give them a `ClientDecoder` in a
subclass, which their own ``with_options`` and ``copy`` then keep:

    class OpenAI(openai.OpenAI):
        def _make_sse_decoder(self):
            return ClientDecoder()

Where the standard leaves no choice (WHATWG HTML, section 9.2), events are dispatched as it says; a stream
that ends inside an event raises, although the clients' own decoders end without a word, unless
``on_truncated="discard"`` asks for that. What the transport
raises passes as it is, since the clients turn it into errors of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

from orjson import loads as orjson_loads

from ndstream._core import Event, SSEDecoder
from ndstream._diagnosis import is_json
from ndstream._errors import TruncatedError
from ndstream._facade import OnTruncated, sse
from ndstream._sources.headers import header, media_type
from ndstream._streams import AsyncStream, Stream

_DONE = b"[DONE]"
_LAST_EVENTS = ("message_stop", "done")


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
        max_frame_size: The largest event, in bytes of its data; None for no limit, as in the clients.
        on_truncated: What to do with an event that the end of the body cuts: "raise" a `TruncatedError`,
            "discard" it as the clients' own decoders do, or "emit" it.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option has none of its values.

    Example:
        >>> decoder = ClientDecoder()
        >>> [event.json() for event in decoder.iter_bytes(iter([b"data: [1,", b"2]\\n\\n"]))]
        [[1, 2]]
    """

    def __init__(
        self,
        *,
        loads: Callable[[bytes], Any] = orjson_loads,
        max_frame_size: int | None = None,
        on_truncated: OnTruncated = "raise",
    ) -> None:
        self._loads = loads
        self._max_frame_size = max_frame_size
        self._on_truncated = on_truncated
        # Options are checked here, and not where the client has a response already.
        self._decoder()

    def iter_bytes(self, iterator: Iterator[bytes]) -> Iterator[ClientEvent]:
        """Iterate over the events of a response.

        Args:
            iterator: The chunks of the body.

        Raises:
            TruncatedError: The body ended inside an event. It is not raised for one that ends a reply and
                lacks nothing but its blank line, such as ``message_stop`` or ``[DONE]``.
            FrameTooLargeError: An event went past the limit.
        """
        decoder = self._decoder()
        for chunk in iterator:
            yield from map(ClientEvent, decoder.feed(chunk))
        yield from map(ClientEvent, _finished(decoder))

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[ClientEvent]:
        """The same as `iter_bytes`, for chunks that are awaited."""
        decoder = self._decoder()
        async for chunk in iterator:
            for event in decoder.feed(chunk):
                yield ClientEvent(event)
        for event in _finished(decoder):
            yield ClientEvent(event)

    def _decoder(self) -> SSEDecoder[Event]:
        return SSEDecoder(
            loads=self._loads, max_frame_size=self._max_frame_size, on_truncated=self._on_truncated, raw=True
        )


def _finished(decoder: SSEDecoder[Event]) -> Iterator[Event]:
    """What the end of the body brings: nothing, unless a cut event is to be emitted."""
    try:
        yield from decoder.finish()
    except TruncatedError as error:
        if not _ends_a_reply(error.frame):
            raise


def _ends_a_reply(block: bytes) -> bool:
    """Whether a block without its blank line says whole that the reply is over, so that nothing was cut.

    As in the clients' own decoders no event comes of it.
    """
    for event in SSEDecoder(on_truncated="emit", max_frame_size=None).feed(block).finish():
        if event.payload == _DONE:
            return True
        return event.event in _LAST_EVENTS and is_json(event.payload)
    return False


class EventSource:
    """The events of a response, in the shape of the classes of this name in httpx-sse and httpx2.

    `ndstream.EventSource` is another class: it makes the requests itself, and connects again when a connection is lost.

    Unlike `ndstream.sse` alone, this one looks at the Content-Type, and yields an event also for a block that has
    an id, a retry or an event type, but no data: clients that reconnect take their position from it.

    Args:
        response: A response, sync or async, of any client that `ndstream.sse` takes.
        loads: What ``event.json()`` decodes with: a callable from bytes to a value.
        max_frame_size: The largest event, in bytes of its data; None for no limit.
        on_truncated: What to do with an event that the end of the body cuts: "raise" a `TruncatedError`,
            "discard" it as httpx-sse does, or "emit" it.

    Raises:
        TypeError: An option has the wrong type, or what is handed over has no headers.
        ValueError: An option has none of its values.

    Example:
        >>> import httpx
        >>> response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=b"data: 1\\n\\n")
        >>> [event.data for event in EventSource(response).iter_sse()]
        ['1']
    """

    def __init__(
        self,
        response: Any,
        *,
        loads: Callable[[bytes], Any] = orjson_loads,
        max_frame_size: int | None = None,
        on_truncated: OnTruncated = "raise",
    ) -> None:
        if getattr(response, "headers", None) is None:
            raise TypeError(
                f"EventSource takes a response, which has headers, not {type(response).__name__}: read other sources "
                "with ndstream.sse"
            )
        SSEDecoder(loads=loads, max_frame_size=max_frame_size, on_truncated=on_truncated)
        self._response = response
        self._loads = loads
        self._max_frame_size = max_frame_size
        self._on_truncated = on_truncated

    @property
    def response(self) -> Any:
        """The response that was handed over."""
        return self._response

    def iter_sse(self) -> Stream[Event]:
        """Iterate over the events of a sync response.

        Raises:
            ValueError: Its Content-Type is not ``text/event-stream``.
            TypeError: It is an async response.
            StreamError: From ``next``, as `ndstream.sse` raises it.
        """
        stream = self._stream()
        if not isinstance(stream, Stream):
            raise TypeError("the response is async: iterate over aiter_sse()")
        return stream

    def aiter_sse(self) -> AsyncStream[Event]:
        """Iterate over the events of an async response.

        Raises:
            ValueError: Its Content-Type is not ``text/event-stream``.
            TypeError: It is a sync response.
            StreamError: From ``anext``, as `ndstream.sse` raises it.
        """
        stream: Any = self._stream()
        if not hasattr(stream, "__aiter__"):
            raise TypeError("the response is sync: iterate over iter_sse()")
        return cast("AsyncStream[Event]", stream)

    def __iter__(self) -> Iterator[Event]:
        return self.iter_sse()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self.aiter_sse()

    def _stream(self) -> Any:
        content_type = header(getattr(self._response, "headers", None), "content-type")
        if media_type(content_type) != "text/event-stream":
            raise ValueError(
                f"the Content-Type of the response is {content_type!r}, and not text/event-stream: look at its status, "
                "or use ndstream.sse(response), which does not look at the Content-Type"
            )
        return sse(
            self._response,
            loads=self._loads,
            max_frame_size=self._max_frame_size,
            on_truncated=self._on_truncated,
            empty_events=True,
        )
