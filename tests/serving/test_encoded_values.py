"""Values as a stream of frames: for relays, for broadcasts, and by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest

import ndstream
from ndstream import Event
from ndstream.serving import Broadcast, encode_values

from .relaying import collect, relayed, run

VALUES = [{"a": 1}, "text\nof two lines", [None, True], 1.5, "\u2028"]
FRAMED = {
    "sse": b'data: {"a":1}\n\ndata: text\ndata: of two lines\n\ndata: [null,true]\n\ndata: 1.5\n\n'
    b"data: \xe2\x80\xa8\n\n",
    "ndjson": b'{"a":1}\n"text\\nof two lines"\n[null,true]\n1.5\n"\xe2\x80\xa8"\n',
    "jsonseq": b'\x1e{"a":1}\n\x1e"text\\nof two lines"\n\x1e[null,true]\n\x1e1.5\n\x1e"\xe2\x80\xa8"\n',
}


class Source:
    """A generator of values that counts how often it is closed, and may fail."""

    def __init__(self, *values: Any, failure: Exception | None = None) -> None:
        self.values = values
        self.failure = failure
        self.closed = 0

    def sync(self) -> Iterator[Any]:
        try:
            yield from self.values
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed += 1

    async def awaited(self) -> AsyncIterator[Any]:
        try:
            for value in self.values:
                yield value
            if self.failure is not None:
                raise self.failure
        finally:
            self.closed += 1


def bodies(*values: Any, failure: Exception | None = None, format: Any = "sse", to: Any = None) -> set[bytes]:
    """What clients get of a relay, sync and async; the generators are closed once."""
    source = Source(*values, failure=failure)
    synced = b"".join(relayed(encode_values(source.sync(), format), to))
    awaited = b"".join(run(lambda: collect(relayed(encode_values(source.awaited(), format), to))))
    assert source.closed == 2
    return {synced, awaited}


@pytest.mark.parametrize("format", FRAMED)
def test_values_are_frames_of_each_framing(format: Any) -> None:
    assert b"".join(encode_values(VALUES, format)) == FRAMED[format]
    assert bodies(*VALUES, format=format) == {FRAMED[format]}


def test_the_framing_is_known_to_the_relay() -> None:
    relay = ndstream.relay(encode_values(VALUES, "ndjson"))
    assert relay.content_type == "application/x-ndjson"
    assert bodies({"a": 1}, format="ndjson", to="sse") == {b'data: {"a":1}\n\n'}


def test_events_keep_their_type_and_id() -> None:
    events = [Event(event="a", data="x", id="7"), Event(data="y", id="7"), Event(data="z")]
    assert bodies(*events) == {b"event: a\nid: 7\ndata: x\n\ndata: y\n\nid: \ndata: z\n\n"}
    assert bodies(Event(data='{"a": 1}'), format="ndjson") == {b'{"a":1}\n'}


@pytest.mark.parametrize("format", FRAMED)
def test_a_generator_that_raises_leaves_whole_frames_and_an_error_frame(format: Any) -> None:
    [body] = bodies({"a": 1}, failure=ConnectionError("password"), format=format)
    assert b'{"a":1}' in body
    assert b"error" in body.splitlines()[-3 if format == "sse" else -1]
    assert b"password" not in body
    relay = relayed(encode_values(Source({"a": 1}, failure=ConnectionError("password")).sync(), format))
    list(relay)
    assert "password" in str(relay.error.__cause__)


@pytest.mark.parametrize("value", [Decimal(1), {1, 2}, {1: 2}, 2**64, "\ud800", b"\xff"], ids=repr)
def test_a_value_that_cannot_be_written_ends_the_stream_with_an_error(value: Any) -> None:
    [body] = bodies({"a": 1}, value, {"b": 2})
    first, error, nothing = body.split(b"\n\n")
    assert first == b'data: {"a":1}'
    assert b'"malformed"' in error
    assert nothing == b""


def test_by_itself_it_raises() -> None:
    frames = encode_values([1, Decimal(1)])
    assert next(frames) == b"data: 1\n\n"
    with pytest.raises(ndstream.EncodeError, match="Decimal"):
        next(frames)


def test_the_sentinel_ends_events_and_is_a_value_elsewhere() -> None:
    assert bodies(1, "[DONE]", 2) == {b"data: 1\n\ndata: [DONE]\n\n"}
    assert bodies(1, "[DONE]", 2, format="ndjson") == {b'1\n"[DONE]"\n2\n'}


def test_values_are_broadcast() -> None:
    async def main() -> list[bytes]:
        source = Source({"a": 1}, Event(event="b", data="x", id="upstream"))
        broadcast = Broadcast(encode_values(source.awaited()), epoch="e", retry=None)
        return [message async for message in broadcast.subscribe()]

    assert b"".join(asyncio.run(main())) == b'id: e-1\ndata: {"a":1}\n\nid: e-2\nevent: b\ndata: x\n\n'


@pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, 7, None], ids=repr)
def test_what_is_one_value_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="encode_values takes an iterable"):
        encode_values(value)


def test_an_unknown_framing_is_refused() -> None:
    with pytest.raises(ValueError, match="'sse', 'ndjson' or 'jsonseq'"):
        encode_values([], "json")  # type: ignore[call-overload]


def test_a_relay_of_bare_values_says_what_to_call() -> None:
    with pytest.raises(TypeError, match=r"relay\(encode_values\(source\)\)"):
        list(relayed([{"a": 1}], "sse"))
