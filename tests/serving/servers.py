"""Servers of other people in processes of their own, with an application of `applications` in them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import real_parts

PATIENCE = 20.0
TESTS = Path(__file__).resolve().parents[1]

GET = "pip install 'ndstream[test-serving]'"
MODULES = {"aiohttp.web": "aiohttp", "starlette-asgi": "starlette"}

ASGI = ("starlette", "starlette-asgi", "fastapi", "litestar", "django")
PAIRS = [
    *((framework, server) for framework in ASGI for server in ("uvicorn", "hypercorn", "granian")),
    ("quart", "hypercorn"),
    ("quart", "uvicorn"),
    ("aiohttp.web", "aiohttp.web"),
    ("flask", "waitress"),
    ("flask", "gunicorn"),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port: int = chosen.getsockname()[1]
        return port


@contextmanager
def serving(framework: str, server: str) -> Iterator[int]:
    """Serve an application; the port. It is skipped if a part of it is missing."""
    for part in (framework, server):
        real_parts.library(MODULES.get(part, part), GET)
    port = free_port()
    command = [sys.executable, "-m", "serving.applications", framework, server, str(port)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    process = subprocess.Popen(command, env=environment, cwd=TESTS, start_new_session=True)
    try:
        until(lambda: listens(port) or process.poll() is not None)
        assert process.poll() is None, f"{framework} in {server} did not start"
        yield port
    finally:
        # Some of these have workers.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


@contextmanager
def program(command: list[str], folder: Path, port: int, upstream: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that serves on a port, both of which it is told by its environment, until the block ends."""
    environment = {**os.environ, "UPSTREAM": upstream, "PORT": str(port)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        try:
            assert until(lambda: listens(port) or process.poll() is not None)
            assert process.poll() is None, f"it does not start: {command}"
            yield process
        finally:
            # Some of these have workers, and some have ended.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def until(condition: Callable[[], bool]) -> bool:
    """Wait for something; whether it came."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


class Client:
    """A client that reads as much as a test wants, and then leaves."""

    def __init__(self, port: int, path: str, method: str = "GET", *, version: str = "1.1", headers: str = "") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.sendall(f"{method} {path} HTTP/{version}\r\nHost: localhost\r\n{headers}\r\n".encode())
        self.received = b""

    def read_until(self, needle: bytes) -> bytes:
        while needle not in self.received:
            got = self.socket.recv(4096)
            assert got, self.received
            self.received += got
        return self.received

    def read_all(self) -> bytes:
        deadline = time.monotonic() + PATIENCE
        while got := self.socket.recv(65536):
            # Heartbeats would keep it reading for ever.
            assert time.monotonic() < deadline, self.received[-1000:]
            self.received += got
        return self.received

    def leave(self) -> None:
        self.socket.close()


def get(port: int, path: str, headers: str = "") -> bytes:
    """The whole answer of a short request."""
    client = Client(port, path, headers=headers)
    client.read_until(b"\r\n\r\n")
    head, _, body = client.received.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    if lengths:
        while len(body) < int(lengths[0].partition(b":")[2]):
            body += client.socket.recv(4096)
    else:
        client.read_until(b"0\r\n\r\n")
        body = client.received.partition(b"\r\n\r\n")[2]
    client.leave()
    return head + b"\r\n\r\n" + body
