"""requests: with ``stream=True``, or the whole body is read first."""

from typing import Any

import requests

import ndstream


def main(url: str) -> list[Any]:
    with requests.get(url, stream=True, timeout=(10, 60)) as response:
        response.raise_for_status()
        return list(ndstream.stream(response))
