"""A relay as an ASGI application, asked by a server that is written out, so that each message can be looked at."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import orjson
import pytest

from ndstream.serving import UpstreamError
from serving.made_replies import chunk, reply
from serving.relaying import Response, Upstream, relayed, run
from serving.written_out_server import Server, ask

A, B = b"data: a\n\n", b"data: b\n\n"
JSON_ERROR = {"Content-Type": "application/json", "Retry-After": "7.5"}


def test_the_stream_is_sent_with_its_headers_and_an_end() -> None:
    async def main() -> None:
        upstream = Upstream(A, B)
        server = await ask(relayed(upstream, format="sse"), Server())
        assert server.status == 200
        assert server.headers == {
            b"content-type": b"text/event-stream",
            b"cache-control": b"no-cache, no-transform",
            b"x-accel-buffering": b"no",
        }
        assert server.body == A + B
        assert server.sent[-1] == {"type": "http.response.body", "body": b""}
        assert all(message["more_body"] for message in server.sent[1:-1])
        assert upstream.closed == 1

    run(main)


def test_head_has_the_headers_alone_and_the_upstream_is_released() -> None:
    async def main() -> None:
        upstream = Upstream(A)
        server = await ask(relayed(upstream, format="sse"), Server("HEAD"))
        assert (server.status, server.body, len(server.sent)) == (200, b"", 2)
        assert (upstream.closed, upstream.taken) == (1, 0)

    run(main)


def test_head_has_no_content_type_that_only_the_body_would_show() -> None:
    async def main() -> None:
        upstream = Response(A, headers={})
        server = await ask(relayed(upstream), Server("HEAD"))
        assert (server.status, server.body, upstream.closed) == (200, b"", 1)
        assert server.headers == {b"cache-control": b"no-cache, no-transform", b"x-accel-buffering": b"no"}

    run(main)


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}])
def test_the_response_waits_for_bytes_that_have_to_show_its_content_type(headers: dict[str, str]) -> None:
    async def main() -> None:
        upstream = Response(0.1, b'{"a":1}\n{"a":2}\n', headers=headers)
        server = await ask(relayed(upstream, first_frame_timeout=0.01), Server())
        assert (server.status, server.headers[b"content-type"]) == (200, b"application/x-ndjson")
        assert server.body == b'{"a":1}\n{"a":2}\n'

    run(main)


@pytest.mark.parametrize(
    ("status", "answered"),
    [(429, 429), (503, 503), (401, 401), (400, 400), (599, 599), (301, 502), (399, 502), (600, 502)],
)
def test_a_refusal_becomes_an_answer_with_its_status_and_none_of_its_words(status: int, answered: int) -> None:
    async def main() -> None:
        headers = {**JSON_ERROR, "Retry-After": "7"}
        upstream = Response(b'{"error":"key sk-1"}', status=status, headers=headers)
        server = await ask(relayed(upstream, "text"), Server())
        assert server.status == answered
        assert server.headers[b"retry-after"] == b"7"
        assert orjson.loads(server.body)["error"]["message"] == f"the upstream answered {status}"
        assert b"sk-1" not in server.body
        assert upstream.closed == 1

    run(main)


def test_a_source_that_refuses_when_it_is_first_read_is_an_answer_with_its_status_and_the_words_asked_for() -> None:
    async def main() -> None:
        refusal = UpstreamError(429, retry_after=7.0, body=b"busy")
        for options, words in (({}, "the upstream answered 429"), ({"error_message": str}, str(refusal))):
            upstream = Upstream(refusal)
            server = await ask(relayed(upstream, "text", **options), Server())
            assert (server.status, server.headers[b"retry-after"], upstream.closed) == (429, b"7", 1)
            assert orjson.loads(server.body) == {"error": {"message": words, "type": "rate_limit"}}

    run(main)


def test_an_upstream_that_breaks_before_its_first_frame_is_a_bad_gateway() -> None:
    async def main() -> None:
        for parts in ((b"data: a",), (ConnectionError("secret"),), (b"",)):
            server = await ask(relayed(Upstream(*parts), "text", format="sse"), Server())
            assert server.status == 502
            assert b"secret" not in server.body

    run(main)


def test_a_client_that_leaves_while_the_upstream_is_silent_ends_the_relay_at_once() -> None:
    async def main() -> None:
        for parts in ((A, asyncio.Event()), (asyncio.Event(),)):
            upstream = Upstream(*parts)
            server = Server()
            task = asyncio.create_task(ask(relayed(upstream, format="sse"), server))
            await asyncio.sleep(0.01)
            server.left.set()
            await asyncio.wait_for(task, 5)
            assert upstream.closed == 1

    run(main)


@pytest.mark.parametrize("more_body", [False, True])
@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_a_receive_that_never_waits_keeps_nobody_from_anything(library: str, more_body: bool) -> None:
    async def main() -> None:
        asked = 0

        async def receive() -> Any:
            nonlocal asked
            asked += 1
            return {"type": "http.request", "body": b"", "more_body": more_body}

        async def send(message: Any) -> None:
            sent.append(message.get("body"))

        sent: list[Any] = []
        relay = relayed(Upstream(0.05, b"data: 1\n\n"), format="sse", heartbeat=None)
        with anyio.fail_after(5):
            await relay({"type": "http", "method": "GET", "headers": []}, receive, send)
        assert sent == [None, b"data: 1\n\n", b""]
        assert more_body or asked < 50

    anyio.run(main, backend=library)


def test_a_client_that_takes_nothing_is_given_up() -> None:
    async def main() -> None:
        upstream = Upstream(A, B)
        server = Server()
        relay = relayed(upstream, format="sse", send_timeout=0.05)
        server.reading.clear()
        await asyncio.wait_for(ask(relay, server), 5)
        assert (server.sent, upstream.closed) == ([], 1)

    run(main)


def test_a_client_that_waits_for_a_silent_upstream_is_not_given_up() -> None:
    async def main() -> None:
        upstream = Upstream(A, 0.05, B)
        server = await ask(relayed(upstream, format="sse", send_timeout=0.02), Server())
        assert server.body == A + B

    run(main)


def test_a_cancellation_by_the_server_is_passed_on() -> None:
    async def main() -> None:
        upstream = Upstream(asyncio.Event())
        task = asyncio.create_task(ask(relayed(upstream, format="sse"), Server()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert upstream.closed == 1

    run(main)


def test_a_send_that_says_that_the_client_left_ends_quietly() -> None:
    async def main() -> None:
        upstream = Upstream(A, B)

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                raise OSError("the client left")

        server = Server()
        await relayed(upstream, format="sse")(server.scope, server.receive, send)
        assert upstream.closed == 1

    run(main)


def test_a_format_without_words_for_an_error_breaks_the_transfer_off() -> None:
    async def main() -> None:
        server = Server()
        with pytest.raises(Exception, match="ended"):
            await ask(relayed(Upstream(chunk(text="H")), "text"), server)
        assert server.body == b"H"
        assert server.sent[-1]["more_body"]

    run(main)


def test_the_response_starts_when_the_first_frame_takes_too_long() -> None:
    async def main() -> None:
        relay = relayed(Upstream(0.1, reply(chunk(text="H"))), "sse", heartbeat=0.02, first_frame_timeout=0.01)
        server = await ask(relay, Server())
        assert server.body.startswith(b":\n\n")

    # Its framing is not known before its first bytes, so that it has to be named.
    async def named() -> None:
        relay = relayed(Upstream(0.1, A), "sse", format="sse", heartbeat=0.02, first_frame_timeout=0.01)
        server = await ask(relay, Server())
        assert server.body.startswith(b":\n\n")
        assert server.body.endswith(A)

    run(main)
    run(named)


def test_requests_that_are_not_http_are_refused() -> None:
    async def main() -> None:
        upstream = Upstream(A)
        server = Server()
        server.scope["type"] = "websocket"
        with pytest.raises(TypeError, match="websocket"):
            await ask(relayed(upstream, format="sse"), server)
        assert upstream.closed == 1

    run(main)


def test_a_client_that_leaves_once_it_was_told_of_a_failure_is_no_error_of_the_server() -> None:
    async def main() -> None:
        sent = []

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                raise OSError("the client left")

        server = Server()
        await relayed(Upstream(A, ConnectionError()), format="sse")(server.scope, server.receive, send)
        assert b'"truncated"' in sent[-2]

    run(main)


def test_an_error_of_the_body_itself_is_told_to_the_server_though_one_of_its_type_says_that_a_client_left() -> None:
    def words(error: Exception) -> str:
        raise OSError("the words cannot be read")

    async def main() -> None:
        upstream = Upstream(A, ConnectionError())
        with pytest.raises(OSError, match="words"):
            await ask(relayed(upstream, format="sse", error_message=words), Server())
        assert upstream.closed == 1

    run(main)
