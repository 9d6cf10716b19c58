"""Cohere: the odd ways of its streams."""

from __future__ import annotations

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
