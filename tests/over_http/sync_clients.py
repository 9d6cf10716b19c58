"""The clients that block, each opened as its own manual says and handed over as it is."""

from __future__ import annotations

import http.client
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from .clients import Blocking, Open
from .scripted_server import PATIENCE


@contextmanager
def httpx(name: str) -> Iterator[Open]:
    library: Any = import_module(name)
    with library.Client(verify=False, timeout=PATIENCE, trust_env=False) as client:
        yield lambda url: client.send(client.build_request("GET", url), stream=True)


@contextmanager
def requests() -> Iterator[Open]:
    library: Any = import_module("requests")
    with library.Session() as session:
        session.trust_env = False
        yield partial(session.get, stream=True, timeout=PATIENCE)


@contextmanager
def urllib3() -> Iterator[Open]:
    library: Any = import_module("urllib3")
    with library.PoolManager(timeout=PATIENCE, retries=False) as pool:
        headers = library.util.make_headers(accept_encoding=True)
        yield lambda url: pool.request("GET", url, preload_content=False, headers=headers)


@contextmanager
def http_client() -> Iterator[Open]:
    def open(url: str) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
        # The connection is then the response's own, and goes with it.
        connection.request("GET", parts.path, headers={"Connection": "close"})
        return connection.getresponse()

    yield open


@contextmanager
def urllib_request() -> Iterator[Open]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    yield partial(opener.open, timeout=PATIENCE)


@contextmanager
def niquests() -> Iterator[Open]:
    library: Any = import_module("niquests")
    with library.Session() as session:
        session.trust_env = False
        session.verify = False
        yield partial(session.get, stream=True, timeout=PATIENCE)


@contextmanager
def curl_cffi() -> Iterator[Open]:
    library: Any = import_module("curl_cffi")
    with library.Session(trust_env=False) as session:
        yield partial(session.get, stream=True, timeout=PATIENCE)


@contextmanager
def plain_socket() -> Iterator[Open]:
    def open(url: str) -> socket.socket:
        parts = urlsplit(url)
        connection = socket.create_connection((parts.hostname, parts.port or 80), PATIENCE)
        connection.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        return connection

    yield open


@contextmanager
def pipe() -> Iterator[Open]:
    command = ["curl", "--silent", "--no-buffer", "--noproxy", "*"]
    with ExitStack() as processes:

        def open(url: str) -> Any:
            process = subprocess.Popen([*command, url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            processes.callback(process.wait, PATIENCE)
            processes.callback(process.terminate)
            return process.stdout

        yield open


def by_method(name: str, *arguments: Any) -> Callable[[Any], Iterator[bytes]]:
    def chunks(response: Any) -> Iterator[bytes]:
        return iter(getattr(response, name)(*arguments))

    return chunks


def read1(response: Any) -> Iterator[bytes]:
    return iter(partial(response.read1, 65536), b"")


def recv(connection: socket.socket) -> Iterator[bytes]:
    return iter(partial(connection.recv, 65536), b"")


BLOCKING = [
    Blocking("httpx", ("httpx",), partial(httpx, "httpx"), by_method("iter_bytes")),
    Blocking("httpx2", ("httpx2",), partial(httpx, "httpx2"), by_method("iter_bytes")),
    Blocking("requests", ("requests",), requests, by_method("iter_content", None)),
    Blocking("urllib3", ("urllib3",), urllib3, by_method("stream", None)),
    Blocking("http.client", (), http_client, read1, pools=False),
    Blocking("urllib.request", (), urllib_request, read1, pools=False),
    Blocking("niquests", ("niquests",), niquests, by_method("iter_content", -1)),
    # A stream of its sync session has a handle, and so a connection, of its own; and close() waits for
    # libcurl's thread, which looks up when bytes arrive.
    Blocking("curl_cffi", ("curl_cffi",), curl_cffi, by_method("iter_content"), pools=False, ticks=True),
    Blocking("socket", (), plain_socket, recv, speaks="raw", pools=False),
    # Closing the pipe does not end the process, which may wait for the server: it belongs to who started it.
    Blocking(
        "pipe of curl",
        (),
        pipe,
        read1,
        command="curl",
        speaks="raw",
        pools=False,
        releases=False,
        leaves={"leave ahead": "nothing interrupts the read of a pipe: its thread closes it when that returns"},
    ),
]
