"""aiohttp: the response, once it is entered."""

from typing import Any

import aiohttp

import ndstream


async def main(url: str) -> list[Any]:
    # Without this, five minutes are all that a response may take.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
        response.raise_for_status()
        async with ndstream.stream(response, idle_timeout=60) as stream:
            return [value async for value in stream]
