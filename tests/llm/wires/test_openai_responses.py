"""OpenAI's Responses: the odd ways of its streams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import typed
from ndstream import llm


def test_a_call_of_a_response_that_is_cut_is_flagged_even_where_its_json_is_whole() -> None:
    item = {"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
    cut = {**item, "status": "incomplete"}
    reason = {"incomplete_details": {"reason": "max_output_tokens"}}
    answer = llm.collect(
        iter(
            typed(
                {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
                {"type": "response.function_call_arguments.delta", "item_id": "i", "delta": '{"a":1}'},
                {"type": "response.output_item.done", "output_index": 0, "item": cut},
                {"type": "response.incomplete", "response": {"id": "r", "output": [cut], **reason}},
            )
        )
    )
    [call] = answer.tool_calls
    assert (call.raw, call.arguments, call.incomplete) == ('{"a":1}', None, True)


def test_thoughts_in_the_content_of_a_response_are_no_text() -> None:
    deltas = [
        {"type": "response.reasoning_text.delta", "item_id": "r", "delta": "Hm"},
        {"type": "response.output_text.delta", "item_id": "m", "delta": "Yes"},
    ]
    reply = llm.reply(iter(typed(*deltas)), on_incomplete="return")
    assert [(delta.text, delta.thinking) for delta in reply] == [("", "Hm"), ("Yes", "")]
    assert (reply.text, reply.thinking) == ("Yes", "Hm")
    assert [item["type"] for item in reply.body["output"]] == ["reasoning", "message"]


def test_refusals_that_are_said_as_a_whole_win_over_their_pieces() -> None:
    pieces = [{"type": "response.refusal.delta", "item_id": "m", "delta": text} for text in ("I can", "not")]
    for final, begun in (("I cannot", pieces), ("I may not", pieces), ("No", [])):
        done = {"type": "response.refusal.done", "item_id": "m", "refusal": final}
        answer = llm.collect(iter(typed(*begun, done, {"type": "response.completed", "response": {"id": "r"}})))
        assert (answer.refusal, answer.text, answer.finish_reason) == (final, "", "refusal")
        assert answer.body["output"][0]["content"] == [{"type": "refusal", "refusal": final}]


def test_pieces_and_wholes_of_a_kind_that_is_not_known_are_passed_over() -> None:
    text = {"type": "response.output_text.delta", "item_id": "m", "delta": "Hi"}
    sound = {"type": "response.sound.delta", "item_id": "m", "delta": "AAAA"}
    done = {"type": "response.sound.done", "item_id": "m"}
    end = {"type": "response.completed", "response": {"id": "r"}}
    answer = llm.collect(iter(typed(text, sound, done, end)))
    assert answer.body == llm.collect(iter(typed(text, end))).body


def test_an_empty_part_that_the_whole_leaves_out_takes_no_text_back() -> None:
    parts = [{"type": "output_text", "text": text} for text in ("Hi", "")]
    begun = [
        {"type": "response.content_part.added", "item_id": "m", "content_index": index, "part": part}
        for index, part in enumerate(parts)
    ]
    item = {"id": "m", "type": "message", "content": parts[:1]}
    done = {"type": "response.output_item.done", "item": item}
    answer = llm.collect(iter(typed(*begun, done, {"type": "response.completed", "response": {"id": "r"}})))
    assert (answer.text, answer.text_revised) == ("Hi", False)
    assert answer.body["output"] == [item]


@pytest.mark.parametrize("status", [{"status": "in_progress"}, {}], ids=repr)
def test_an_answer_that_goes_on_has_what_is_in_it_and_is_not_complete(status: dict[str, str]) -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":', "status": "in_progress"}
    body = {"id": "r", "object": "response", **status, "output": [item, call]}
    reply = llm.reply(json.dumps(body).encode(), on_incomplete="return")
    assert [delta.text for delta in reply] == ["Hi"]
    assert (reply.text, reply.body) == ("Hi", body)
    assert reply.ending is not None
    assert (reply.ending.verdict, [call.incomplete for call in reply.tool_calls]) == ("truncated", [True])


def test_the_last_event_may_have_nothing_but_its_type() -> None:
    text = {"type": "response.output_text.delta", "item_id": "m", "delta": "Hi"}
    for end in ({}, {"response": None}):
        answer = read_every_way(b"".join(typed(text, {"type": "response.completed", **end})))
        assert (answer.text, answer.finish_reason) == ("Hi", "stop")


def test_text_in_place_of_a_list_of_parts_is_one_part() -> None:
    items = [{"type": "reasoning", "summary": "Hm"}, {"type": "message", "content": "Hi"}]
    answer = read_every_way(json.dumps({"object": "response", "status": "completed", "output": items}).encode())
    assert (answer.thinking, answer.text) == ("Hm", "Hi")
    assert answer.body["output"] == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
    ]


BEGUN = {"type": "response.created", "response": {"id": "r", "status": "in_progress", "output": []}}
ENDED = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}


@pytest.mark.parametrize("kind", ["content_part", "text", "output_text"])
@pytest.mark.parametrize("wrap", [str, lambda text: {"text": text}], ids=["text", "object"])
def test_text_is_read_by_whatever_name_its_events_have(kind: str, wrap: Any) -> None:
    pieces = [{"type": f"response.{kind}.delta", "output_index": 0, "content_index": 0, "delta": wrap(t)} for t in "Hi"]
    answer = read_every_way(b"".join(typed(BEGUN, *pieces, ENDED)))
    content = [{"type": "output_text", "text": "Hi"}]
    assert (answer.text, answer.body["output"]) == ("Hi", [{"type": "message", "content": content}])


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        ("reasoning", "content", "reasoning_text"),
        ("reasoning_content", "content", "reasoning_text"),
        ("reasoning_summary", "summary", "summary_text"),
    ],
)
def test_thoughts_are_read_by_whatever_name_their_events_have(kind: str, name: str, part: str) -> None:
    pieces = [{"type": f"response.{kind}.delta", "output_index": 0, "delta": text} for text in "Hm"]
    done = {"type": f"response.{kind}.done", "output_index": 0, "text": "Hm"}
    for frames in (pieces, [done], [*pieces, done]):
        answer = read_every_way(b"".join(typed(BEGUN, *frames, ENDED)))
        assert (answer.thinking, answer.text) == ("Hm", "")
        assert answer.body["output"] == [{"type": "reasoning", name: [{"type": part, "text": "Hm"}]}]


def test_a_part_of_a_thought_that_comes_whole_is_read() -> None:
    item = {"id": "i", "type": "reasoning", "content": [], "summary": []}
    part = {"type": "response.reasoning_part.done", "item_id": "i", "content_index": 0}
    part["part"] = {"type": "reasoning_text", "text": "Hm"}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    answer = read_every_way(b"".join(typed(BEGUN, added, part, ENDED)))
    assert (answer.thinking, answer.body["output"]) == ("Hm", [{**item, "content": [part["part"]]}])


@pytest.mark.parametrize("kind", ["completed", "incomplete"])
def test_an_error_in_a_response_that_ends_is_an_error_whatever_its_status(kind: str) -> None:
    error = {"code": "server_error", "message": "no memory"}
    last = {"type": f"response.{kind}", "response": {"id": "r", "status": kind, "output": [], "error": error}}
    piece = {"type": "response.output_text.delta", "delta": "Hi"}
    with pytest.raises(llm.ReplyServerError, match="no memory") as caught:
        llm.collect(iter(typed(BEGUN, piece, last)))
    assert (caught.value.kind, caught.value.reply.text) == ("server", "Hi")


def test_texts_in_a_list_of_parts_are_parts() -> None:
    items = [{"type": "reasoning", "content": ["Hm"]}, {"type": "message", "content": ["H", "i"]}]
    answer = read_every_way(json.dumps({"object": "response", "status": "completed", "output": items}).encode())
    assert (answer.text, answer.thinking) == ("Hi", "Hm")
    assert answer.body["output"][1]["content"] == [{"type": "output_text", "text": text} for text in "Hi"]


def test_parts_of_an_item_whose_type_is_no_text_raise_nothing() -> None:
    item = {"type": {"x": 1}, "content": [{"type": "output_text", "text": "Hi"}]}
    answer = read_every_way(json.dumps({"object": "response", "status": "completed", "output": [item]}).encode())
    assert (answer.text, answer.body["output"]) == ("Hi", [item])


def test_arguments_that_come_as_an_object_are_those_of_the_call() -> None:
    item = {"id": "f", "type": "function_call", "call_id": "c", "name": "now", "arguments": ""}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    piece = {"type": "response.function_call_arguments.delta", "item_id": "f", "output_index": 0, "delta": {"a": 1}}
    answer = read_every_way(b"".join(typed(BEGUN, added, piece, ENDED)))
    assert [(call.name, call.arguments, call.incomplete) for call in answer.tool_calls] == [("now", {"a": 1}, False)]
    assert json.loads(answer.body["output"][0]["arguments"]) == {"a": 1}


def test_tokens_that_are_numbers_are_text() -> None:
    pieces = [{"type": "response.output_text.delta", "output_index": 0, "delta": token} for token in (4, 2, "!", None)]
    assert read_every_way(b"".join(typed(BEGUN, *pieces, ENDED))).text == "42!"
