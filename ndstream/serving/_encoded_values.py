"""`encode_values`: a stream of frames of any values, to be relayed, broadcast or sent as it is."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Literal, TypeAlias, overload

from ndstream._core import Event, SSEEncoder, encode_jsonseq, encode_ndjson, encode_sse
from ndstream._sources.opened_source import async_closer, closer
from ndstream.serving._converters.framings import FRAMINGS

ValueFraming: TypeAlias = Literal["sse", "ndjson", "jsonseq"]


@overload
def encode_values(values: AsyncIterable[Any], format: ValueFraming = "sse") -> AsyncEncodedValues: ...
@overload
def encode_values(values: Iterable[Any], format: ValueFraming = "sse") -> EncodedValues: ...
def encode_values(values: Any, format: ValueFraming = "sse") -> Any:
    """Write values as frames while they come.

    A relay takes the result for a response of that framing: it adds heartbeats, releases the source and tells the
    client if it fails. Frames that were written stay whole, whatever the source raises.

    Args:
        values: An iterable or async iterable, as a generator or an `EventSource`. Events keep their type and id among
            server-sent events. In these a str is sent as it is, and anything else as JSON; in lines and elements all
            is JSON. What is both is awaited: pass ``(event for event in source)`` for an `EventSource` over a sync
            client.
        format: "sse", "ndjson" or "jsonseq".

    Returns:
        An iterator of bytes, async if the values are, with the ``headers`` of its framing. Closing it closes the
        source.

    Raises:
        TypeError: The values cannot be iterated over.
        ValueError: The format is none of these.
        EncodeError: When it is iterated over: a value cannot be written.

    Example:
        >>> from ndstream.serving import encode_values
        >>> list(encode_values([{"a": 1}, {"a": 2}], "ndjson"))
        [b'{"a":1}\\n', b'{"a":2}\\n']
    """
    if format not in ("sse", "ndjson", "jsonseq"):
        raise ValueError(f"format must be 'sse', 'ndjson' or 'jsonseq', not {format!r}")
    if isinstance(values, (str, bytes, bytearray, memoryview, dict)):
        raise TypeError(f"encode_values takes an iterable of values, and a {type(values).__name__} is one value")
    if hasattr(values, "__aiter__"):
        return AsyncEncodedValues(values, format)
    if not hasattr(values, "__iter__"):
        raise TypeError(f"encode_values takes an iterable or async iterable of values, not {type(values).__name__}")
    return EncodedValues(values, format)


class _Encoder:
    """What the two kinds have in common."""

    def __init__(self, format: ValueFraming) -> None:
        self.headers = {"Content-Type": FRAMINGS[format].content_type}
        self._format = format
        self._events = SSEEncoder()

    def _encode(self, value: Any) -> bytes:
        if isinstance(value, Event):
            if self._format == "sse":
                return self._events.encode(value)
            value = value.json()
        if self._format == "sse":
            return encode_sse(value)
        return encode_ndjson(value) if self._format == "ndjson" else encode_jsonseq(value)


class EncodedValues(_Encoder):
    """Frames of values that are iterated over. It is made by `encode_values`."""

    def __init__(self, values: Iterable[Any], format: ValueFraming) -> None:
        super().__init__(format)
        self._values = iter(values)
        self._close = closer(values)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._encode(next(self._values))

    def iter_bytes(self) -> Iterator[bytes]:
        """Itself, so that it is read as a response of its framing."""
        return self

    def close(self) -> None:
        """Close the source."""
        self._close()


class AsyncEncodedValues(_Encoder):
    """Frames of values that are awaited. It is made by `encode_values`."""

    def __init__(self, values: AsyncIterable[Any], format: ValueFraming) -> None:
        super().__init__(format)
        self._values = aiter(values)
        self._close = async_closer(values)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return self._encode(await anext(self._values))

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """Itself, so that it is read as a response of its framing."""
        return self

    async def aclose(self) -> None:
        """Close the source."""
        await self._close()
