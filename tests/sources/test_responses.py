"""Responses of real clients: values come out as they arrive, and the response is released."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import io
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest

import ndstream
import real_parts
from doubles.loopback import response, serving

LINES = [b'{"a":1}\n{"a"', b":2}\n"]
VALUES = [{"a": 1}, {"a": 2}]


@contextmanager
def _httpx(url: str) -> Iterator[Any]:
    with real_parts.library("httpx").stream("GET", url) as got:
        yield got


@contextmanager
def _httpx2(url: str) -> Iterator[Any]:
    with real_parts.library("httpx2").stream("GET", url) as got:
        yield got


@contextmanager
def _requests(url: str) -> Iterator[Any]:
    with real_parts.library("requests").get(url, stream=True) as got:
        yield got


@contextmanager
def _urllib3(url: str) -> Iterator[Any]:
    got = real_parts.library("urllib3").PoolManager().request("GET", url, preload_content=False)
    yield got
    got.close()


@contextmanager
def _niquests(url: str) -> Iterator[Any]:
    with real_parts.library("niquests").get(url, stream=True) as got:
        yield got


@contextmanager
def _curl(url: str) -> Iterator[Any]:
    with real_parts.library("curl_cffi.requests").Session() as session:
        yield session.get(url, stream=True)


@contextmanager
def _http_client(url: str) -> Iterator[Any]:
    connection = http.client.HTTPConnection(url.split("/")[2])
    connection.request("GET", "/")
    yield connection.getresponse()
    connection.close()


@contextmanager
def _urllib(url: str) -> Iterator[Any]:
    with urllib.request.urlopen(url, timeout=10) as got:
        yield got


SYNC = [_httpx, _httpx2, _requests, _urllib3, _niquests, _curl, _http_client, _urllib]


@asynccontextmanager
async def _async_httpx(url: str) -> AsyncIterator[Any]:
    httpx = real_parts.library("httpx")
    async with httpx.AsyncClient() as client, client.stream("GET", url) as got:
        yield got


@asynccontextmanager
async def _async_httpx2(url: str) -> AsyncIterator[Any]:
    httpx2 = real_parts.library("httpx2")
    async with httpx2.AsyncClient() as client, client.stream("GET", url) as got:
        yield got


@asynccontextmanager
async def _aiohttp(url: str) -> AsyncIterator[Any]:
    aiohttp = real_parts.library("aiohttp")
    async with aiohttp.ClientSession() as session, session.get(url) as got:
        yield got


@asynccontextmanager
async def _aiohttp_stream(url: str) -> AsyncIterator[Any]:
    async with _aiohttp(url) as got:
        yield got.content


@asynccontextmanager
async def _async_niquests(url: str) -> AsyncIterator[Any]:
    niquests = real_parts.library("niquests")
    async with niquests.AsyncSession() as session:
        yield await session.get(url, stream=True)


@asynccontextmanager
async def _async_curl(url: str) -> AsyncIterator[Any]:
    async with real_parts.library("curl_cffi.requests").AsyncSession() as session:
        yield await session.get(url, stream=True)


ASYNC = [_async_httpx, _async_httpx2, _aiohttp, _aiohttp_stream, _async_niquests, _async_curl]


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until closed"])
@pytest.mark.parametrize("get", SYNC)
def test_a_value_comes_out_before_the_server_goes_on(get: Callable[[str], Any], chunked: bool) -> None:
    go_on = threading.Event()
    with serving(response(LINES[0], go_on, LINES[1], chunked=chunked)) as server, get(server.url) as got:
        stream = ndstream.ndjson(got)
        assert isinstance(stream, ndstream.Stream)
        assert next(stream) == VALUES[0]
        assert not go_on.is_set()
        go_on.set()
        assert list(stream) == VALUES[1:]
        assert stream.closed


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until closed"])
@pytest.mark.parametrize("get", ASYNC)
def test_a_value_comes_out_of_an_async_client_before_the_server_goes_on(
    get: Callable[[str], Any], chunked: bool
) -> None:
    async def main(url: str) -> None:
        async with get(url) as got, ndstream.ndjson(got) as stream:
            assert isinstance(stream, ndstream.AsyncStream)
            assert await stream.__anext__() == VALUES[0]
            assert not go_on.is_set()
            go_on.set()
            assert [value async for value in stream] == VALUES[1:]
            assert stream.closed

    go_on = threading.Event()
    with serving(response(LINES[0], go_on, LINES[1], chunked=chunked)) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("get", [get for get in SYNC if get not in (_http_client, _urllib)])
def test_a_compressed_body_comes_decompressed(get: Callable[[str], Any]) -> None:
    body = gzip.compress(b"".join(LINES))
    answer = response(body[:12], body[12:20], body[20:], headers="Content-Encoding: gzip\r\n")
    with serving(answer) as server, get(server.url) as got:
        assert list(ndstream.ndjson(got)) == VALUES


@pytest.mark.parametrize("get", ASYNC)
def test_a_compressed_body_of_an_async_client_comes_decompressed(get: Callable[[str], Any]) -> None:
    async def main(url: str) -> list[Any]:
        async with get(url) as got:
            return [value async for value in ndstream.ndjson(got)]

    body = gzip.compress(b"".join(LINES))
    with serving(response(body[:12], body[12:20], body[20:], headers="Content-Encoding: gzip\r\n")) as server:
        assert asyncio.run(main(server.url)) == VALUES


def test_a_compressed_body_that_nobody_decompresses_is_called_so() -> None:
    body = gzip.compress(b"".join(LINES))
    with serving(response(body, headers="Content-Encoding: gzip\r\n")) as server, _urllib(server.url) as got:
        with pytest.raises(ndstream.StreamError, match="compressed") as caught:
            list(ndstream.ndjson(got))
        assert "identity" in str(caught.value)


@pytest.mark.parametrize("get", SYNC)
def test_the_content_type_tells_the_framing(get: Callable[[str], Any]) -> None:
    # By its first bytes this would be NDJSON.
    answer = response(b"x\ndata: 1\n\n", kind="Text/Event-Stream; charset=utf-8")
    with serving(answer) as server, get(server.url) as got:
        assert list(ndstream.stream(got)) == [1]


@pytest.mark.parametrize("get", ASYNC[:3] + ASYNC[4:])
def test_the_content_type_of_an_async_client_tells_the_framing(get: Callable[[str], Any]) -> None:
    async def main(url: str) -> list[Any]:
        async with get(url) as got:
            return [value async for value in ndstream.stream(got)]

    with serving(response(b"x\ndata: 1\n\n", kind="text/event-stream")) as server:
        assert asyncio.run(main(server.url)) == [1]


@pytest.mark.parametrize("get", SYNC)
def test_a_response_that_was_consumed_is_refused(get: Callable[[str], Any]) -> None:
    with serving(response(*LINES)) as server, get(server.url) as got:
        assert list(ndstream.ndjson(got)) == VALUES
        with pytest.raises((TypeError, RuntimeError)) as caught:
            list(ndstream.ndjson(got))
        assert not isinstance(caught.value, ndstream.StreamError)


@pytest.mark.parametrize("get", ASYNC[:3] + ASYNC[4:])
def test_a_response_of_an_async_client_that_was_consumed_is_refused(get: Callable[[str], Any]) -> None:
    async def main(url: str) -> None:
        async with get(url) as got:
            assert [value async for value in ndstream.ndjson(got)] == VALUES
            with pytest.raises((TypeError, RuntimeError)) as caught:
                assert [value async for value in ndstream.ndjson(got)] == []
            assert not isinstance(caught.value, ndstream.StreamError)

    with serving(response(*LINES)) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until closed"])
@pytest.mark.parametrize("name", ["httpx", "httpx2", "requests", "niquests", "urllib3", "curl_cffi.requests"])
def test_a_response_that_was_read_whole_gives_its_body_again(name: str, chunked: bool) -> None:
    library = real_parts.library(name)
    with serving(response(*LINES, chunked=chunked)) as server:
        get = library.PoolManager().request if name == "urllib3" else library.request
        got = get("GET", server.url)
        assert list(ndstream.ndjson(got)) == VALUES


@pytest.mark.parametrize("name", ["httpx", "httpx2", "aiohttp", "niquests", "curl_cffi.requests"])
def test_a_response_of_an_async_client_that_was_read_whole_gives_its_body_again(name: str) -> None:
    library = real_parts.library(name)
    session = getattr(
        library, {"httpx": "AsyncClient", "httpx2": "AsyncClient", "aiohttp": "ClientSession"}.get(name, "AsyncSession")
    )

    async def main(url: str) -> list[Any]:
        async with session() as client:
            got = await client.get(url)
            if name == "aiohttp":
                await got.read()
            stream = ndstream.ndjson(got)
            return [value async for value in stream] if isinstance(stream, ndstream.AsyncStream) else list(stream)

    with serving(response(*LINES)) as server:
        assert asyncio.run(main(server.url)) == VALUES


def test_a_streamed_response_of_niquests_that_was_read_whole_gives_its_body_again() -> None:
    async def main(url: str) -> list[Any]:
        async with real_parts.library("niquests").AsyncSession() as client:
            got = await client.get(url, stream=True)
            await got.content
            return [value async for value in ndstream.ndjson(got)]

    with serving(response(*LINES)) as server:
        assert asyncio.run(main(server.url)) == VALUES


def test_a_response_of_niquests_that_its_own_iteration_consumed_is_refused() -> None:
    async def main(url: str) -> None:
        async with real_parts.library("niquests").AsyncSession() as client:
            got = await client.get(url, stream=True)
            assert b"".join([chunk async for chunk in got]) == b"".join(LINES)
            with pytest.raises(TypeError):
                [value async for value in ndstream.ndjson(got)]

    with serving(response(*LINES)) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "until closed"])
def test_a_response_of_niquests_that_was_closed_unread_is_refused(chunked: bool) -> None:
    with serving(response(*LINES, chunked=chunked)) as server:
        got = real_parts.library("niquests").get(server.url, stream=True)
        got.close()
        with pytest.raises(TypeError, match="read or closed already"):
            ndstream.ndjson(got)


def test_a_body_that_urllib3_read_from_a_file_is_given_again() -> None:
    urllib3 = real_parts.library("urllib3")
    got = urllib3.HTTPResponse(io.BytesIO(b'{"a":1}\n'))
    assert list(ndstream.ndjson(got)) == [{"a": 1}]


@pytest.mark.parametrize("get", SYNC)
def test_an_empty_body_is_an_empty_stream(get: Callable[[str], Any]) -> None:
    for head in (b"204 No Content\r\nConnection: close\r\n", b"200 OK\r\nContent-Length: 0\r\nConnection: close\r\n"):
        with serving([b"HTTP/1.1 %b\r\n" % head]) as server, get(server.url) as got:
            assert list(ndstream.stream(got)) == []


@pytest.mark.parametrize("get", ASYNC)
def test_an_empty_body_of_an_async_client_is_an_empty_stream(get: Callable[[str], Any]) -> None:
    async def main(url: str) -> list[Any]:
        async with get(url) as got:
            return [value async for value in ndstream.stream(got)]

    for head in (b"204 No Content\r\nConnection: close\r\n", b"200 OK\r\nContent-Length: 0\r\nConnection: close\r\n"):
        with serving([b"HTTP/1.1 %b\r\n" % head]) as server:
            assert asyncio.run(main(server.url)) == []


@pytest.mark.parametrize("get", SYNC)
def test_a_connection_that_breaks_is_a_truncated_stream(get: Callable[[str], Any]) -> None:
    answer = response(*LINES, b"[3")[:-1]
    answer[0] = answer[0].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")  # type: ignore[union-attr]
    with serving(answer) as server, get(server.url) as got:
        stream = ndstream.ndjson(got)
        assert [next(stream), next(stream)] == VALUES
        with pytest.raises(ndstream.TruncatedError) as caught:
            next(stream)
        error = caught.value
        assert (error.reason, error.frame, error.offset) == ("source_failed", b"[3", 16)
        assert error.__cause__ is not None
        assert "2 frames" in str(error)
        assert stream.closed


@pytest.mark.parametrize("name", ["httpx", "httpx2", "requests", "urllib3", "niquests", "urllib"])
def test_a_read_timeout_of_a_client_has_a_reason_of_its_own(name: str) -> None:
    go_on = threading.Event()
    with serving(response(b"1\n[", go_on)) as server, ExitStack() as stack:
        stack.callback(go_on.set)
        if name == "urllib":
            got: Any = urllib.request.urlopen(server.url, timeout=0.1)
        elif name == "urllib3":
            pool = real_parts.library(name).PoolManager()
            got = pool.request("GET", server.url, preload_content=False, timeout=0.1)
        elif name in ("requests", "niquests"):
            session = stack.enter_context(real_parts.library(name).Session())
            got = session.get(server.url, stream=True, timeout=0.1)
        else:
            client = stack.enter_context(real_parts.library(name).Client(verify=False, timeout=0.1))
            got = client.send(client.build_request("GET", server.url), stream=True)
        stream = ndstream.ndjson(got)
        assert next(stream) == 1
        with pytest.raises(ndstream.TruncatedError, match="read timeout") as caught:
            next(stream)
        assert (caught.value.reason, caught.value.frame, caught.value.offset) == ("timeout", b"[", 2)


@pytest.mark.parametrize("name", ["httpx", "httpx2", "aiohttp", "niquests"])
def test_a_read_timeout_of_an_async_client_has_a_reason_of_its_own(name: str) -> None:
    library = real_parts.library(name)
    go_on = threading.Event()

    async def main(url: str) -> None:
        if name == "aiohttp":
            client = library.ClientSession(timeout=library.ClientTimeout(sock_read=0.1))
        elif name == "niquests":
            client = library.AsyncSession()
        else:
            client = library.AsyncClient(verify=False, timeout=0.1)
        async with client:
            if name == "aiohttp":
                got = await client.get(url)
            elif name == "niquests":
                got = await client.get(url, stream=True, timeout=0.1)
            else:
                got = await client.send(client.build_request("GET", url), stream=True)
            stream = ndstream.ndjson(got)
            assert await stream.__anext__() == 1
            with pytest.raises(ndstream.TruncatedError) as caught:
                await stream.__anext__()
            assert caught.value.reason == "timeout"

    with serving(response(b"1\n", go_on)) as server:
        asyncio.run(main(server.url))
        go_on.set()


def test_a_reset_is_not_called_a_timeout() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"1\n"
        raise ConnectionResetError("reset")

    with pytest.raises(ndstream.TruncatedError) as caught:
        list(ndstream.ndjson(chunks()))
    assert caught.value.reason == "source_failed"
