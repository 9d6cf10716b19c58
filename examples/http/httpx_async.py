"""httpx, async: the same response, told apart by its client."""

from typing import Any

import httpx

import ndstream


async def main(url: str) -> list[Any]:
    timeout = httpx.Timeout(10, read=None)
    async with httpx.AsyncClient(timeout=timeout) as client, client.stream("GET", url) as response:
        response.raise_for_status()
        async with ndstream.stream(response, idle_timeout=60) as stream:
            return [value async for value in stream]
