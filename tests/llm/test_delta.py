"""What one delta says."""

from __future__ import annotations

from llm.examples import by_name
from ndstream import llm


def test_a_delta_tells_the_calls_that_it_adds_to() -> None:
    reply = llm.reply(by_name("openai parallel tools, interleaved").data)
    names = [[call.name for call in delta.tool_calls] for delta in reply]
    assert names == [[], ["weather"], ["search"], ["weather"], ["search"], ["weather"], []]


def test_usage_is_told_by_the_delta_that_brings_it_and_null_is_none() -> None:
    reply = llm.reply(by_name("openai text").data)
    assert [delta.usage is not None for delta in reply] == [False] * 4 + [True]


def test_a_delta_keeps_the_frame_and_shows_what_it_holds() -> None:
    first, *_ = llm.reply(by_name("ollama chat").data)
    assert first.raw["message"] == {"role": "assistant", "content": "", "thinking": "Let "}
    assert repr(first) == "Delta(thinking='Let ')"
