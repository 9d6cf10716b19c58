"""Cohere: the odd ways of its streams."""

from __future__ import annotations

import json

import pytest

from llm.every_way import read_every_way
from llm.example import typed
from llm.examples import by_name
from llm.examples_typed import cohere_frame
from ndstream import llm


def test_a_call_that_cohere_cuts_by_length_is_flagged() -> None:
    frames = [*by_name("cohere plans and calls").frames[:5]]
    last = {"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS"}}
    [call] = llm.collect(iter([*frames, *typed(last)])).tool_calls
    assert (call.raw, call.arguments, call.incomplete) == ('{"a":', None, True)
    whole = typed(cohere_frame("tool-call-delta", 0, tool_calls={"function": {"arguments": "0}"}}))
    [call] = llm.collect(iter([*frames, *whole, *typed(last)])).tool_calls
    assert (call.raw, call.arguments, call.incomplete) == ('{"a":0}', None, True)
    end = typed({"type": "tool-call-end", "index": 0})
    [call] = llm.collect(iter([*frames, *whole, *end, *typed(last)])).tool_calls
    assert (call.raw, call.arguments, call.incomplete) == ('{"a":0}', None, True)


def test_an_error_in_the_last_event_is_an_error_though_no_reason_says_so() -> None:
    text = cohere_frame("content-delta", 0, content={"text": "Hi"})
    with pytest.raises(llm.ReplyServerError, match="out of memory") as caught:
        llm.collect(iter(typed(text, {"type": "message-end", "delta": {"error": "out of memory"}})))
    assert caught.value.reply.text == "Hi"


def test_log_probabilities_may_come_as_a_list() -> None:
    texts = [cohere_frame("content-delta", 0, content={"text": text}) for text in "ab"]
    frames = [{**text, "logprobs": [{"text": token}]} for text, token in zip(texts, "ab", strict=True)]
    answer = llm.collect(iter(typed(*frames, {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}})))
    assert answer.body["logprobs"] == [{"text": "a"}, {"text": "b"}]


@pytest.mark.parametrize("reason", ["max_tokens", "ERROR_TOXIC"])
def test_a_call_is_cut_by_whatever_word_says_that_the_server_stopped_in_the_middle(reason: str) -> None:
    call = cohere_frame("tool-call-start", 0, tool_calls={"id": "c", "function": {"name": "f", "arguments": "{}"}})
    end = {"type": "message-end", "delta": {"finish_reason": reason}}
    answer = llm.collect(iter(typed(call, {"type": "tool-call-end", "index": 0}, end)))
    assert [call.incomplete for call in answer.tool_calls] == [True]


def test_text_in_place_of_a_list_of_content_is_one_text() -> None:
    content = [{"type": "text", "text": "Hi"}]
    frames = typed(cohere_frame("content-delta", 0, content="Hi"), {"type": "message-end", "delta": {}})
    whole = {"id": "i", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": "Hi"}}
    for data in (b"".join(frames), json.dumps(whole).encode()):
        answer = read_every_way(data)
        assert (answer.text, answer.body["message"]["content"]) == ("Hi", content)


def test_counts_and_a_reason_beside_the_last_delta_count() -> None:
    usage = {"tokens": {"input_tokens": 3, "output_tokens": 2}}
    text = cohere_frame("content-delta", 0, content={"text": "Hi"})
    for delta in ({}, {"usage": None, "finish_reason": ""}):
        last = {"type": "message-end", "delta": delta, "usage": usage, "finish_reason": "MAX_TOKENS"}
        answer = read_every_way(b"".join(typed(text, last)))
        assert (answer.usage, answer.tokens.input, answer.finish_reason) == (usage, 3, "length")


def test_texts_in_a_list_of_content_are_parts() -> None:
    whole = {"id": "i", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": ["H", "i"]}}
    answer = read_every_way(json.dumps(whole).encode())
    content = [{"type": "text", "text": text} for text in "Hi"]
    assert (answer.text, answer.body["message"]["content"]) == ("Hi", content)
