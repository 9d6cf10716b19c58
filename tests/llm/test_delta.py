"""What one delta says."""

from __future__ import annotations

from typing import Any

import pytest

from llm.example import Example, ids
from llm.examples import EXAMPLES, by_name
from ndstream import llm
from ndstream.llm._delta import CallDelta, TextDelta


def test_a_delta_tells_the_calls_that_it_adds_to() -> None:
    reply = llm.reply(by_name("openai parallel tools, interleaved").data)
    names = [[call.name for call in delta.tool_calls] for delta in reply]
    assert names == [[], ["weather"], ["search"], ["weather"], ["search"], ["weather"], []]


@pytest.mark.parametrize(
    ("name", "texts", "calls"),
    [
        ("openai text", 2, 0),
        ("openai parallel tools, interleaved", 0, 3),
        ("ollama chat", 2, 0),
        ("anthropic thinks, speaks and calls", 1, 3),
        ("responses with a thought, a text and a call", 1, 1),
        ("an interaction that thinks, searches, speaks and calls", 1, 0),
        ("converse thinks, speaks, cites and calls", 1, 0),
    ],
)
def test_text_and_arguments_that_go_on_make_deltas_of_nothing_else(name: str, texts: int, calls: int) -> None:
    kinds = [type(delta) for delta in llm.reply(by_name(name).data)]
    assert (kinds.count(TextDelta), kinds.count(CallDelta)) == (texts, calls)


@pytest.mark.parametrize("example", [example for example in EXAMPLES if example.calls], ids=ids)
def test_the_delta_that_opens_a_call_tells_it(example: Example) -> None:
    reply, told = llm.reply(iter(example.frames)), 0
    for delta in reply:
        known = len(reply.tool_calls)
        if known > told:
            assert reply.tool_calls[told:] == list(delta.tool_calls)[told - known :]
        told = known
    assert told == len(example.calls)


def test_usage_is_told_by_the_delta_that_brings_it_and_null_is_none() -> None:
    reply = llm.reply(by_name("openai text").data)
    assert [delta.usage is not None for delta in reply] == [False] * 4 + [True]


@pytest.mark.parametrize("example", [example for example in EXAMPLES if example.usage], ids=ids)
def test_the_counts_that_deltas_tell_add_up_to_those_of_the_reply(example: Example) -> None:
    told: dict[str, Any] = {}
    for delta in llm.reply(iter(example.frames)):
        told.update({name: count for name, count in (delta.usage or {}).items() if count is not None})
    assert told == example.usage


def test_a_delta_keeps_the_frame_and_shows_what_it_holds() -> None:
    first, *_ = llm.reply(by_name("ollama chat").data)
    assert first.raw["message"] == {"role": "assistant", "content": "", "thinking": "Let "}
    assert repr(first) == "Delta(thinking='Let ')"
