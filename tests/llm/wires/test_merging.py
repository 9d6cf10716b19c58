"""Lists whose items come in parts, by the rules that all wires share."""

from __future__ import annotations

from typing import Any

from ndstream.llm._wires.merging import Pieces


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
