"""HTTP clients in their simplest use: how each gets a response whose body is still to be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import real_parts


def _httpx(name: str) -> Callable[[], Any]:
    def make() -> Any:
        client = real_parts.library(name).Client(verify=False)
        return client, lambda url: client.send(client.build_request("GET", url), stream=True)

    return make


def _requests() -> Any:
    session = real_parts.library("requests").Session()
    return session, lambda url: session.get(url, stream=True)


def _urllib3() -> Any:
    pool = real_parts.library("urllib3").PoolManager()
    pool.close = pool.clear
    return pool, lambda url: pool.request("GET", url, preload_content=False)


def _niquests() -> Any:
    session = real_parts.library("niquests").Session()
    return session, lambda url: session.get(url, stream=True)


def _http_client() -> Any:
    import http.client

    made: list[Any] = []

    class Client:
        def close(self) -> None:
            made[0].close()

    def get(url: str) -> Any:
        if not made:
            made.append(http.client.HTTPConnection(url.split("/")[2]))
        made[0].request("GET", "/")
        return made[0].getresponse()

    return Client(), get


CLIENTS: dict[str, Callable[[], Any]] = {
    "httpx": _httpx("httpx"),
    "httpx2": _httpx("httpx2"),
    "requests": _requests,
    "urllib3": _urllib3,
    "niquests": _niquests,
    "http.client": _http_client,
}


def async_client(name: str) -> Any:
    """An async client, and how it gets a response."""
    library = real_parts.library(name)
    if name == "aiohttp":
        session = library.ClientSession()
        return session, session.get
    if name == "niquests":
        session = library.AsyncSession()
        return session, lambda url: session.get(url, stream=True)
    client = library.AsyncClient(verify=False)
    return client, lambda url: client.send(client.build_request("GET", url), stream=True)


ASYNC_CLIENTS = ["httpx", "httpx2", "aiohttp", "niquests"]


def is_http_client(get: Any) -> bool:
    """What is not read of its response spoils the connection, and only the user has that to close."""
    return bool(get.__qualname__.startswith("_http_client"))
