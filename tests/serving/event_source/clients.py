"""What ``connect`` is with each HTTP client: sync ones by `SYNC`, async ones by `ASYNC`."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import real_parts

Connect = Callable[[dict[str, str]], Any]
GUARD = 20.0


def _httpx(name: str) -> Callable[[str], Any]:
    @contextmanager
    def using(url: str) -> Iterator[Connect]:
        with real_parts.library(name).Client(timeout=GUARD) as client:
            yield lambda headers: client.stream("GET", url, headers=headers)

    return using


@contextmanager
def _requests(url: str) -> Iterator[Connect]:
    with real_parts.library("requests").Session() as session:
        yield lambda headers: session.get(url, headers=headers, stream=True, timeout=GUARD)


@contextmanager
def _niquests(url: str) -> Iterator[Connect]:
    with real_parts.library("niquests").Session() as session:
        yield lambda headers: session.get(url, headers=headers, stream=True, timeout=GUARD)


@contextmanager
def _urllib3(url: str) -> Iterator[Connect]:
    pool = real_parts.library("urllib3").PoolManager(timeout=GUARD, retries=False)
    yield lambda headers: pool.request("GET", url, headers=headers, preload_content=False)
    pool.clear()


@contextmanager
def _curl_cffi(url: str) -> Iterator[Connect]:
    with real_parts.library("curl_cffi").Session(timeout=GUARD) as session:
        yield lambda headers: session.get(url, headers=headers, stream=True)


@contextmanager
def _urllib_request(url: str) -> Iterator[Connect]:
    yield lambda headers: urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=GUARD)


@contextmanager
def _http_client(url: str) -> Iterator[Connect]:
    parts = urlsplit(url)

    @contextmanager
    def connect(headers: dict[str, str]) -> Iterator[Any]:
        connection = http.client.HTTPConnection(parts.netloc, timeout=GUARD)
        try:
            connection.request("GET", parts.path, headers=headers)
            yield connection.getresponse()
        finally:
            connection.close()

    yield connect


def _httpx_async(name: str) -> Callable[[str], Any]:
    @asynccontextmanager
    async def using(url: str) -> AsyncIterator[Connect]:
        async with real_parts.library(name).AsyncClient(timeout=GUARD) as client:
            yield lambda headers: client.stream("GET", url, headers=headers)

    return using


@asynccontextmanager
async def _aiohttp(url: str) -> AsyncIterator[Connect]:
    async with real_parts.library("aiohttp").ClientSession() as session:
        yield lambda headers: session.get(url, headers=headers)


@asynccontextmanager
async def _niquests_async(url: str) -> AsyncIterator[Connect]:
    async with real_parts.library("niquests").AsyncSession() as session:
        yield lambda headers: session.get(url, headers=headers, stream=True, timeout=GUARD)


@asynccontextmanager
async def _curl_cffi_async(url: str) -> AsyncIterator[Connect]:
    async with real_parts.library("curl_cffi").AsyncSession(timeout=GUARD) as session:
        yield lambda headers: session.get(url, headers=headers, stream=True)


SYNC: dict[str, Callable[[str], Any]] = {
    "httpx": _httpx("httpx"),
    "httpx2": _httpx("httpx2"),
    "requests": _requests,
    "niquests": _niquests,
    "urllib3": _urllib3,
    "curl_cffi": _curl_cffi,
    "urllib.request": _urllib_request,
    "http.client": _http_client,
}
ASYNC: dict[str, Callable[[str], Any]] = {
    "httpx": _httpx_async("httpx"),
    "httpx2": _httpx_async("httpx2"),
    "aiohttp": _aiohttp,
    "niquests": _niquests_async,
    "curl_cffi": _curl_cffi_async,
}
