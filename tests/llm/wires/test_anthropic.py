"""Anthropic's Messages: the odd ways of its streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import typed
from llm.examples import by_name
from llm.examples_typed import STARTED, block, input_delta, stopped, text_delta
from ndstream import llm

MESSAGE: Any = STARTED["message"]


def test_an_anthropic_call_that_is_cut_before_its_arguments_is_not_one_without_any() -> None:
    frames = typed(
        STARTED,
        *block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, input_delta("")),
        *stopped("max_tokens", {"output_tokens": 2}),
    )
    [call] = llm.collect(iter(frames)).tool_calls
    assert (call.arguments, call.incomplete) == (None, True)


def test_an_anthropic_call_that_is_cut_is_flagged_though_its_block_ended_and_its_json_is_whole() -> None:
    frames = typed(
        STARTED,
        *block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, input_delta('{"a":1}')),
        *block(1, {"type": "tool_use", "id": "u", "name": "g", "input": {}}, input_delta('{"b":2}')),
        *stopped("max_tokens", {"output_tokens": 2}),
    )
    answer = llm.collect(iter(frames))
    assert [(call.arguments, call.incomplete) for call in answer.tool_calls] == [({"a": 1}, False), (None, True)]
    assert [part["input"] for part in answer.body["content"]] == [{"a": 1}, {"b": 2}]


def test_anthropic_arguments_are_there_when_their_block_ends() -> None:
    reply = llm.reply(by_name("anthropic thinks, speaks and calls").data)
    for delta in reply:
        if delta.raw["type"] == "content_block_stop" and delta.raw["index"] == 2:
            assert reply.tool_calls[0].arguments == {"city": "Rome"}
            break
    else:
        pytest.fail("the block never ended")


def test_a_signature_is_on_the_delta_that_brings_it_and_on_no_other() -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    whole = {"type": "thinking", "thinking": "so", "signature": "bjI="}
    frames = typed(
        STARTED,
        *block(
            0, thinking, {"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "c2ln"}
        ),
        *block(1, whole),
        *block(2, {"type": "tool_use", "id": "t", "name": "f", "input": {}, "signature": "no"}, input_delta("{}")),
        *stopped("tool_use", {"output_tokens": 2}),
    )
    reply = llm.reply(b"".join(frames))
    assert [(delta.thinking, delta.signature) for delta in reply if delta.thinking or delta.signature] == [
        ("hm", ""),
        ("", "c2ln"),
        ("so", "bjI="),
    ]
    assert [part.get("signature") for part in reply.body["content"]] == ["c2ln", "bjI=", "no"]


def test_counts_that_anthropic_says_again_replace_what_they_were_and_others_stay() -> None:
    frames = typed(STARTED, *stopped("end_turn", {"output_tokens": 5}), *stopped("end_turn", {"output_tokens": 7}))
    assert llm.collect(iter(frames)).usage == {"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 7}


def begin(content: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def add(delta: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def read(*frames: dict[str, Any]) -> Any:
    return read_every_way(b"".join(typed(STARTED, *frames, *stopped("end_turn", {}))))


TEXT: dict[str, Any] = {"type": "text", "text": ""}
THOUGHT: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
RESULT = {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "u"}]}


def tool(identity: str | None = "t", name: str = "f", **fields: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": identity, "name": name, "input": {}, **fields}


def thinks(text: str) -> dict[str, Any]:
    return add({"type": "thinking_delta", "thinking": text})


class TestABlockThatBeginsWhereAnotherHasNotEnded:
    """Gateways leave out `content_block_stop`, give every block the index 0, or repeat a begin."""

    @pytest.mark.parametrize(
        ("frames", "content"),
        [
            ([begin(TEXT), add(text_delta("a")), begin(TEXT), add(text_delta("b"))], [{**TEXT, "text": "ab"}]),
            (
                [begin({**TEXT, "text": "a"}), begin({**TEXT, "text": "a"}), add(text_delta("b"))],
                [{**TEXT, "text": "ab"}],
            ),
            ([add(text_delta("a")), begin(TEXT), add(text_delta("b"))], [{**TEXT, "text": "ab"}]),
            ([begin(THOUGHT), thinks("a"), begin(THOUGHT), thinks("b")], [{**THOUGHT, "thinking": "ab"}]),
            ([begin(RESULT), begin(RESULT)], [RESULT]),
        ],
        ids=["text", "text that is repeated", "text before its begin", "thoughts", "a result"],
    )
    def test_it_is_the_same_block_if_it_says_the_same(self, frames: list[Any], content: list[Any]) -> None:
        assert read(*frames).body["content"] == content

    @pytest.mark.parametrize(
        ("frames", "content"),
        [
            (
                [begin(THOUGHT), thinks("a"), begin(TEXT), add(text_delta("b"))],
                [{**THOUGHT, "thinking": "a"}, {**TEXT, "text": "b"}],
            ),
            (
                [
                    begin(THOUGHT), thinks("a"), add({"type": "signature_delta", "signature": "S"}),
                    begin(THOUGHT), thinks("b"),
                ],
                [{**THOUGHT, "thinking": "a", "signature": "S"}, {**THOUGHT, "thinking": "b"}],
            ),
            ([begin(RESULT), begin({**RESULT, "tool_use_id": "z"})], [RESULT, {**RESULT, "tool_use_id": "z"}]),
            ([begin(RESULT), begin({**RESULT, "content": []})], [RESULT, {**RESULT, "content": []}]),
        ],
        ids=["of another type", "after a signature", "of another call", "with another result"],
    )  # fmt: skip
    def test_it_is_another_block_if_it_says_something_else(self, frames: list[Any], content: list[Any]) -> None:
        assert read(*frames).body["content"] == content

    def test_a_call_after_a_text_of_the_same_index_is_a_call(self) -> None:
        answer = read(begin(TEXT), add(text_delta("Hi")), begin(tool()), add(input_delta('{"a":1}')))
        assert (answer.text, answer.finish_reason) == ("Hi", "tool_calls")
        assert [(call.id, call.arguments) for call in answer.tool_calls] == [("t", {"a": 1})]

    def test_calls_that_differ_in_id_or_name_are_two_and_the_first_has_ended(self) -> None:
        for other in (tool("u"), tool("u", "g"), tool(None, "g")):
            reply = llm.reply(iter(typed(STARTED, begin(tool()), add(input_delta('{"a":1}')), begin(other))))
            for _ in range(4):
                next(reply)
            first, second = reply.tool_calls
            assert (first.arguments, first.closed, second.closed) == ({"a": 1}, True, False)

    def test_calls_without_an_id_are_two_once_arguments_have_come(self) -> None:
        same = read(begin(tool(None)), begin(tool(None)), add(input_delta('{"a":1}')))
        assert [call.arguments for call in same.tool_calls] == [{"a": 1}]
        two = [begin(tool(None)), add(input_delta('{"a":1}')), begin(tool(None)), add(input_delta('{"b":2}'))]
        assert [call.arguments for call in read(*two).tool_calls] == [{"a": 1}, {"b": 2}]

    def test_a_begin_of_a_call_that_is_repeated_adds_nothing(self) -> None:
        answer = read(begin(tool()), add(input_delta('{"a"')), begin(tool()), add(input_delta(":1}")))
        assert [(call.id, call.arguments) for call in answer.tool_calls] == [("t", {"a": 1})]

    def test_arguments_before_their_begin_are_of_the_call_that_begins(self) -> None:
        answer = read(add(input_delta('{"a"')), begin(tool()), add(input_delta(":1}")))
        [call] = answer.tool_calls
        assert (call.id, call.name, call.arguments, call.synthetic) == ("t", "f", {"a": 1}, False)
        assert answer.body["content"] == [tool(input={"a": 1})]

    def test_a_block_nested_as_deeply_as_json_may_be_is_no_fault(self) -> None:
        nested: Any = {}
        for _ in range(900):
            nested = {"x": nested}
        answer = read(begin({"type": "result", "content": nested}), begin({"type": "result", "content": nested}))
        assert answer.ending.verdict == "complete"

    def test_arguments_after_a_text_of_the_same_index_are_not_of_the_call_before_it(self) -> None:
        answer = read(begin(tool()), add(input_delta('{"a":1}')), begin(TEXT), add(input_delta('{"b":2}')))
        assert [call.arguments for call in answer.tool_calls] == [{"a": 1}, {"b": 2}]


def whole(content: Any) -> dict[str, Any]:
    message: Any = STARTED["message"]
    return {**message, "content": content, "stop_reason": "end_turn"}


class TestAWholeMessage:
    @pytest.mark.parametrize("content", [[{"type": "text", "text": "Hi"}], "Hi"], ids=["a block", "text"])
    def test_after_its_events_it_doubles_nothing_though_it_leaves_out_the_thoughts(self, content: Any) -> None:
        events = [begin(THOUGHT), thinks("hm"), begin(TEXT, 1), add(text_delta("Hi"), 1)]
        answer = read(*events, whole(content))
        assert (answer.text, answer.thinking, answer.text_revised) == ("Hi", "hm", False)
        assert answer.body["content"] == [{**THOUGHT, "thinking": "hm"}, {**TEXT, "text": "Hi"}]

    def test_after_its_events_it_doubles_no_call_though_it_lists_them_in_another_order(self) -> None:
        calls = [(begin(tool("t", "f"), 0), '{"a":1}'), (begin(tool("u", "g"), 1), '{"b":1}')]
        events = [each for at, (begun, text) in enumerate(calls) for each in (begun, add(input_delta(text), at))]
        listed = [tool("u", "g", input={"b": 1}), tool("t", "f", input={"a": 1})]
        answer = read(*events, whole(listed))
        assert [(call.id, call.arguments) for call in answer.tool_calls] == [("t", {"a": 1}), ("u", {"b": 1})]

    def test_texts_that_are_left_are_matched_in_their_order(self) -> None:
        events = [begin(THOUGHT), thinks("hm"), begin({**TEXT, "text": "a"}, 1), begin({**TEXT, "text": "b"}, 2)]
        answer = read(*events, whole([{"type": "text", "text": "a"}, {"type": "text", "text": "b!"}]))
        assert [block.get("text") for block in answer.body["content"]] == [None, "a", "b!"]
        assert (answer.text, answer.text_revised) == ("ab!", False)

    def test_whose_content_is_text_is_read_as_one_block(self) -> None:
        answer = read_every_way(json.dumps(whole("Hi")).encode())
        assert (answer.wire, answer.text, answer.ending.verdict) == ("anthropic", "Hi", "complete")
        assert answer.body["content"] == [{"type": "text", "text": "Hi"}]

    def test_that_is_said_once_more_makes_no_difference(self) -> None:
        frames = [STARTED, begin({"type": "text", "text": ""}), add({"type": "text_delta", "text": "Hi"})]
        final = whole([{"type": "text", "text": "Hi"}])
        assert read(*frames, final, final).body == read(*frames, final).body

    def test_without_a_reason_it_is_no_end(self) -> None:
        unfinished = {**whole([{"type": "text", "text": "Hi"}]), "stop_reason": None}
        reply = llm.reply(iter(typed(STARTED, unfinished)), on_incomplete="return")
        assert [(delta.text, delta.finish_reason) for delta in reply] == [("", None), ("Hi", None)]
        assert reply.ending is not None
        assert reply.ending.verdict == "truncated"

    def test_after_a_begin_alone_its_blocks_are_those_of_the_message(self) -> None:
        content = [{"type": "text", "text": "Hi"}, {"type": "text", "text": " you"}]
        assert read(STARTED, whole(content)).body["content"] == content

    def test_a_block_that_has_no_id_takes_none_that_another_names(self) -> None:
        frames = [begin(tool("t"), 0), begin(tool("u"), 1)]
        answer = read(STARTED, *frames, whole([{**tool(None), "input": {"a": 1}}, {**tool("t"), "input": {"b": 2}}]))
        assert [(call.id, call.arguments) for call in answer.tool_calls] == [("t", {"b": 2}), ("u", {"a": 1})]


@pytest.mark.parametrize(
    ("block", "model"),
    [
        ({"type": "fallback", "to": {"model": "small"}}, "small"),
        ({"type": "fallback", "model": "small"}, "small"),
        ({"type": "fallback", "to": {}}, MESSAGE["model"]),
    ],
)
def test_the_model_that_a_fallback_names_is_that_of_the_message(block: dict[str, Any], model: str) -> None:
    assert read(STARTED, begin(block)).body["model"] == model


def test_a_begin_of_a_call_that_is_repeated_may_bring_its_arguments() -> None:
    answer = read(STARTED, begin(tool()), begin({**tool(), "input": {"a": 1}}))
    assert [(call.id, call.arguments) for call in answer.tool_calls] == [("t", {"a": 1})]


@pytest.mark.parametrize("kind", [{}, {"type": None}, {"type": ""}, {"type": "the block's"}], ids=repr)
def test_a_delta_without_a_type_of_its_own_adds_what_it_has(kind: dict[str, Any]) -> None:
    def typed_as(block: str) -> dict[str, Any]:
        return {**kind, "type": block} if kind.get("type") else kind

    answer = read(
        begin({"type": "thinking", "thinking": ""}),
        add({**typed_as("thinking"), "thinking": "Hm"}),
        add({**typed_as("thinking"), "thinking": "m", "signature": "s"}),
        begin({"type": "text", "text": ""}, 1),
        add({**typed_as("text"), "text": "Hi"}, 1),
        begin(tool(), 2),
        add({**typed_as("tool_use"), "partial_json": '{"a":'}, 2),
        add({**typed_as("tool_use"), "partial_json": "1}"}, 2),
        {"type": "content_block_stop", "index": 2},
    )
    assert (answer.thinking, answer.text, answer.tool_calls[0].arguments) == ("Hmm", "Hi", {"a": 1})
    assert answer.body["content"][0] == {"type": "thinking", "thinking": "Hmm", "signature": "s"}


def test_a_thought_may_bring_its_signature_in_one_delta_with_it() -> None:
    signed = add({"type": "thinking_delta", "thinking": "m", "signature": "s"})
    reply = llm.reply(b"".join(typed(STARTED, begin(THOUGHT), thinks("H"), signed, *stopped("end_turn", {}))))
    assert [(delta.thinking, delta.signature) for delta in reply if delta.thinking] == [("H", ""), ("m", "s")]
    assert reply.body["content"] == [{"type": "thinking", "thinking": "Hm", "signature": "s"}]


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "length", "content_filter"])
def test_a_call_is_cut_by_whatever_word_says_that_the_server_stopped_in_the_middle(reason: str) -> None:
    tool = block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, input_delta('{"a":1}'))
    [call] = llm.collect(iter(typed(STARTED, *tool, *stopped(reason, {})))).tool_calls
    assert (call.arguments, call.incomplete) == (None, True)


def test_counts_are_read_wherever_the_last_events_have_them() -> None:
    metrics = {"amazon-bedrock-invocationMetrics": {"outputTokenCount": 9}}
    for delta, stop in (({"usage": {"output_tokens": 9}}, {}), ({}, {"usage": {"output_tokens": 9}, **metrics})):
        ends = [
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", **delta}},
            {"type": "message_stop", **stop},
        ]
        answer = read_every_way(b"".join(typed(STARTED, *block(0, TEXT, text_delta("Hi")), *ends)))
        assert (answer.tokens.output, answer.body["usage"]["output_tokens"]) == (9, 9)
    assert answer.body["amazon-bedrock-invocationMetrics"] == {"outputTokenCount": 9}


def test_a_whole_message_may_have_null_for_its_content() -> None:
    body = {"type": "message", "role": "assistant", "content": None, "stop_reason": "end_turn"}
    answer = read_every_way(json.dumps(body).encode())
    assert (answer.wire, answer.text, answer.body) == ("anthropic", "", {**body, "content": []})


def test_texts_in_a_list_of_content_are_blocks() -> None:
    body = {"id": "m", "type": "message", "role": "assistant", "content": ["H", "i"], "stop_reason": "end_turn"}
    answer = read_every_way(json.dumps(body).encode())
    assert (answer.text, answer.body["content"]) == ("Hi", [{"type": "text", "text": text} for text in "Hi"])
