"""The server of ``ndstream demo``: a sample reply over HTTP on loopback, at the pace of a language model.

It is HTTP/1.1 with chunked transfer coding over a real socket. The same reply comes as NDJSON, in the shape
of Ollama's, and as server-sent events, in the shape of OpenAI's.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import orjson

REPLY = (
    "A stream of tokens is a stream of bytes first. The network cuts it where it likes: in the middle of a "
    "line, between a carriage return and its line feed, inside the two bytes of an é or the four of a 🚀. "
    "ndstream puts the frames together again, hands each one to orjson the moment it is whole, and knows to "
    "the byte where it stands. Blank lines, comments and heartbeats pass by without a word; a frame that is "
    "broken or cut is an error with an offset, and never touches its neighbours. What you see here came "
    "over a real socket, a token at a time, and none of them had to wait for the next."
)
"""The text of the reply. Its tokens are words, with the white space before them."""

_TOKENS = re.findall(r"\s*\S+", REPLY)
_MODEL = "sample-1"


class ReplyFormat(NamedTuple):
    """A framing, and the shape of a reply in it.

    Attributes:
        name: The name of the framing.
        path: Where the server has it.
        content_type: The Content-Type of the response.
        frames: Makes the frames of the reply.
        token: Gives the text of a frame's value; "" if it has none.
    """

    name: str
    path: str
    content_type: str
    frames: Callable[[], Iterator[bytes]]
    token: Callable[[Any], str]


def _ollama_frames() -> Iterator[bytes]:
    for token in (*_TOKENS, ""):
        body = {"model": _MODEL, "message": {"role": "assistant", "content": token}, "done": not token}
        ending = {} if token else {"done_reason": "stop", "eval_count": len(_TOKENS)}
        yield orjson.dumps(body | ending) + b"\n"


def _ollama_token(value: Any) -> str:
    return str(value["message"]["content"])


def _openai_frames() -> Iterator[bytes]:
    for token in (*_TOKENS, ""):
        delta, reason = ({"content": token}, None) if token else ({}, "stop")
        choice = {"delta": delta, "index": 0, "finish_reason": reason}
        body = {"choices": [choice], "object": "chat.completion.chunk", "id": "chatcmpl-1", "model": _MODEL}
        yield b"data: %b\n\n" % orjson.dumps(body)
    yield b"data: [DONE]\n\n"


def _openai_token(value: Any) -> str:
    return str(value["choices"][0]["delta"].get("content", ""))


REPLY_FORMATS = (
    ReplyFormat("NDJSON", "/ndjson", "application/x-ndjson", _ollama_frames, _ollama_token),
    ReplyFormat("SSE", "/sse", "text/event-stream", _openai_frames, _openai_token),
)


@contextmanager
def serve(rate: float) -> Iterator[tuple[str, int]]:
    """Run the server, on a port of its own, for as long as the block lasts.

    Args:
        rate: Frames a second; 0 for as many as possible.

    Returns:
        A context manager that gives the server's host and port.

    Raises:
        OSError: No port is free.

    Example:
        >>> from urllib.request import urlopen
        >>> with serve(rate=0) as (host, port):
        ...     urlopen(f"http://{host}:{port}/ndjson").headers["Content-Type"]
        'application/x-ndjson'
    """
    closing = threading.Event()
    formats = {format.path: format for format in REPLY_FORMATS}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A token is a small packet, which must not wait for the acknowledgement of the one before it.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            reply_format = formats.get(self.path)
            if reply_format is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", reply_format.content_type)
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            # A client may leave before the end.
            with suppress(ConnectionError):
                self.send_frames(reply_format.frames())

        def send_frames(self, frames: Iterator[bytes]) -> None:
            began = time.monotonic()
            for count, frame in enumerate(frames, 1):
                due = began + count / rate if rate else began
                if closing.wait(max(0.0, due - time.monotonic())):
                    return
                self.wfile.write(b"%x\r\n%b\r\n" % (len(frame), frame))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # Closing the server then waits for the threads of its connections as well.
        daemon_threads = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield "127.0.0.1", server.server_port
        finally:
            closing.set()
            server.shutdown()
            thread.join()
