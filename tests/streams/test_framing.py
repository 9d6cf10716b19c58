"""How a stream's framing is told from its first bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

import ndstream
from doubles.sources import AsyncChunks
from inputs.cuts import cuts
from ndstream._framing import sniff

STREAMS: list[tuple[bytes, str]] = [
    (b'{"a":1}\n', "ndjson"),
    (b"[1]\n", "ndjson"),
    (b'"data:"\n', "ndjson"),
    (b"17\n", "ndjson"),
    (b"null\n", "ndjson"),
    (b'\xef\xbb\xbf{"a":1}\n', "ndjson"),
    (b'\r\n\r\n{"a":1}\n', "ndjson"),
    (b'data: {"a":1}\n\n', "sse"),
    (b"data:1\n\n", "sse"),
    (b"data\ndata:1\n\n", "sse"),
    (b"event: x\ndata: 1\n\n", "sse"),
    (b"id\rdata: 1\r\r", "sse"),
    (b"retry: 10\r\ndata: 1\r\n\r\n", "sse"),
    (b": hello\n\ndata: 1\n\n", "sse"),
    (b":\n\n", "sse"),
    (b"\xef\xbb\xbfdata: 1\n\n", "sse"),
    (b"\n\ndata: 1\n\n", "sse"),
    (b'\x1e{"a":1}\n', "jsonseq"),
    (b"\x1e\x1e1\n", "jsonseq"),
]


@pytest.mark.parametrize(("data", "format"), STREAMS)
def test_the_first_bytes_tell_the_framing_wherever_they_are_cut(data: bytes, format: str) -> None:
    for end in range(1, len(data)):
        assert sniff(data[:end]) in (None, format)
    assert sniff(data, at_end=True) == format
    whole = list(ndstream.stream(data))
    for _, chunks in cuts(data):
        stream = ndstream.stream(chunks)
        assert list(stream) == whole
        assert type(stream.decoder).__name__.lower() == f"{format}decoder"


@pytest.mark.parametrize("data", [b"database down\n", b"identity", b"error", b"events\n", b"re", b"d"])
def test_words_that_only_begin_like_fields_are_no_event_stream(data: bytes) -> None:
    for _, chunks in cuts(data):
        with pytest.raises(ndstream.StreamError) as caught:
            list(ndstream.stream(chunks))
        assert caught.value.frame == data.rstrip()


def test_an_empty_stream_has_no_values_and_no_error() -> None:
    for data in (b"", b"\xef\xbb\xbf", b"\n", b" \r\n"):
        assert list(ndstream.stream([data])) == []
    assert list(ndstream.stream([])) == []


def test_white_space_without_end_is_not_kept_without_end() -> None:
    stream = ndstream.stream([b"\n" * 5000, b'{"a":1}\n'])
    assert list(stream) == [{"a": 1}]


def test_format_names_the_framing_and_nothing_is_sniffed() -> None:
    with pytest.raises(ndstream.DecodeError):
        list(ndstream.stream(b"data: 1\n\n", format="ndjson"))
    assert ndstream.stream(b"", format="sse").decoder is not None


@pytest.mark.parametrize("format", ["concatenated", "SSE", ""])
def test_an_unknown_format_is_refused_with_those_there_are(format: Any) -> None:
    with pytest.raises(ValueError, match="'ndjson', 'sse', 'jsonseq', 'json'"):
        ndstream.stream(b"", format=format)


def test_options_are_checked_before_the_first_byte() -> None:
    for options in ({"on_error": "ignore"}, {"max_frame_size": 0}, {"on_truncated": "keep"}, {"loads": 1}):
        with pytest.raises((TypeError, ValueError)):
            ndstream.stream(b"", **options)


def test_contains_belongs_to_ndjson() -> None:
    assert list(ndstream.stream(b'{"a":1}\n{"b":1}\n', contains=b"b")) == [{"b": 1}]
    with pytest.raises(ValueError, match="contains"):
        ndstream.stream(b"", format="sse", contains=b"b")
    with pytest.raises(ValueError, match="contains"):
        list(ndstream.stream(b"data: 1\n\n", contains=b"b"))


def test_an_async_source_whose_framing_has_no_place_for_an_option_is_released() -> None:
    source = AsyncChunks(b"data: 1\n\n")

    async def main() -> None:
        stream = ndstream.stream(source, contains=b"b")
        with pytest.raises(ValueError, match="contains"):
            await stream.__anext__()
        assert stream.closed
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()

    anyio.run(main)
    assert source.closed == 1


@pytest.mark.parametrize(("data", "format"), STREAMS)
def test_an_async_source_is_sniffed_the_same_way(data: bytes, format: str) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for index in range(len(data)):
            yield data[index : index + 1]

    async def values() -> list[Any]:
        return [value async for value in ndstream.stream(drip())]

    assert anyio.run(values) == list(ndstream.stream(data))


def test_where_sniffing_gives_up_does_not_depend_on_the_cut() -> None:
    data = b"\n" * 5000 + b"data: 1\n\n"
    for chunks in ([data], [data[:4500], data[4500:]], [data[:4096], data[4096:]], [data[:10], data[10:]]):
        with pytest.raises(ndstream.DecodeError):
            list(ndstream.stream(chunks))
    data = b"\n" * 4000 + b"data: 1\n\n"
    for chunks in ([data], [data[:3999], data[3999:]], [data[:4003], data[4003:]]):
        assert list(ndstream.stream(chunks)) == [1]


def test_empty_chunks_before_the_first_bytes_cost_nothing() -> None:
    assert list(ndstream.stream([b""] * 100_000 + [b"1\n"])) == [1]


def test_a_space_before_a_field_makes_it_another_name() -> None:
    with pytest.raises(ndstream.DecodeError):
        list(ndstream.stream(b'  data: {"a":1}\n\n'))
    assert list(ndstream.stream(b'  {"a":1}\n')) == [{"a": 1}]
