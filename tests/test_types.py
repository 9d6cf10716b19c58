"""What a type checker knows of the values. The checks are the checker's; running them keeps them honest."""

from __future__ import annotations

import io
import pathlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import msgspec
from typing_extensions import assert_type

import ndstream
from ndstream import AsyncStream, Event, JSONSeqDecoder, NDJSONDecoder, SSEDecoder, Stream


class Point(msgspec.Struct):
    x: int


def chunks() -> Iterator[bytes]:
    yield b'{"x":1}\n'


async def async_chunks() -> AsyncIterator[bytes]:
    yield b'{"x":1}\n'


POINT = msgspec.json.Decoder(Point).decode


def test_loads_decides_the_type_of_a_stream_s_values() -> None:
    assert_type(ndstream.ndjson(chunks(), loads=POINT), Stream[Point])
    assert_type(ndstream.ndjson(chunks(), loads=bytes), Stream[bytes])
    assert_type(ndstream.ndjson(chunks()), Stream[Any])
    assert_type(ndstream.jsonseq(chunks(), loads=POINT), Stream[Point])
    assert_type(ndstream.stream(chunks(), loads=POINT, format="sse"), Stream[Point])
    assert_type(ndstream.sse(chunks()), Stream[Event])
    for point in ndstream.ndjson(chunks(), loads=POINT):
        assert_type(point, Point)
        assert point == Point(1)


def test_the_source_decides_between_sync_and_async() -> None:
    async def main() -> None:
        assert_type(ndstream.ndjson(async_chunks()), AsyncStream[Any])
        assert_type(ndstream.sse(async_chunks()), AsyncStream[Event])
        assert_type(ndstream.jsonseq(async_chunks(), loads=POINT), AsyncStream[Point])
        assert_type(ndstream.stream(async_chunks(), loads=POINT), AsyncStream[Point])
        async for point in ndstream.ndjson(async_chunks(), loads=POINT):
            assert_type(point, Point)
            assert point == Point(1)

    anyio.run(main)


def test_every_kind_of_source_is_typed(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "points"
    file.write_bytes(b'{"x":1}\n')
    assert list(ndstream.ndjson(file)) == list(ndstream.ndjson(file.open("rb"))) == [{"x": 1}]
    assert list(ndstream.ndjson(io.BytesIO(b"1"))) == list(ndstream.ndjson([bytearray(b"1")])) == [1]


def test_decoders_carry_the_type_of_their_values() -> None:
    assert_type(NDJSONDecoder(), NDJSONDecoder[Any])
    assert_type(NDJSONDecoder(loads=POINT), NDJSONDecoder[Point])
    assert_type(JSONSeqDecoder(loads=POINT), JSONSeqDecoder[Point])
    assert_type(SSEDecoder(), SSEDecoder[Event])
    assert_type(SSEDecoder(values=True, loads=POINT), SSEDecoder[Point])
    decoder = NDJSONDecoder(loads=POINT)
    for point in decoder.feed(b'{"x":1}\n'):
        assert_type(point, Point)
    assert_type(decoder.finish(), NDJSONDecoder[Point])
