"""A server that counts in events, and dies whenever it is told to: run as a program, told by lines of its input.

``start`` forks a process that listens, ``kill`` kills it with SIGKILL; each is answered by a line. An event's id is its
number, and a request gets those after its Last-Event-ID, in pieces that end anywhere.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LENGTHS = (1, 2, 7, 30, 200)


def event(number: int) -> bytes:
    return b": to %d\nid: %d\ndata: event\ndata: %d\n\n" % (number, number, number)


def answer(connection: socket.socket, chance: random.Random) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65536)
    number = 0
    for line in request.lower().split(b"\r\n"):
        if line.startswith(b"last-event-id:"):
            number = int(line.partition(b":")[2])
    chunked = chance.random() < 0.5
    framing = b"Transfer-Encoding: chunked" if chunked else b"Connection: close"
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + framing + b"\r\n\r\n")
    left = b""
    while True:
        while len(left) < max(LENGTHS):
            number += 1
            left += event(number)
        length = chance.choice(LENGTHS)
        piece, left = left[:length], left[length:]
        connection.sendall(b"%x\r\n%b\r\n" % (length, piece) if chunked else piece)


def serve(port: int) -> None:
    chance = random.Random(os.getpid())
    # Sockets of the process that was killed before may still be on their way out.
    with socket.create_server(("127.0.0.1", port)) as listener:
        print("started", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer_quietly, args=(connection, chance), daemon=True).start()


def _answer_quietly(connection: socket.socket, chance: random.Random) -> None:
    with suppress(OSError), connection:
        answer(connection, chance)


def main(port: int) -> None:
    child = 0
    for line in sys.stdin:
        if line == "start\n":
            child = os.fork()
            if child == 0:
                serve(port)
        else:
            if child:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                child = 0
            print("killed", flush=True)


class CountingServer:
    """The program, from outside."""

    def __init__(self, port: int) -> None:
        self.kills = 0
        command = [sys.executable, __file__, str(port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self) -> None:
        self._tell("start", "started")

    def kill(self) -> None:
        self.kills += 1
        self._tell("kill", "killed")

    def _tell(self, command: str, expected: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == expected + "\n"


@contextmanager
def counting_server(port: int) -> Iterator[CountingServer]:
    server = CountingServer(port)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.process.communicate(timeout=20)


if __name__ == "__main__":
    main(int(sys.argv[1]))
