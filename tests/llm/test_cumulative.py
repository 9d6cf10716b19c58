"""Servers that send the whole text so far in each frame, which is an option."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import pytest

from inputs.cuts import cuts
from llm.example import DONE, sse
from llm.examples import EXAMPLES, chat_frame
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


@pytest.mark.parametrize("wire", sorted({*llm.WIRES} - {"openai-chat"}))
def test_a_wire_for_which_it_means_nothing_is_an_error_whether_it_is_named_or_detected(wire: str) -> None:
    data = next(example.data for example in EXAMPLES if example.wire == wire)
    with pytest.raises(llm.WireOptionError, match=f"'openai-chat', not for '{wire}'") as named:
        llm.reply([], wire, cumulative=True)
    for name, chunks in cuts(data, two_way_most=64):
        source = Source(chunks)
        reply = llm.reply(source, cumulative=True)
        with pytest.raises(llm.WireOptionError, match=f"'openai-chat', not for '{wire}'") as detected:
            list(reply)
        for error in (named.value, detected.value):
            assert (error.option, error.wire) == ("cumulative", wire), name
        assert source.closed
        assert list(reply) == []


def test_an_awaited_reply_releases_its_source_as_well() -> None:
    # There is more to come when the wire is detected.
    source = Source(2 * [b'{"response":"Hi","done":false}\n'])

    async def read() -> None:
        reply = llm.reply(awaited(source), cumulative=True)
        with pytest.raises(llm.WireOptionError, match="cumulative="):
            await anext(reply)
        assert reply.closed
        assert [delta async for delta in reply] == []

    asyncio.run(read())
    assert source.closed


def test_a_reply_that_goes_on_is_not_cumulative() -> None:
    earlier = llm.collect(b'data: {"type":"response.created","response":{}}\n\n', on_incomplete="return")
    with pytest.raises(llm.WireOptionError, match="'openai-responses'"):
        llm.reply([], after=earlier, cumulative=True)


class Source:
    """Chunks that know whether they were closed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        self.closed = True


async def awaited(source: Source) -> AsyncIterator[bytes]:
    try:
        for chunk in source:
            yield chunk
    finally:
        source.close()


def test_completions_of_the_older_kind_are_cumulative_as_well() -> None:
    frames = [{"object": "text_completion", "choices": [{"index": 0, "text": text}]} for text in TEXTS]
    frames[-1]["choices"][0]["finish_reason"] = "stop"  # type: ignore[index]
    reply = llm.reply(b"".join([*sse(*frames), DONE]), cumulative=True)
    assert [delta.text for delta in reply if delta.text] == ["He", "ll", "o, ", "you"]
    assert reply.body["choices"][0]["text"] == "Hello, you"
