"""urllib3: with ``preload_content=False``, or the whole body is read first."""

from typing import Any

import urllib3

import ndstream


def main(url: str) -> list[Any]:
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=10, read=60))
    response = pool.request("GET", url, preload_content=False)
    with ndstream.stream(response) as stream:
        return list(stream)
