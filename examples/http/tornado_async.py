"""tornado calls back with each chunk: a queue makes an async iterable of that."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tornado.httpclient import AsyncHTTPClient

import ndstream


async def main(url: str) -> list[Any]:
    async with ndstream.stream(chunks(url), idle_timeout=60) as stream:
        return [value async for value in stream]


async def chunks(url: str) -> AsyncIterator[bytes]:
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    fetch = asyncio.ensure_future(
        AsyncHTTPClient().fetch(url, streaming_callback=queue.put_nowait, connect_timeout=10, request_timeout=0)
    )
    fetch.add_done_callback(lambda _: queue.put_nowait(b""))
    while chunk := await queue.get():
        yield chunk
    # What went wrong, if anything did.
    await fetch
