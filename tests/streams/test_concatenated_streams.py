"""`concatenated`: what it adds to its decoder, for sources of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import pytest

import ndstream
from inputs.cuts import cuts

FIREHOSE = b'{"ts":1,"message":"a"}{"ts":2,"message":"b}{"}{"ts":3}'
PRETTY = b'{\n  "Status": "start",\n  "id": "x"\n}\n{\n  "Status": "die"\n}\n'


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (FIREHOSE, [{"ts": 1, "message": "a"}, {"ts": 2, "message": "b}{"}, {"ts": 3}]),
        (PRETTY, [{"Status": "start", "id": "x"}, {"Status": "die"}]),
        (b"1 2\n[3] 4", [1, 2, [3], 4]),
    ],
)
def test_sync_and_async_sources_give_the_same_for_every_cut(data: bytes, values: list[Any]) -> None:
    async def collected(chunks: list[bytes]) -> list[Any]:
        async def source() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        return [value async for value in ndstream.concatenated(source())]

    for name, chunks in cuts(data):
        assert list(ndstream.concatenated(chunks)) == values, name
        if name.startswith(("whole", "byte by byte")):
            assert anyio.run(collected, chunks) == values
    assert list(ndstream.stream(data, format="json")) == values


def test_a_file_of_values_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_bytes(PRETTY)
    assert len(list(ndstream.concatenated(path))) == 2


def test_the_elements_of_an_array_come_one_by_one() -> None:
    with ndstream.concatenated([b'[{"a":1}', b",", b'{"a":2}', b"]"], items=True) as stream:
        assert list(stream) == [{"a": 1}, {"a": 2}]
    decoder = stream.decoder
    assert isinstance(decoder, ndstream.ConcatenatedJSONDecoder)
    assert decoder.array_closed


def test_an_array_that_is_cut_is_an_error_after_its_elements() -> None:
    stream = ndstream.concatenated([b'[{"a":1},{"a":2},'], items=True)
    assert [next(stream), next(stream)] == [{"a": 1}, {"a": 2}]
    with pytest.raises(ndstream.TruncatedError, match="before its closing bracket") as caught:
        next(stream)
    assert caught.value.reason == "unfinished"
    assert list(stream) == []


def elements(count: int) -> Iterator[bytes]:
    """An array of that many elements, in chunks that cut some of them."""
    element = b'{"id":12345,"name":"an element of an array without end","tags":["a","b]"]}'
    block = b",\n".join([element] * 800)
    yield b"[" + block[:100]
    yield block[100:]
    for _ in range(count // 800 - 1):
        yield b"," + block
    yield b"]"


def test_an_array_of_any_length_needs_no_more_memory_than_an_element() -> None:
    stream: Any = ndstream.concatenated(elements(800_000), items=True, loads=len)
    largest = count = 0
    for count, _ in enumerate(stream, 1):
        if count % 97 == 0:
            largest = max(largest, stream.decoder.pending)
    assert count == 800_000
    assert stream.decoder.array_closed
    # One chunk, and an element that was cut.
    assert largest < 70_000


def test_a_source_that_fails_inside_an_array_is_a_truncated_stream() -> None:
    def source() -> Iterator[bytes]:
        yield b'[{"a":1},{"a"'
        raise OSError("reset")

    stream = ndstream.concatenated(source(), items=True)
    assert next(stream) == {"a": 1}
    with pytest.raises(ndstream.TruncatedError) as caught:
        next(stream)
    assert (caught.value.reason, caught.value.frame, caught.value.offset) == ("source_failed", b'{"a"', 9)


def test_the_sentinel_ends_the_stream_and_closes_the_source() -> None:
    closed = []

    def source() -> Iterator[bytes]:
        try:
            yield b'{"a":1}[DONE]'
            yield b'{"a":2}'
        finally:
            closed.append(True)

    assert list(ndstream.concatenated(source(), done="[DONE]")) == [{"a": 1}]
    assert closed


@pytest.mark.parametrize("done", ["[DONE]", b" [", b"[]"])
def test_an_array_cannot_be_the_sentinel_among_elements(done: Any) -> None:
    with pytest.raises(ValueError, match="items=True"):
        ndstream.concatenated(b"", items=True, done=done)
    assert list(ndstream.concatenated(b'["x", "end", 1]', items=True, done='"end"')) == ["x"]


@pytest.mark.parametrize("read", [ndstream.ndjson, ndstream.concatenated, ndstream.stream])
def test_an_over_long_array_names_what_reads_its_elements(read: Any) -> None:
    with pytest.raises(ndstream.FrameTooLargeError, match=r"concatenated\(\), with items=True"):
        list(read(b" [" + b"1," * 100 + b"1]\n", max_frame_size=50))
    with pytest.raises(ndstream.FrameTooLargeError) as caught:
        list(read(b'{"a":"' + b"x" * 100 + b'"}\n', max_frame_size=50))
    assert "items" not in str(caught.value)


def test_values_without_line_ends_point_to_concatenated() -> None:
    with pytest.raises(ndstream.DecodeError, match=r"use concatenated\(\)"):
        list(ndstream.ndjson(b'{"a":1}{"b":2}\n'))


def test_an_endless_source_is_read_as_it_comes() -> None:
    def source() -> Iterator[bytes]:
        while True:
            yield b'{"a"'
            yield b":1}"

    assert list(islice(ndstream.concatenated(source()), 3)) == [{"a": 1}] * 3


@pytest.mark.parametrize("text", ["truefalse", "nope", "1e", '{"a":]', "'a'"])
def test_errors_say_where_and_what(text: str) -> None:
    with pytest.raises(ndstream.DecodeError, match="at byte 3") as caught:
        list(ndstream.concatenated(b"{} " + text.encode() + b"\n"))
    assert (caught.value.frame, caught.value.line) == (text.encode(), None)
