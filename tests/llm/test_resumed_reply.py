"""A reply that goes on from an earlier one: what the server repeats is folded once, and nothing is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from inputs.cuts import cuts
from llm.examples import EXAMPLES, by_name
from ndstream import llm

RESPONSES = by_name("responses with a thought, a text and a call")
FRAMES = RESPONSES.frames


def cut_after(count: int) -> llm.Answer:
    """What came of the reply, as its error carries it."""
    with pytest.raises(llm.ReplyTruncatedError) as caught:
        llm.collect(iter(FRAMES[:count]))
    return caught.value.reply


def calls_of(answer: llm.Answer) -> list[Any]:
    return [(call.name, call.arguments, call.incomplete) for call in answer.tool_calls]


@pytest.mark.parametrize("overlap", [0, 1, 3, 100])
@pytest.mark.parametrize("count", range(1, len(FRAMES)))
def test_a_reply_that_was_cut_anywhere_is_gone_on_with(count: int, overlap: int) -> None:
    earlier = cut_after(count)
    before = earlier.text
    reply = llm.reply(iter(FRAMES[max(0, count - overlap) :]), after=earlier)
    deltas = list(reply)
    assert reply.ending is not None
    assert (reply.ending.verdict, reply.body) == ("complete", RESPONSES.body)
    assert (reply.text, reply.thinking) == (RESPONSES.text, RESPONSES.thinking)
    assert before + "".join(delta.text for delta in deltas) == RESPONSES.text
    assert calls_of(reply) == [("weather", {"city": "Rome"}, False)]
    # The earlier reply stays what it was.
    assert (earlier.text, earlier.ending and earlier.ending.verdict) == (before, "truncated")


def test_the_rest_is_the_same_for_every_cut() -> None:
    earlier = cut_after(9)
    data = b"".join(FRAMES[7:])
    for name, chunks in cuts(data):
        assert llm.collect(iter(chunks), after=earlier).body == RESPONSES.body, name


def test_a_reply_that_is_cut_again_is_gone_on_with_again() -> None:
    earlier = cut_after(5)
    with pytest.raises(llm.ReplyTruncatedError) as caught:
        llm.collect(iter(FRAMES[4:12]), after=earlier)
    assert llm.collect(iter(FRAMES[10:]), after=caught.value.reply).body == RESPONSES.body


def test_an_awaited_reply_is_gone_on_with() -> None:
    async def source() -> AsyncIterator[bytes]:
        for frame in FRAMES[6:]:
            yield frame

    async def main() -> llm.Answer:
        reply = llm.reply(source(), after=cut_after(8))
        async for _ in reply:
            pass
        return reply

    assert asyncio.run(main()).body == RESPONSES.body


OTHERS = {example.wire: example for example in EXAMPLES if example.wire != "openai-responses"}


@pytest.mark.parametrize("wire", OTHERS)
def test_a_server_that_cannot_resume_is_a_type_error(wire: str) -> None:
    answer = llm.collect(OTHERS[wire].data)
    with pytest.raises(TypeError, match=f"that of '{wire}' cannot be resumed: send the request again"):
        llm.reply([], after=answer)


def test_what_is_no_reply_and_another_wire_are_refused() -> None:
    with pytest.raises(TypeError, match="after= takes an earlier reply"):
        llm.reply([], after=b"data")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="'openai-responses', not of 'anthropic'"):
        llm.reply([], "anthropic", after=cut_after(3))


@pytest.mark.parametrize("gap", [1, 2, 5])
@pytest.mark.parametrize("count", range(1, len(FRAMES) - 1))
def test_events_that_are_left_out_are_told_and_nothing_beyond_them_is_folded(count: int, gap: int) -> None:
    earlier = cut_after(count)
    rest = FRAMES[count + gap :] or FRAMES[-1:]
    with pytest.raises(llm.ReplyServerError, match=f"request it again with starting_after={count - 1}") as caught:
        llm.collect(iter(rest), after=earlier)
    assert (caught.value.reason, caught.value.kind) == ("gap", "gap")
    answer = caught.value.reply
    assert (answer.text, answer.last_sequence_number) == (earlier.text, count - 1)
    # From there the whole can still be had.
    assert llm.collect(iter(FRAMES[count:]), after=answer).body == RESPONSES.body


def test_a_gap_is_told_for_every_cut() -> None:
    earlier = cut_after(9)
    for name, chunks in cuts(b"".join(FRAMES[10:])):
        reply = llm.reply(iter(chunks), after=earlier, on_incomplete="return")
        assert "".join(delta.text for delta in reply) == "", name
        assert reply.ending is not None, name
        assert reply.ending.error is not None, name
        assert reply.ending.error.kind == "gap", name
        # It is noted once, however many frames follow.
        assert [each.sign for each in reply.ending.evidence].count("error_frame") == 1, name


def test_a_gap_behind_an_overlap_and_in_an_awaited_reply_is_told() -> None:
    async def source() -> AsyncIterator[bytes]:
        for frame in [*FRAMES[7:9], *FRAMES[10:]]:
            yield frame

    async def main() -> None:
        async for _ in llm.reply(source(), after=cut_after(9)):
            pass

    with pytest.raises(llm.ReplyServerError, match="goes on at sequence_number 10, but the earlier reply ends at 8"):
        asyncio.run(main())


@pytest.mark.parametrize("count", range(1, len(FRAMES)))
def test_the_number_to_resume_after_is_that_of_the_last_event(count: int) -> None:
    assert cut_after(count).last_sequence_number == count - 1


def test_replies_of_other_wires_have_no_number_to_resume_after() -> None:
    assert {llm.collect(example.data).last_sequence_number for example in OTHERS.values()} == {None}
