"""The UI message stream, event by event."""

from __future__ import annotations

from typing import Any

from ndstream.serving import UITarget
from serving.made_replies import DONE, call, chunk, reply, signed

from .reading import payloads, written


def events(upstream: bytes, wire: str = "openai-chat") -> list[Any]:
    return payloads(written(lambda: UITarget(message_id="m"), upstream, wire))


START = [{"type": "start", "messageId": "m"}, {"type": "start-step"}]
METADATA = {"model": "tiny", "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}}


def end(reason: str) -> list[Any]:
    finish = {"type": "finish", "finishReason": reason, "messageMetadata": METADATA}
    return [{"type": "finish-step"}, finish, "[DONE]"]


def test_text_after_thoughts_is_a_part_of_its_own() -> None:
    assert events(reply(chunk(thinking="hm"), chunk(text="H"), chunk(text="i"))) == [
        *START,
        {"type": "reasoning-start", "id": "part-0"},
        {"type": "reasoning-delta", "id": "part-0", "delta": "hm"},
        {"type": "reasoning-end", "id": "part-0"},
        {"type": "text-start", "id": "part-1"},
        {"type": "text-delta", "id": "part-1", "delta": "H"},
        {"type": "text-delta", "id": "part-1", "delta": "i"},
        {"type": "text-end", "id": "part-1"},
        *end("stop"),
    ]


def test_a_call_has_its_arguments_in_pieces_and_as_a_value() -> None:
    frames = [chunk(calls=[call(0, "c1", "weather")]), chunk(calls=[call(arguments='{"city":"Rome"}')])]
    assert events(reply(*frames)) == [
        *START,
        {"type": "tool-input-start", "toolCallId": "c1", "toolName": "weather"},
        {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": '{"city":"Rome"}'},
        {"type": "tool-input-available", "toolCallId": "c1", "toolName": "weather", "input": {"city": "Rome"}},
        *end("tool-calls"),
    ]


def test_arguments_that_are_not_json_are_an_error_of_the_call_alone() -> None:
    assert events(reply(chunk(calls=[call(0, "c1", "weather", '{"city"')]), reason="tool_calls"))[-4:] == [
        {
            "type": "tool-input-error",
            "toolCallId": "c1",
            "toolName": "weather",
            "input": '{"city"',
            "errorText": "the arguments of the call are not JSON",
        },
        *end("tool-calls"),
    ]


def test_a_cut_closes_what_is_open_and_ends_without_finish() -> None:
    told = "the upstream ended before its stream was complete"
    assert events(chunk(text="Hi"))[-2:] == [{"type": "text-end", "id": "part-0"}, {"type": "error", "errorText": told}]


def test_an_error_of_the_upstream_is_told_in_its_words() -> None:
    upstream = chunk(text="Hi") + b'data: {"error":{"message":"busy","code":503}}\n\n' + DONE
    assert events(upstream)[-1] == {"type": "error", "errorText": "busy"}


def test_a_reply_that_is_stopped_is_an_abort() -> None:
    assert payloads(UITarget(message_id="m").abort()) == [*START, {"type": "abort"}]


def test_the_signature_of_thoughts_is_where_the_sdk_s_own_provider_puts_it() -> None:
    assert events(signed(("hm", "c2ln"), ("", "bjI=")), "anthropic")[2:7] == [
        {"type": "reasoning-start", "id": "part-0"},
        {"type": "reasoning-delta", "id": "part-0", "delta": "hm"},
        {"type": "reasoning-end", "id": "part-0", "providerMetadata": {"anthropic": {"signature": "c2ln"}}},
        {"type": "reasoning-start", "id": "part-1"},
        {"type": "reasoning-end", "id": "part-1", "providerMetadata": {"anthropic": {"signature": "bjI="}}},
    ]
