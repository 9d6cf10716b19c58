"""curl_cffi: with ``stream=True``, or the whole body is read first."""

from typing import Any

from curl_cffi import requests

import ndstream


def main(url: str) -> list[Any]:
    with requests.Session() as session:
        response = session.get(url, stream=True)
        response.raise_for_status()
        with ndstream.stream(response) as stream:
            return list(stream)
