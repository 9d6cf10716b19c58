"""The example client of Responses goes on with a reply wherever it was cut."""

from __future__ import annotations

import asyncio
import json
import pathlib
import runpy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from llm.examples_typed import RESPONSES
from ndstream import llm

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "clients"
CLIENT: Any = runpy.run_path(str(CLIENTS / "responses_client.py"))
FRAMES = RESPONSES[0].frames
AT_ONCE: dict[str, Any] = {"delay": lambda attempt, retry: 0.0}
EXPECTED = ("Let me", "Hello", '{"city":"Rome"}')


class Server:
    """Sends at most so many bytes of the reply for each request, and breaks off."""

    def __init__(self, size: int, status: int = 200) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append(("POST", self.path, body))
                self.answer(0)

            def do_GET(self) -> None:
                outer.requests.append(("GET", self.path, None))
                after = parse_qs(urlsplit(self.path).query)["starting_after"][0]
                self.answer(int(after) + 1, status)

            def answer(self, begin: int, status: int = 200) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                self.wfile.write(b"".join(FRAMES[begin:])[:size])

            def log_message(self, *arguments: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @contextmanager
    def running(self) -> Iterator[Server]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()


def told(deltas: list[Any]) -> tuple[str, str, str]:
    """What a reply said: its thoughts, its text, and the arguments of its call."""
    return (
        "".join(delta.thinking for delta in deltas),
        "".join(delta.text for delta in deltas),
        "".join("".join(delta.arguments) for delta in deltas),
    )


LONGEST = max(map(len, FRAMES))


@pytest.mark.parametrize("size", [LONGEST, LONGEST + 100, 2 * LONGEST, 10 * LONGEST])
def test_a_reply_that_is_cut_again_and_again_is_read_once_and_whole(size: int) -> None:
    with Server(size).running() as server, CLIENT["Responses"](server.url, **AT_ONCE) as client:
        assert told(list(client.stream("m", "Hi"))) == EXPECTED
        [made, *resumed] = server.requests
        assert made == (
            "POST",
            "/v1/responses",
            {"model": "m", "input": "Hi", "stream": True, "background": True, "store": True},
        )
        for method, path, _ in resumed:
            assert method == "GET"
            assert path.startswith("/v1/responses/resp_1?stream=true&starting_after=")
        assert bool(resumed) == (size < len(b"".join(FRAMES)))


def test_the_async_client_does_the_same() -> None:
    async def main() -> list[Any]:
        async with CLIENT["AsyncResponses"](server.url, **AT_ONCE) as client:
            return [delta async for delta in client.stream("m", "Hi")]

    with Server(LONGEST).running() as server:
        assert told(asyncio.run(main())) == EXPECTED
        assert len(server.requests) > 5


def test_a_reply_that_the_server_did_not_keep_is_an_error() -> None:
    with (
        Server(LONGEST, 404).running() as server,
        CLIENT["Responses"](server.url, **AT_ONCE) as client,
        pytest.raises(llm.ReplyError, match="the upstream answered 404"),
    ):
        list(client.stream("m", "Hi"))
