"""What one delta says."""

from __future__ import annotations

from typing import Any

import pytest

from llm.example import Example, ids
from llm.examples import EXAMPLES, by_name
from ndstream import llm


def test_a_delta_tells_the_calls_that_it_adds_to() -> None:
    reply = llm.reply(by_name("openai parallel tools, interleaved").data)
    names = [[call.name for call in delta.tool_calls] for delta in reply]
    assert names == [[], ["weather"], ["search"], ["weather"], ["search"], ["weather"], []]


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
