"""What people test with: mocks, fakes, and responses made by hand. None of them is silently empty."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from unittest.mock import AsyncMock, MagicMock, Mock, mock_open

import pytest

import ndstream
import real_parts

CHUNKS = [b"1\n", b"2\n"]


def spec(library: str) -> Any:
    return real_parts.library(library).Response


async def async_chunks() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        yield chunk


async def values_of(stream: Any) -> list[Any]:
    return [value async for value in stream]


UNCONFIGURED: list[Callable[[], Any]] = [
    MagicMock,
    Mock,
    AsyncMock,
    lambda: MagicMock(spec=spec("httpx")),
    lambda: MagicMock(spec=spec("requests")),
    lambda: Mock(spec=spec("httpx")),
    lambda: MagicMock(spec=["iter_bytes"]),
    lambda: MagicMock(spec=["__iter__"]),
    lambda: MagicMock(spec=["__aiter__"]),
    lambda: MagicMock(spec=["read"]),
]


@pytest.mark.parametrize("make", UNCONFIGURED)
def test_a_mock_that_was_given_nothing_is_refused_with_what_to_do(make: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"iter_bytes\.return_value"):
        ndstream.ndjson(make())


@pytest.mark.parametrize("library", ["httpx", "requests", None])
@pytest.mark.parametrize("how", ["value", "effect", "function", "nested"])
def test_a_mock_of_a_sync_response_gives_what_it_was_given(how: str, library: str | None) -> None:
    mock = MagicMock() if library is None else MagicMock(spec=spec(library))
    name = "iter_content" if library == "requests" else "iter_bytes"
    if how == "function":
        setattr(mock, name, lambda *size: iter(CHUNKS))
    elif how == "effect":
        getattr(mock, name).side_effect = lambda *size: iter(CHUNKS)
    elif how == "nested":
        getattr(mock, name).return_value.__iter__.return_value = iter(CHUNKS)
    else:
        getattr(mock, name).return_value = CHUNKS
    assert list(ndstream.ndjson(mock)) == [1, 2]
    mock.close.assert_called_once()


@pytest.mark.parametrize("how", ["effect", "function", "nested"])
def test_a_mock_of_an_async_response_gives_what_it_was_given(how: str) -> None:
    async def main() -> None:
        mock = MagicMock(spec=spec("httpx"))
        if how == "function":
            mock.aiter_bytes = async_chunks
        elif how == "effect":
            mock.aiter_bytes.side_effect = async_chunks
        else:
            mock.aiter_bytes.return_value.__aiter__.return_value = CHUNKS
        assert await values_of(ndstream.ndjson(mock)) == [1, 2]
        mock.aclose.assert_awaited_once()

    asyncio.run(main())


def test_a_mock_may_have_headers() -> None:
    mock = MagicMock(spec=spec("httpx"), headers={"Content-Type": "text/event-stream"})
    mock.iter_bytes.return_value = [b"data: 1\n\n"]
    stream = ndstream.stream(mock)
    assert isinstance(stream.decoder, ndstream.SSEDecoder)
    assert list(stream) == [1]


def test_a_mock_may_be_empty_if_it_was_told_so() -> None:
    mock = MagicMock()
    mock.iter_bytes.return_value = []
    assert list(ndstream.ndjson(mock)) == []


def test_a_mock_that_was_given_an_iteration_is_iterated_over() -> None:
    mock = MagicMock()
    mock.__iter__.return_value = iter(CHUNKS)
    assert list(ndstream.ndjson(mock)) == [1, 2]

    async def main() -> None:
        mock = MagicMock()
        mock.__aiter__.return_value = CHUNKS
        assert await values_of(ndstream.ndjson(mock)) == [1, 2]

    asyncio.run(main())


def test_a_file_of_mock_open_is_read() -> None:
    file = mock_open(read_data=b"".join(CHUNKS))()
    assert list(ndstream.ndjson(file)) == [1, 2]
    file.close.assert_called_once()
    with pytest.raises(TypeError, match="not str"):
        list(ndstream.ndjson(mock_open(read_data="1\n2\n")()))


def test_an_error_that_a_mock_raises_is_a_source_that_failed() -> None:
    mock = MagicMock()
    mock.iter_bytes.return_value = MagicMock()
    mock.iter_bytes.return_value.__iter__.return_value = _failing()
    stream = ndstream.ndjson(mock)
    assert next(stream) == 1
    with pytest.raises(ndstream.TruncatedError, match="reset"):
        next(stream)


def _failing() -> Iterator[bytes]:
    yield b"1\n"
    raise ConnectionResetError("reset")


class OnlyIterContent:
    def iter_content(self, chunk_size: int = 1) -> Iterator[bytes]:
        assert chunk_size > 1000
        return iter(CHUNKS)


class WithoutSize:
    def iter_content(self) -> Iterator[bytes]:
        return iter(CHUNKS)


class OnlyIterBytes:
    def iter_bytes(self) -> list[bytes]:
        return CHUNKS


class OnlyAiterBytes:
    def __init__(self) -> None:
        self.closed = 0

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        return async_chunks()

    async def aclose(self) -> None:
        self.closed += 1


class AsContext(OnlyIterContent):
    def __enter__(self) -> AsContext:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@pytest.mark.parametrize("kind", [OnlyIterContent, WithoutSize, OnlyIterBytes, AsContext])
def test_a_fake_with_one_method_is_a_source(kind: Callable[[], Any]) -> None:
    assert list(ndstream.ndjson(kind())) == [1, 2]


def test_an_async_fake_with_one_method_is_a_source_and_closed() -> None:
    async def main() -> None:
        fake: Any = OnlyAiterBytes()
        assert await values_of(ndstream.ndjson(fake)) == [1, 2]
        assert fake.closed == 1

    asyncio.run(main())


def test_an_object_that_merely_is_a_context_is_not_called_one_that_was_not_entered() -> None:
    class Context:
        def __enter__(self) -> Context:
            return self

        def __exit__(self, *error: object) -> None:
            pass

    with pytest.raises(TypeError) as caught:
        ndstream.ndjson(Context())  # type: ignore[call-overload]
    assert "entered" not in str(caught.value)
    assert "pass a response" in str(caught.value)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_response_of_httpx_that_was_made_by_hand_is_read_both_ways(library: str) -> None:
    kind = spec(library)
    headers = {"Content-Type": "application/x-ndjson"}
    assert list(ndstream.stream(kind(200, headers=headers, content=b"1\n2\n"))) == [1, 2]
    with ndstream.ndjson(kind(200, json=[1])) as stream:
        assert list(stream) == [[1]]

    async def main() -> None:
        made = kind(200, headers=headers, content=b"1\n2\n")
        stream = ndstream.stream(made, idle_timeout=5, prefetch=2)
        assert await values_of(stream) == [1, 2]
        assert stream.closed
        async with ndstream.ndjson(kind(200, content=b"1\n2\n")) as stream:
            assert await asyncio.create_task(anext_of(stream)) == 1
            await stream.aclose()
            assert await values_of(stream) == []
        made = kind(200, content=async_chunks())
        assert await values_of(ndstream.ndjson(made)) == [1, 2]

    asyncio.run(main())


async def anext_of(stream: Any) -> Any:
    return await stream.__anext__()


class Version1:
    """A response in the way of urllib3 before 2, and how its body was read."""

    def __init__(self, chunked: bool, length: int | None) -> None:
        self.headers: dict[str, str] = {}
        self.chunked = chunked
        self.length_remaining = length
        self.closed = False
        self.sizes: list[int] = []

    def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
        self.sizes.append(size)
        return iter(CHUNKS)

    def release_conn(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("chunked", "length", "waits"), [(False, None, False), (True, None, True), (False, 4, True)])
def test_a_body_without_a_length_is_read_byte_by_byte_where_a_read_waits_for_all_of_its_size(
    chunked: bool, length: int | None, waits: bool
) -> None:
    fake: Any = Version1(chunked, length)
    assert list(ndstream.ndjson(fake)) == [1, 2]
    [size] = fake.sizes
    assert (size > 1) == waits
    assert fake.closed


def test_a_raw_response_of_requests_may_be_any_file() -> None:
    got = real_parts.library("requests").Response()
    got.raw = io.BytesIO(b"".join(CHUNKS))
    assert list(ndstream.ndjson(got)) == [1, 2]


def test_a_response_of_httpcore_is_read_both_ways() -> None:
    kind = real_parts.library("httpcore").Response
    headers = {"Content-Type": "application/x-ndjson"}
    assert list(ndstream.stream(kind(200, headers=headers, content=b"".join(CHUNKS)))) == [1, 2]
    awaited = kind(200, headers=headers, content=async_chunks())
    assert asyncio.run(values_of(ndstream.stream(awaited))) == [1, 2]


@pytest.mark.parametrize(("body", "values"), [(b"".join(CHUNKS), [1, 2]), (b"", [])])
def test_a_whole_response_of_tornado_is_read(body: bytes, values: list[int]) -> None:
    client = real_parts.library("tornado.httpclient")
    got = client.HTTPResponse(client.HTTPRequest("http://x"), 200, buffer=io.BytesIO(body))
    assert list(ndstream.ndjson(got)) == values


def test_a_request_that_an_aiohttp_server_takes_is_read() -> None:
    streams, utils = (real_parts.library(f"aiohttp.{name}") for name in ("streams", "test_utils"))

    async def main() -> list[Any]:
        payload = streams.StreamReader(MagicMock(), 2**16, loop=asyncio.get_running_loop())
        payload.feed_data(b"".join(CHUNKS))
        payload.feed_eof()
        return await values_of(ndstream.ndjson(utils.make_mocked_request("POST", "/", payload=payload)))

    assert asyncio.run(main()) == [1, 2]
