"""A server on the loopback interface that answers as a test tells it, byte for byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Part = bytes | threading.Event | Callable[[], object]


def response(*parts: Part, kind: str = "application/x-ndjson", headers: str = "", chunked: bool = True) -> list[Part]:
    """A response whose body comes in these parts; an event in between is waited for."""
    length = "Transfer-Encoding: chunked\r\n" if chunked else "Connection: close\r\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{headers}{length}\r\n".encode()
    body: list[Part] = []
    for part in parts:
        body.append(b"%x\r\n%b\r\n" % (len(part), part) if chunked and isinstance(part, bytes) else part)
    return [head, *body, *([b"0\r\n\r\n"] if chunked else [])]


class Server:
    """Answers each request, on however many connections, by the next of its answers; the last one is repeated.

    Attributes:
        url: Where it listens.
        connections: How many connections were made.
        gone: Set once a client has closed a connection.
    """

    def __init__(self, *answers: list[Part]) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.gone = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while self._request(connection):
                    answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    for part in answer:
                        if isinstance(part, bytes):
                            connection.sendall(part)
                        elif isinstance(part, threading.Event):
                            part.wait(10)
                        else:
                            part()
                    if b"Connection: close" in answer[0]:  # type: ignore[operator]
                        return
            except OSError:
                pass
            self.gone.set()

    def _request(self, connection: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            received = connection.recv(65536)
            if not received:
                return b""
            got += received
        return got

    def close(self) -> None:
        # What waits in a socket goes on waiting when another thread closes it, and keeps it open; a shutdown wakes it.
        _shut_down(self._socket)
        self._accepting.join(10)
        assert not self._accepting.is_alive()
        for connection in self._open:
            _shut_down(connection)
        self._open.clear()


def _shut_down(opened: socket.socket) -> None:
    with suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)
    opened.close()


@contextmanager
def serving(*answers: list[Part]) -> Iterator[Server]:
    """A server for as long as the context lasts."""
    server = Server(*answers)
    try:
        yield server
    finally:
        server.close()
