"""Cohere: the odd ways of its streams."""

from __future__ import annotations

import pytest

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
