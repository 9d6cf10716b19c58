"""Servers that send the whole text so far in each frame, which is an option."""

from __future__ import annotations

from typing import Any

import pytest

from cuts import cuts
from llm.example import DONE, sse
from llm.examples import chat_frame
from ndstream import llm

TEXTS = ["He", "Hell", "Hell", "Hello, ", "Hello, you"]


def stream(holder: str = "delta", name: str = "content") -> bytes:
    frames: list[dict[str, Any]] = []
    for text in TEXTS:
        frame = chat_frame({})
        del frame["choices"][0]["delta"]
        frame["choices"][0][holder] = {"role": "assistant", name: text}
        frames.append(frame)
    frames[-1]["choices"][0]["finish_reason"] = "stop"
    return b"".join([*sse(*frames), DONE])


@pytest.mark.parametrize("holder", ["delta", "message"])
def test_each_frame_adds_what_goes_beyond_the_one_before(holder: str) -> None:
    data = stream(holder)
    for name, chunks in cuts(data, two_way_most=512):
        reply = llm.reply(iter(chunks), cumulative=True)
        assert [delta.text for delta in reply if delta.text] == ["He", "ll", "o, ", "you"], name
        assert (reply.text, reply.text_revised) == ("Hello, you", False)
        assert reply.body["choices"][0]["message"] == {"role": "assistant", "content": "Hello, you"}


def test_thoughts_are_cumulative_as_well() -> None:
    reply = llm.reply(stream(name="reasoning_content"), cumulative=True)
    assert "".join(delta.thinking for delta in reply) == reply.thinking == "Hello, you"


def test_a_text_that_does_not_go_on_is_told() -> None:
    frames = sse(chat_frame({"content": "Hello"}), chat_frame({"content": "Help"}, "stop"))
    reply = llm.reply(b"".join([*frames, DONE]), cumulative=True)
    assert [delta.text for delta in reply if delta.text] == ["Hello"]
    assert (reply.text, reply.text_revised) == ("Help", True)


def test_without_the_option_texts_are_pieces() -> None:
    assert llm.collect(stream()).text == "".join(TEXTS)


def test_it_is_for_chat_completions() -> None:
    assert llm.collect(stream(), "openai-chat", cumulative=True).text == "Hello, you"
    with pytest.raises(ValueError, match="'openai-chat', not for 'anthropic'"):
        llm.reply([], "anthropic", cumulative=True)
