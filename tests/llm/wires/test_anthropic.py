"""Anthropic's Messages: the odd ways of its streams."""

from __future__ import annotations

import pytest

from llm.example import typed
from llm.examples import by_name
from llm.examples_typed import STARTED, block, input_delta, stopped
from ndstream import llm


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


def test_counts_that_anthropic_says_again_replace_what_they_were_and_others_stay() -> None:
    frames = typed(STARTED, *stopped("end_turn", {"output_tokens": 5}), *stopped("end_turn", {"output_tokens": 7}))
    assert llm.collect(iter(frames)).usage == {"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 7}
