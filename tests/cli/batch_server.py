"""A server that takes batches of NDJSON, and fails as a test wants it to."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Answer(NamedTuple):
    """What the server does about a batch.

    Attributes:
        status: The status; 0 to close the connection without an answer.
        headers: Headers of the answer.
        body: Its body.
        takes: Whether the batch counts as taken, whatever the answer says.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    takes: bool = False


Decide = Callable[[list[bytes]], Answer]


class BatchServer:
    """The server.

    Args:
        decide: What to answer to the lines of a batch.

    Attributes:
        url: Where it is.
        batches: The lines of each batch that it took.
        answers: The status of each answer.
        headers: The headers of each request.
    """

    def __init__(self, decide: Decide) -> None:
        self.batches: list[list[bytes]] = []
        self.answers: list[int] = []
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert body.endswith(b"\n")
                lines = body.splitlines()
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                answer = decide(lines)
                outer.answers.append(answer.status)
                if 200 <= answer.status < 300 or answer.takes:
                    outer.batches.append(lines)
                if not answer.status:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/ingest"

    @property
    def lines(self) -> list[bytes]:
        """All lines that were taken, in order."""
        return [line for batch in self.batches for line in batch]

    @contextmanager
    def running(self) -> Iterator[BatchServer]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


def script(*answers: Answer) -> Decide:
    """These answers one after the other, and then 200."""
    rest = list(answers)
    return lambda lines: rest.pop(0) if rest else Answer()


def failing_at_times(seed: int) -> Decide:
    """A third of the batches fail, in each way; lines with "poison" are refused, and more than 7 lines are too many."""
    chance = random.Random(seed)

    def decide(lines: list[bytes]) -> Answer:
        if len(lines) > 7:
            return Answer(413)
        if any(b"poison" in line for line in lines):
            return Answer(400, body=b"no poison here")
        if chance.random() < 0.33:
            status = chance.choice([0, 408, 429, 500, 502, 503, 504])
            # An answer may be lost after the batch was taken.
            return Answer(status, (("retry-after", "0"),), takes=status in (0, 504) and chance.random() < 0.5)
        return Answer()

    return decide
