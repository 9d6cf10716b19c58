"""Events of Anthropic's messages, one by one."""

from __future__ import annotations

from typing import Any

from ndstream.serving import AnthropicTarget
from serving.made_replies import DONE, USAGE, call, chunk, reply, signed
from serving.relaying import relayed

from .reading import payloads


def events(upstream: bytes) -> list[Any]:
    """The events after the start of the message."""
    start, *others = payloads(b"".join(relayed([upstream], AnthropicTarget(model="m"))))
    assert start["message"].pop("id").startswith("msg_")
    message: dict[str, Any] = {
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
    assert start == {"type": "message_start", "message": message}
    return others


def end(reason: str, **usage: int) -> list[Any]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[Any]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def test_each_run_is_a_block() -> None:
    frames = [
        chunk(thinking="hm"),
        chunk(text="H"),
        chunk(text="i"),
        chunk(calls=[call(0, "c1", "f", '{"a"')]),
        chunk(calls=[call(0, arguments=":1}")]),
        chunk(calls=[call(1, "c2", "g")]),
    ]
    assert events(reply(*frames, reason="tool_calls")) == [
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "hm"},
        ),
        *block(
            1,
            {"type": "text", "text": ""},
            {"type": "text_delta", "text": "H"},
            {"type": "text_delta", "text": "i"},
        ),
        *block(
            2,
            {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"a"'},
            {"type": "input_json_delta", "partial_json": ":1}"},
        ),
        *block(
            3,
            {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
            {"type": "input_json_delta", "partial_json": "{}"},
        ),
        *end("tool_use", input_tokens=3, output_tokens=2),
    ]


def test_cached_tokens_are_no_input_tokens() -> None:
    usage = {**USAGE, "prompt_tokens_details": {"cached_tokens": 1}}
    upstream = chunk(text="Hi") + chunk(reason="stop", usage=usage) + DONE
    assert events(upstream)[-2:] == end("end_turn", input_tokens=2, output_tokens=2, cache_read_input_tokens=1)


def test_the_counts_are_0_if_the_upstream_tells_none() -> None:
    assert events(chunk(text="Hi") + chunk(reason="stop") + DONE)[-2:] == end(
        "end_turn", input_tokens=0, output_tokens=0
    )


def test_a_call_that_was_cut_is_not_stopped_and_nothing_follows_it() -> None:
    frames = [chunk(calls=[call(0, "c1", "f", '{"a"'), call(1, "c2", "g", '{"b"')]), chunk(text="Hi")]
    assert [event["type"] for event in events(b"".join(frames))] == [
        "content_block_start",
        "content_block_delta",
        "error",
    ]


def test_an_error_has_the_words_of_anthropic() -> None:
    upstream = chunk(text="Hi") + b'data: {"error":{"message":"too busy","code":503}}\n\n'
    error = {"type": "overloaded_error", "message": "too busy"}
    assert events(upstream)[-1] == {"type": "error", "error": error}


THINKING = {"type": "thinking", "thinking": "", "signature": ""}


def test_signed_thoughts_keep_their_signature_at_the_end_of_their_block() -> None:
    assert events(signed(("hm", "c2ln"), ("so", "bjI=")))[:8] == [
        *block(
            0, THINKING, {"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "c2ln"}
        ),
        *block(
            1, THINKING, {"type": "thinking_delta", "thinking": "so"}, {"type": "signature_delta", "signature": "bjI="}
        ),
    ]


def test_thoughts_that_are_kept_secret_are_blocks_with_a_signature_alone() -> None:
    assert events(signed(("", "c2ln"), ("", "bjI=")))[:6] == [
        *block(0, THINKING, {"type": "signature_delta", "signature": "c2ln"}),
        *block(1, THINKING, {"type": "signature_delta", "signature": "bjI="}),
    ]
