"""The clients that are awaited, each opened as its own manual says and handed over as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from .clients import AsyncOpen, Awaiting
from .scripted_server import PATIENCE


@asynccontextmanager
async def httpx(name: str) -> AsyncIterator[AsyncOpen]:
    library: Any = import_module(name)
    async with library.AsyncClient(verify=False, timeout=PATIENCE, trust_env=False) as client:
        yield lambda url: client.send(client.build_request("GET", url), stream=True)


@asynccontextmanager
async def aiohttp() -> AsyncIterator[AsyncOpen]:
    library: Any = import_module("aiohttp")
    async with library.ClientSession(timeout=library.ClientTimeout(PATIENCE)) as session:
        # What it returns can be awaited, but is no coroutine.
        yield lambda url: session.get(url)


@asynccontextmanager
async def niquests() -> AsyncIterator[AsyncOpen]:
    library: Any = import_module("niquests")
    async with library.AsyncSession() as session:
        session.trust_env = False
        session.verify = False
        yield partial(session.get, stream=True, timeout=PATIENCE)


@asynccontextmanager
async def curl_cffi() -> AsyncIterator[AsyncOpen]:
    library: Any = import_module("curl_cffi")
    async with library.AsyncSession(trust_env=False) as session:
        yield partial(session.get, stream=True, timeout=PATIENCE)


@asynccontextmanager
async def tornado() -> AsyncIterator[AsyncOpen]:
    """Its client pushes chunks into a callback, so what is handed over is an async generator over them."""
    library: Any = import_module("tornado.httpclient")
    client = library.AsyncHTTPClient(force_instance=True)

    async def open(url: str) -> AsyncIterator[bytes]:
        chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        fetched = asyncio.ensure_future(
            client.fetch(url, streaming_callback=chunks.put_nowait, request_timeout=PATIENCE)
        )
        fetched.add_done_callback(lambda _: chunks.put_nowait(None))

        async def body() -> AsyncIterator[bytes]:
            while (chunk := await chunks.get()) is not None:
                yield chunk
            fetched.result()

        return body()

    try:
        yield open
    finally:
        client.close()


def request(url: str) -> bytes:
    return f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@asynccontextmanager
async def tornado_iostream() -> AsyncIterator[AsyncOpen]:
    library: Any = import_module("tornado.tcpclient")
    client = library.TCPClient()

    async def open(url: str) -> Any:
        stream = await client.connect(urlsplit(url).hostname, urlsplit(url).port)
        await stream.write(request(url))
        await stream.read_until(b"\r\n\r\n")
        return stream

    try:
        yield open
    finally:
        client.close()


@asynccontextmanager
async def asyncio_streams() -> AsyncIterator[AsyncOpen]:
    """A reader cannot close its connection: whoever opened it closes the writer."""
    async with AsyncExitStack() as writers:

        async def close(writer: asyncio.StreamWriter) -> None:
            writer.close()
            try:
                await writer.wait_closed()
            except ConnectionError:
                return

        async def open(url: str) -> asyncio.StreamReader:
            reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
            writers.push_async_callback(close, writer)
            writer.write(request(url))
            await reader.readuntil(b"\r\n\r\n")
            return reader

        yield open


@asynccontextmanager
async def anyio_stream() -> AsyncIterator[AsyncOpen]:
    anyio: Any = import_module("anyio")

    async def open(url: str) -> Any:
        stream = await anyio.connect_tcp(urlsplit(url).hostname, urlsplit(url).port)
        await stream.send(request(url))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await stream.receive(1)
        return stream

    yield open


@asynccontextmanager
async def trio_stream() -> AsyncIterator[AsyncOpen]:
    trio: Any = import_module("trio")

    async def open(url: str) -> Any:
        stream = await trio.open_tcp_stream(urlsplit(url).hostname, urlsplit(url).port)
        await stream.send_all(request(url))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await stream.receive_some(1)
        return stream

    yield open


def by_method(name: str) -> Callable[[Any], AsyncIterator[bytes]]:
    def chunks(response: Any) -> AsyncIterator[bytes]:
        iterator: AsyncIterator[bytes] = getattr(response, name)()
        return iterator

    return chunks


async def niquests_chunks(response: Any) -> AsyncIterator[bytes]:
    async for chunk in await response.iter_content(-1):
        yield chunk


def aiohttp_chunks(response: Any) -> AsyncIterator[bytes]:
    iterator: AsyncIterator[bytes] = response.content.iter_any()
    return iterator


def itself(chunks: Any) -> AsyncIterator[bytes]:
    iterator: AsyncIterator[bytes] = chunks.__aiter__()
    return iterator


async def read_some(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await reader.read(65536):
        yield chunk


async def read_partial(stream: Any) -> AsyncIterator[bytes]:
    closed: Any = import_module("tornado.iostream").StreamClosedError
    while True:
        try:
            yield await stream.read_bytes(65536, partial=True)
        except closed as error:
            if error.real_error is not None:
                raise
            return


GENERATORS = r"ResourceWarning: Async generator '(httpx|httpcore)2?\._"
"""Theirs, one inside the other, are not closed by closing the outermost nor the response; trio minds."""

STAYS = "tornado has no way to end a fetch early"
LOSES = "tornado drops what it has not handed out when its connection is lost"
TORNADO = {
    **dict.fromkeys(("leave", "exception", "drop", "cancel", "leave ahead", "cancel ahead"), STAYS),
    **dict.fromkeys(("cut inside", "cut between"), LOSES),
    "reset": "tornado's fetch does not end when its connection is reset, but by its timeout",
}

AWAITING = [
    Awaiting("httpx", ("httpx",), partial(httpx, "httpx"), by_method("aiter_bytes")),
    Awaiting(
        "httpx, trio",
        ("httpx", "trio"),
        partial(httpx, "httpx"),
        by_method("aiter_bytes"),
        backend="trio",
        complains=GENERATORS,
    ),
    Awaiting("httpx2", ("httpx2",), partial(httpx, "httpx2"), by_method("aiter_bytes")),
    Awaiting(
        "httpx2, trio",
        ("httpx2", "trio"),
        partial(httpx, "httpx2"),
        by_method("aiter_bytes"),
        backend="trio",
        complains=GENERATORS,
    ),
    Awaiting("aiohttp", ("aiohttp",), aiohttp, aiohttp_chunks, closes="release"),
    Awaiting("niquests", ("niquests",), niquests, niquests_chunks, closes="close"),
    Awaiting("curl_cffi", ("curl_cffi",), curl_cffi, by_method("aiter_content"), closes=""),
    Awaiting("tornado callback", ("tornado",), tornado, itself, pools=False, leaves=TORNADO),
    Awaiting(
        "tornado IOStream", ("tornado",), tornado_iostream, read_partial, closes="close", speaks="raw", pools=False
    ),
    Awaiting("asyncio StreamReader", (), asyncio_streams, read_some, speaks="raw", pools=False, releases=False),
    Awaiting("anyio SocketStream", ("anyio",), anyio_stream, itself, speaks="raw", pools=False),
    Awaiting(
        "anyio SocketStream, trio", ("anyio", "trio"), anyio_stream, itself, speaks="raw", pools=False, backend="trio"
    ),
    Awaiting("trio SocketStream", ("trio",), trio_stream, itself, speaks="raw", pools=False, backend="trio"),
]
