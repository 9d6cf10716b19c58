"""Lists whose items come in parts, by the rules that all wires share."""

from __future__ import annotations

from typing import Any

from llm.example import DONE, sse
from llm.examples import chat_frame
from ndstream import llm
from ndstream.llm._wires.merging import Pieces
from ndstream.llm._wires.wire import merged_usage


def merged(*frames: Any) -> list[Any]:
    pieces = Pieces()
    for frame in frames:
        pieces.add(frame)
    return pieces.body()


def test_an_item_in_place_of_a_list_is_a_list_of_one() -> None:
    item = {"id": "a", "type": "reasoning.text", "text": "so"}
    assert merged(item) == merged([item]) == [item]


def test_parts_with_one_id_are_one_item_and_with_another_type_they_are_two() -> None:
    first, more = {"id": "a", "type": "reasoning.text", "text": "so"}, {"id": "a", "text": " it is"}
    assert merged([first], [more]) == [{"id": "a", "type": "reasoning.text", "text": "so it is"}]
    other = {"id": "a", "type": "reasoning.summary", "text": "so"}
    assert merged([first], [other]) == [first, other]


def test_counts_are_put_together_without_a_copy_for_each_frame_and_change_none_of_them() -> None:
    frames = [{"a": 1}, {"b": 2}, {"a": 3}]
    first = merged_usage(None, frames[0])
    assert merged_usage(merged_usage(first, frames[1]), frames[2]) is first
    assert (first, frames) == ({"a": 3, "b": 2}, [{"a": 1}, {"b": 2}, {"a": 3}])


def test_counts_that_were_handed_out_stay_as_they_were() -> None:
    frames = sse(*(chat_frame({}, usage={"completion_tokens": number}) for number in range(1, 4)))
    reply = llm.reply(iter([*frames, DONE]))
    seen = [(delta.usage, reply.usage, reply.body["usage"]) for delta in reply]
    assert seen == [({"completion_tokens": number},) * 3 for number in range(1, 4)]
