"""httpx: the response of ``stream``."""

from typing import Any

import httpx

import ndstream


def main(url: str) -> list[Any]:
    with httpx.stream("GET", url, timeout=httpx.Timeout(10, read=60)) as response:
        response.raise_for_status()
        return list(ndstream.stream(response))
