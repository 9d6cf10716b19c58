"""Values are read leniently, and in the same way wherever a frame has them."""

from __future__ import annotations

import doctest
import json
from typing import Any

import pytest

from ndstream import llm
from ndstream.llm import _exact_numbers, _lenient_readers
from ndstream.llm._lenient_readers import as_index
from ndstream.llm._wires import growing_text

AS_SERVERS_WRITE_THEM = pytest.mark.parametrize("write", [int, float, str], ids=["number", "float", "text"])


def events(*frames: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)


@pytest.mark.parametrize(("value", "index"), [(0, 0), (2.0, 2), ("3", 3), ("-1", -1), (-1, -1), (10**30, 10**30)])
def test_a_whole_number_is_an_index_however_it_is_written(value: object, index: int) -> None:
    assert as_index(value) == index


@pytest.mark.parametrize("value", [None, True, False, 0.5, "", "one", "1.0", "9" * 40, float("inf"), [], {}])
def test_what_is_no_whole_number_is_no_index(value: object) -> None:
    assert as_index(value) is None


@AS_SERVERS_WRITE_THEM
def test_choices_are_told_apart_by_an_index_that_is_written_in_any_way(write: Any) -> None:
    frame = {"choices": [{"index": write(place), "delta": {"content": text}} for place, text in enumerate("ab")]}
    body = llm.collect(events(frame, frame) + b"data: [DONE]\n\n").body
    assert [choice["message"]["content"] for choice in body["choices"]] == ["aa", "bb"]


@AS_SERVERS_WRITE_THEM
def test_candidates_are_told_apart_by_an_index_that_is_written_in_any_way(write: Any) -> None:
    frame = {
        "candidates": [
            {"index": write(place), "content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
            for place, text in enumerate("ab")
        ]
    }
    body = llm.collect(events(frame)).body
    assert [candidate["content"]["parts"][0]["text"] for candidate in body["candidates"]] == ["a", "b"]


@AS_SERVERS_WRITE_THEM
def test_tool_calls_are_told_apart_by_an_index_that_is_written_in_any_way(write: Any) -> None:
    def frame(place: int, **function: str) -> Any:
        return {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": write(place), "function": function}]}}]}

    frames = [frame(0, name="f", arguments="{"), frame(1, name="g", arguments="{"), frame(0, arguments="}")]
    reply = llm.collect(events(*frames, frame(1, arguments="}")) + b"data: [DONE]\n\n")
    assert [(call.name, call.arguments, call.index) for call in reply.tool_calls] == [("f", {}, 0), ("g", {}, 1)]


@AS_SERVERS_WRITE_THEM
def test_blocks_and_items_are_found_by_an_index_that_is_written_in_any_way(write: Any) -> None:
    blocks = [
        {"type": "message_start", "message": {"id": "m"}},
        *({"type": "content_block_start", "index": place, "content_block": {"type": "text"}} for place in (0, 1)),
        *(
            {"type": "content_block_delta", "index": write(place), "delta": {"type": "text_delta", "text": text}}
            for place, text in ((1, "b"), (0, "a"))
        ),
        {"type": "message_stop"},
    ]
    reply = llm.collect(events(*blocks))
    assert [block["text"] for block in reply.body["content"]] == ["a", "b"]
    # The text is in the order in which it came, as the deltas are.
    assert reply.text == "ba"
    items = [
        {"type": "response.output_text.delta", "output_index": write(place), "content_index": write(0), "delta": text}
        for place, text in ((1, "b"), (0, "a"), (1, "d"))
    ]
    output = llm.collect(events(*items, {"type": "response.completed", "response": {}})).body["output"]
    assert [item["content"][0]["text"] for item in output] == ["a", "bd"]


def test_true_is_no_index_of_a_choice_or_of_a_tool_call() -> None:
    frame = {"choices": [{"index": True, "delta": {"tool_calls": [{"index": True, "function": {"name": "f"}}]}}]}
    reply = llm.collect(events(frame) + b"data: [DONE]\n\n")
    assert reply.body["choices"][0]["index"] == 0
    assert reply.tool_calls[0].index is None


@pytest.mark.parametrize("module", [_lenient_readers, _exact_numbers, growing_text], ids=lambda module: module.__name__)
def test_the_examples_in_the_modules_run(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
