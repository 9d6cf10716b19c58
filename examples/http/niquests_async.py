"""niquests, async."""

from typing import Any

import niquests

import ndstream


async def main(url: str) -> list[Any]:
    async with niquests.AsyncSession() as session:
        response = await session.get(url, stream=True)
        response.raise_for_status()
        async with ndstream.stream(response, idle_timeout=60) as stream:
            return [value async for value in stream]
