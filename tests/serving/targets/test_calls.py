"""Tool calls in any target, shown by the UI message stream: what waits, what is left out, what is told as wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ndstream import llm
from ndstream.llm._delta import FullDelta
from ndstream.serving import AGUITarget, AnthropicTarget, OllamaChatTarget, OpenAIChatTarget, Target, UITarget
from serving.made_replies import call, chunk, reply
from serving.relaying import relayed

from .reading import payloads, written

WHOLE = [UITarget, OpenAIChatTarget, AnthropicTarget, AGUITarget, OllamaChatTarget]


def events(upstream: bytes, wire: str | None = "openai-chat") -> list[Any]:
    return payloads(written(lambda: UITarget(message_id="m"), upstream, wire))


def calls(upstream: bytes, wire: str | None = "openai-chat") -> list[tuple[str, str, Any]]:
    """By call: the name, the fragments of its arguments joined by "|", and the decoded arguments."""
    found: dict[str, tuple[str, str, Any]] = {}
    for event in events(upstream, wire):
        if event == "[DONE]" or not event["type"].startswith("tool-input"):
            continue
        name, fragments, _ = found.get(event["toolCallId"], (event.get("toolName"), "", None))
        if event["type"] == "tool-input-delta":
            fragments += ("|" if fragments else "") + event["inputTextDelta"]
        found[event["toolCallId"]] = (name, fragments, event.get("input"))
    return list(found.values())


def test_arguments_before_the_name_wait_for_it() -> None:
    frames = [chunk(calls=[call(0, "c1", None, '{"a"')]), chunk(calls=[call(0, None, "f", ":1}")])]
    assert calls(reply(*frames)) == [("f", '{"a":1}', {"a": 1})]


def test_a_name_in_pieces_waits_for_the_arguments() -> None:
    frames = [
        chunk(calls=[call(0, "c1", "get_wea")]),
        chunk(calls=[call(0, None, "ther")]),
        chunk(calls=[call(0, arguments='{"a":1}')]),
    ]
    assert calls(reply(*frames)) == [("get_weather", '{"a":1}', {"a": 1})]


@pytest.mark.parametrize("first", ["{}", "null", '"{}"', "{ ", " \n"])
def test_arguments_that_may_be_replaced_wait(first: str) -> None:
    frames = [chunk(calls=[call(0, "c1", "f", first)]), chunk(calls=[call(0, arguments='{"a":1}')])]
    [(name, fragments, arguments)] = calls(reply(*frames))
    assert (name, arguments) in (("f", {"a": 1}), ("f", first + '{"a":1}'))
    assert fragments in ('{"a":1}', first + '{"a":1}')


def test_arguments_that_were_encoded_twice_are_written_once() -> None:
    assert calls(reply(chunk(calls=[call(0, "c1", "f", '"{\\"a\\":1}"')]))) == [("f", '{"a":1}', {"a": 1})]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    assert calls(reply(chunk(calls=[call(0, "c1", "f")]))) == [("f", "{}", {})]


def test_the_text_of_a_custom_call_is_an_object() -> None:
    custom = {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "sh", "input": "ls -l"}}
    assert calls(reply(chunk(calls=[custom]))) == [("sh", '{"input":"ls -l"}', {"input": "ls -l"})]


def test_arguments_that_come_decoded_are_one_fragment() -> None:
    line = b'{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f",'
    upstream = line + b'"arguments":{"a":1}}}]},"done":false}\n{"model":"m","done":true,"done_reason":"stop"}\n'
    [event, *_] = [event for event in payloads(b"".join(relayed([upstream], "ui"))) if "inputTextDelta" in event]
    assert event["inputTextDelta"] == '{"a":1}'


@pytest.mark.parametrize("target", WHOLE)
def test_whole_numbers_past_64_bits_are_written_as_they_are(target: type[Target]) -> None:
    arguments = '{"n":-123456789012345678901234567890}'
    out = b"".join(relayed([reply(chunk(calls=[call(0, "c1", "f", arguments)]))], target()))
    # In a text with escapes, or as a value.
    assert b'{"n":-123456789012345678901234567890}' in out.replace(b"\\", b"")


@pytest.mark.parametrize("target", WHOLE)
def test_arguments_nested_as_deeply_as_json_may_be_are_whole_or_an_error(target: type[Target]) -> None:
    deep = '{"a":' + 1000 * "[" + 1000 * "]" + "}"
    told = b"".join(relayed([reply(chunk(calls=[call(0, "c1", "f", deep)]))], target()))
    # Python's own encoder goes so deep from 3.12 on.
    assert 1000 * b"[" in told or b"the upstream sent text that cannot be written" in told


def test_two_calls_with_one_index_are_two_calls() -> None:
    frames = [chunk(calls=[call(0, "c1", "f", '{"a":1}')]), chunk(calls=[call(0, "c2", "g", '{"b":2}')])]
    assert calls(reply(*frames)) == [("f", '{"a":1}', {"a": 1}), ("g", '{"b":2}', {"b": 2})]
    told = payloads(b"".join(relayed([reply(*frames)], "openai-chat")))
    deltas = [value["choices"][0]["delta"] for value in told if value != "[DONE]"]
    assert [one["index"] for delta in deltas for one in delta.get("tool_calls", ()) if "id" in one] == [0, 1]


def test_calls_with_the_same_id_get_ids_of_their_own() -> None:
    made = [llm.ToolCall("c1"), llm.ToolCall("c1"), llm.ToolCall("ndstream_call_2", synthetic=True)]
    for one in made:
        one.name = "f"
        one.close()
    told = payloads(UITarget().take([FullDelta({}, tool_calls=made)]))
    ids = [event["toolCallId"] for event in told if event["type"] == "tool-input-start"]
    assert ids[0] == "c1"
    assert len(set(ids)) == 3
    assert all(id.startswith("call_") for id in ids[1:]), "ids that are made up differ from reply to reply"


SERVER_CALL = b"""event: message_start
data: {"type":"message_start","message":{"id":"m","role":"assistant","model":"x","content":[],"usage":{}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s1","name":"search"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":"Hi"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}

event: message_stop
data: {"type":"message_stop"}

"""


@pytest.mark.parametrize("target", WHOLE)
def test_a_call_that_the_upstream_runs_is_not_handed_to_the_client(target: type[Target]) -> None:
    told = b"".join(relayed([SERVER_CALL], target()))
    assert b"Hi" in told
    assert (b"search" in told) == (target is UITarget)
    if target is UITarget:
        assert told.count(b'"providerExecuted":true') == 2
        assert b'"finishReason":"stop"' in told


LIMIT = b"""event: message_start
data: {"type":"message_start","message":{"id":"m","role":"assistant","model":"x","content":[],"usage":{}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"c1","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":1}}

event: message_stop
data: {"type":"message_stop"}

"""


def test_a_call_that_a_limit_cut_after_it_was_stopped_is_no_error_of_the_reply() -> None:
    told = {target: b"".join(relayed([LIMIT], target())) for target in WHOLE}
    assert b'"stop_reason":"max_tokens"' in told[AnthropicTarget]
    assert b'"finish_reason":"length"' in told[OpenAIChatTarget]
    assert b'"done_reason":"length"' in told[OllamaChatTarget]
    assert b"tool_calls" not in told[OllamaChatTarget]
    assert b'"errorText":"the arguments of the call were cut off"' in told[UITarget]
    assert b'"finishReason":"length"' in told[UITarget]
    # Its clients run what has ended, and a run cannot finish without its end.
    assert b"TOOL_CALL_END" not in told[AGUITarget]
    assert b"the reply reached its limit in the middle of a tool call" in told[AGUITarget]


def test_arguments_that_are_no_object_are_an_error_for_ollama_alone() -> None:
    upstream = reply(chunk(calls=[call(0, "c1", "f", "[1]")]))
    told = {target: b"".join(relayed([upstream], target())) for target in WHOLE}
    refused = [target for target in WHOLE if b"arguments are not a JSON object" in told[target]]
    assert refused == [OllamaChatTarget]


def test_arguments_that_are_not_json_are_text_or_an_error() -> None:
    upstream = reply(chunk(calls=[call(0, "c1", "f", '{"a":')]), reason="tool_calls")
    told = {target: b"".join(relayed([upstream], target())) for target in WHOLE}
    failed = [target for target in WHOLE if b"the upstream sent a tool call whose arguments" in told[target]]
    assert failed == [AnthropicTarget, AGUITarget, OllamaChatTarget]
    assert b'"finish_reason":"tool_calls"' in told[OpenAIChatTarget]
    assert b"message_stop" not in told[AnthropicTarget]
    assert b"content_block_stop" not in told[AnthropicTarget]
