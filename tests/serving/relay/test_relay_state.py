"""What a relay shows of itself, and how several ends of one stream are one end."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ndstream import UpstreamError
from ndstream._errors import IdleTimeoutError
from serving.made_replies import chunk, reply
from serving.relaying import Response, SyncResponse, collect, relayed, run, sent

A = b"data: a\n\n"
BUSY = b'{"error":{"message":"busy"}}'


@pytest.mark.parametrize("to", [None, "sse", "text", "ui", "openai-chat", "anthropic", "ollama-chat"])
def test_a_relay_that_has_not_failed_has_no_refusal(to: Any) -> None:
    assert relayed([reply(chunk(text="Hi"))], to, format="sse").open().refusal is None


@pytest.mark.parametrize(
    ("to", "body"),
    [
        (
            "openai-chat",
            {
                "error": {
                    "message": "the upstream answered 429",
                    "type": "rate_limit_error",
                    "param": None,
                    "code": "429",
                }
            },
        ),
        ("anthropic", {"type": "error", "error": {"type": "rate_limit_error", "message": "the upstream answered 429"}}),
        ("ollama-chat", {"error": "the upstream answered 429"}),
    ],
)
def test_a_refusal_has_the_shape_that_the_clients_of_its_target_know(to: str, body: dict[str, Any]) -> None:
    relay = relayed(SyncResponse(b"no", status=429), to)
    with pytest.raises(UpstreamError):
        relay.open()
    assert relay.refusal.content_type == "application/json"
    assert orjson.loads(relay.refusal.body) == body


def test_a_header_that_was_added_stays() -> None:
    relay = relayed([A], format="sse")
    relay.headers["X-Mine"] = "1"
    assert relay.headers["X-Mine"] == "1"


def test_with_a_done_event_the_reply_is_there_as_it_was_folded() -> None:
    relay = relayed([reply(chunk(text="Hi"))], format="sse", done_event=True)
    assert relay.answer.text == ""
    assert b"".join(relay).startswith(chunk(text="Hi"))
    assert relay.answer.text == "Hi"


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
def test_an_error_in_the_place_of_a_stream_is_told_though_the_connection_then_breaks(kind: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        relayed(SyncResponse(BUSY, ConnectionError(), headers={"Content-Type": kind})).open()
    assert caught.value.body == BUSY

    async def main() -> None:
        with pytest.raises(UpstreamError) as caught:
            await relayed(Response(BUSY, ConnectionError(), headers={"Content-Type": kind})).aopen()
        assert caught.value.body == BUSY

    run(main)


def test_an_upstream_that_stalls_is_told_as_a_timeout() -> None:
    told = sent(A, format="sse", failure=IdleTimeoutError(5.0))
    assert told.startswith(A)
    assert orjson.loads(told[len(A) :].partition(b"data: ")[2]) == {
        "error": {"message": "the upstream went silent", "type": "timeout"}
    }


@pytest.mark.parametrize(("data", "told"), [(b"", b""), (b"1", b"1\n"), (b"\n", b"\n"), (b" [1] ", b" [1] \n")])
def test_a_framing_that_only_the_end_shows_is_sent_on_as_it_is(data: bytes, told: bytes) -> None:
    assert sent(data) == told


def test_the_last_element_of_a_sequence_may_lack_its_line_end() -> None:
    assert sent(b"\x1e1\n\x1e[2]", format="jsonseq") == b"\x1e1\n\x1e[2]"


def test_opening_twice_waits_for_one_frame_alone() -> None:
    async def main() -> None:
        upstream = Response(A, A)
        relay = await relayed(upstream, format="sse").aopen()
        assert await relay.aopen() is relay
        assert upstream.taken == 1
        assert await collect(relay) == [A, A]

    run(main)


def test_of_several_ends_of_an_awaited_relay_the_first_counts() -> None:
    async def main() -> None:
        from ndstream.serving import Failure

        relay = relayed(Response(A, A, A), format="sse")
        assert await anext(relay) == A
        relay.end_with(Failure("one", "shutdown"))
        relay.end_with(Failure("two", "shutdown"))
        relay.abort()
        assert b'"one"' in b"".join(await collect(relay))

    run(main)


@pytest.mark.parametrize(("size", "taken"), [(100, 12), (10_000, 9)])
def test_what_follows_the_sentinel_is_read_for_the_sake_of_the_connection_unless_it_is_too_much(
    size: int, taken: int
) -> None:
    async def main() -> None:
        headers = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
        upstream = Response(A, b"data: [DONE]\n\n", *[b"x" * size] * 10, headers=headers)
        assert b"".join(await collect(relayed(upstream))) == A + b"data: [DONE]\n\n"
        assert (upstream.taken, upstream.closed) == (taken, 1)

    run(main)
