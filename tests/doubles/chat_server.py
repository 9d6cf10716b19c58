"""A server for ``ndstream chat``: it answers each request with a script, in the format of any wire."""

from __future__ import annotations

import json
import select
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from ndstream._cli.main import _run

COMMAND = [sys.executable, "-m", "ndstream", "chat", "--model", "m"]
PATIENCE = 60
"""Seconds after which a test that hangs is given up; nothing is measured with it."""


def sse(*frames: Any) -> list[bytes]:
    return [b"data: %b\n\n" % json.dumps(frame).encode() for frame in frames]


def typed(*frames: dict[str, Any]) -> list[bytes]:
    return [b"event: %b\ndata: %b\n\n" % (frame["type"].encode(), json.dumps(frame).encode()) for frame in frames]


def chat_chunk(finish: str | None = None, **delta: str) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


TEXT = "Hi there\n\x1b[31mfriend"
"""What each wire's server says, with a control sequence for the terminal in it."""
DONE = b"data: [DONE]\n\n"
OLLAMA = [
    json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, "done": not text} | end).encode()
    + b"\n"
    for text, end in (
        (TEXT[:5], {}),
        (TEXT[5:], {}),
        ("", {"done_reason": "stop", "eval_count": 4, "eval_duration": 2_000_000_000}),
    )
]
CHAT = [
    *sse(chat_chunk(role="assistant", content=""), chat_chunk(content=TEXT[:5]), chat_chunk(content=TEXT[5:])),
    *sse(chat_chunk("stop"), {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}}),
    DONE,
]


class Request(NamedTuple):
    path: str
    headers: dict[str, str]
    body: Any


class Server:
    """Answers each request with the next script: a status, headers, and chunks or events to wait for."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.status = 200
        self.headers = {"Content-Type": "text/event-stream"}
        self.chunks: Iterable[bytes | threading.Event] = ()
        self.clean_end = True
        self.left = threading.Event()
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[Server]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append(Request(self.path, headers, json.loads(body)))
                self.send_response(server.status)
                for name, value in {**server.headers, "Transfer-Encoding": "chunked", "Connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for chunk in server.chunks:
                        if isinstance(chunk, threading.Event):
                            self.wait(chunk)
                        else:
                            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    if server.clean_end:
                        self.wfile.write(b"0\r\n\r\n")
                except ConnectionError:
                    server.left.set()

            def wait(self, event: threading.Event) -> None:
                """Wait for the event, or for the client to hang up."""
                while not event.wait(0.01):
                    if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1):
                        raise ConnectionResetError

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
            self.url = f"http://127.0.0.1:{listening.server_port}"
            thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                listening.shutdown()
                thread.join()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command's status, and what it wrote to standard output and standard error."""
    status = _run(["chat", "--model", "m", *arguments])
    return (status, *capsys.readouterr())


MESSAGES = [{"role": "user", "content": "say hi"}]
