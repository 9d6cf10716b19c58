"""httpx2: the response of ``stream``."""

from typing import Any

import httpx2

import ndstream


def main(url: str) -> list[Any]:
    with httpx2.stream("GET", url, timeout=httpx2.Timeout(10, read=60)) as response:
        response.raise_for_status()
        return list(ndstream.stream(response))
