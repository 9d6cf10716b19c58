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
from ndstream import AsyncStream, ConcatenatedJSONDecoder, Event, JSONSeqDecoder, NDJSONDecoder, SSEDecoder, Stream


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
    assert_type(ndstream.concatenated(chunks(), loads=POINT, items=True), Stream[Point])
    assert_type(ndstream.concatenated(chunks()), Stream[Any])
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
        assert_type(ndstream.concatenated(async_chunks(), loads=POINT), AsyncStream[Point])
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
    assert_type(ConcatenatedJSONDecoder(loads=POINT, items=True), ConcatenatedJSONDecoder[Point])
    assert_type(SSEDecoder(), SSEDecoder[Event])
    assert_type(SSEDecoder(values=True, loads=POINT), SSEDecoder[Point])
    decoder = NDJSONDecoder(loads=POINT)
    for point in decoder.feed(b'{"x":1}\n'):
        assert_type(point, Point)
    assert_type(decoder.finish(), NDJSONDecoder[Point])


class EitherResponse:
    """A response of httpx, as far as types go: one class for its sync and its async client."""

    stream = (b'{"x":1}\n',)
    headers: dict[str, str] = {}  # noqa: RUF012

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield from self.stream

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        for chunk in self.stream:
            yield chunk

    def close(self) -> None:
        pass


class ContentResponse:
    """A response of aiohttp, as far as types go."""

    @property
    def content(self) -> AnyBytes:
        return AnyBytes()

    def release(self) -> None:
        pass


class AnyBytes:
    def iter_any(self) -> AsyncIterator[bytes]:
        return async_chunks()


def test_a_response_that_may_be_of_either_client_is_typed_for_both() -> None:
    response = EitherResponse()
    for point in ndstream.ndjson(response, loads=POINT):
        assert_type(point, Point)
        assert point == Point(1)
    with ndstream.sse(response, on_truncated="discard") as events:
        for event in events:
            assert_type(event, Event)
    assert_type(events.closed, bool)
    assert_type(events.last_byte_at, float | None)
    assert_type(events.last_frame_at, float | None)
    assert_type(events.last_comment_at, float | None)

    async def asynchronously() -> None:
        async with ndstream.ndjson(response, loads=POINT) as stream:
            async for point in stream:
                assert_type(point, Point)

    del asynchronously


def test_a_response_of_an_async_client_is_typed_as_one() -> None:
    def typed(response: ContentResponse) -> None:
        assert_type(ndstream.ndjson(response, loads=POINT), AsyncStream[Point])
        assert_type(ndstream.stream(response.content), AsyncStream[Any])

    del typed
