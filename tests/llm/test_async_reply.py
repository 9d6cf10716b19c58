"""Replies whose source is awaited are those that are not, awaited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, TypeVar

import pytest

from inputs.cuts import cuts
from llm.example import lines, sse
from llm.examples import EXAMPLES, Example, chat_frame, ids
from ndstream import llm

T = TypeVar("T")


async def chunks_of(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_an_awaited_reply_folds_as_another_does(example: Example) -> None:
    async def main() -> None:
        for name, chunks in cuts(example.data, two_way_most=16):
            reply = llm.reply(chunks_of(chunks))
            text = "".join([text async for text in reply.texts()])
            assert (reply.body, reply.text, text) == (example.body, example.text, example.text), name
            assert reply.ending is not None
            assert reply.ending.verdict == "complete"
            assert reply.closed

    run(main())


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_collect_awaits_where_its_source_is_awaited(example: Example) -> None:
    async def main() -> llm.Answer:
        return await llm.collect(chunks_of(example.frames))

    assert run(main()).body == example.body


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_an_awaited_reply_that_is_cut_raises_once_and_then_ends(example: Example) -> None:
    async def main() -> None:
        reply = llm.reply(chunks_of(example.frames[: example.ends_at - 1]))
        deltas = []
        with pytest.raises(llm.ReplyTruncatedError):
            async for delta in reply:
                deltas.append(delta)
        assert [delta async for delta in reply] == []
        assert "".join(delta.text for delta in deltas if delta.choice == 0) == reply.text

    run(main())


async def collected(*frames: bytes) -> tuple[llm.AsyncReply, list[llm.Delta]]:
    reply = llm.reply(chunks_of(frames), on_incomplete="return")
    return reply, [delta async for delta in reply]


def framings() -> dict[str, bytes]:
    """Two frames of four choices each, in each of the ways to frame them."""
    choices = [{"index": index, "delta": {"content": text}} for index, text in enumerate("abcd")]
    frames: list[Any] = [{"choices": choices}] * 2
    return {"events": b"".join(sse(*frames)), "lines": b"".join(lines(*frames)), "array": json.dumps(frames).encode()}


@pytest.mark.parametrize("data", framings().values(), ids=framings())
def test_the_choices_of_one_frame_come_out_in_their_order_whatever_frames_it(data: bytes) -> None:
    expected = 2 * [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
    assert [(delta.choice, delta.text) for delta in llm.reply(data, on_incomplete="return")] == expected
    _, deltas = asyncio.run(collected(data))
    assert [(delta.choice, delta.text) for delta in deltas] == expected


def test_the_first_text_is_noted_when_it_comes_after_frames_without_any() -> None:
    role, text = chat_frame({"role": "assistant", "content": ""}), chat_frame({"content": "Hi"}, "stop")
    reply, _ = asyncio.run(collected(*sse(role, role, text)))
    first_text, first_payload = reply.times.first_text, reply.times.first_payload
    assert first_text is not None
    assert first_payload is not None
    assert first_text >= first_payload
    reply, _ = asyncio.run(collected(*sse(role, role)))
    assert reply.times.first_text is None
