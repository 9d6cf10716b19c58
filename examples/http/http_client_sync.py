"""http.client of the standard library. It does not decompress."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import ndstream


def main(url: str) -> list[Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request("GET", parts.path or "/")
        return list(ndstream.stream(connection.getresponse()))
    finally:
        connection.close()
