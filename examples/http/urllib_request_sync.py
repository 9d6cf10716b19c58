"""urllib.request of the standard library. It does not decompress."""

import urllib.request
from typing import Any

import ndstream


def main(url: str) -> list[Any]:
    with urllib.request.urlopen(url, timeout=60) as response:
        return list(ndstream.stream(response))
