"""Gemini: parts, signatures, and arguments that come path by path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import sse, typed
from llm.examples_typed import STARTED, block, gemini_frame, stopped
from ndstream import llm


def test_arguments_of_gemini_show_while_they_come_path_by_path() -> None:
    calls: list[dict[str, Any]] = [{"name": "f"}]
    calls += [{"partialArgs": [{"jsonPath": "$.to.city", "stringValue": text}]} for text in ("Ro", "me")]
    frames = sse(*(gemini_frame([{"functionCall": {**call, "willContinue": True}}]) for call in calls))
    reply = llm.reply(iter([*frames, *sse(gemini_frame([{"functionCall": {}}], "STOP"))]))
    seen = [delta.tool_calls[0].partial for delta in reply]
    assert seen == [{}, {"to": {"city": "Ro"}}, {"to": {"city": "Rome"}}, {"to": {"city": "Rome"}}]
    assert reply.tool_calls[0].arguments == seen[-1]


@pytest.mark.parametrize(
    ("values", "arguments"),
    [
        ({"$.a[0].b": 1, "$.a[0].c": 2, "$.a[1].b": 3}, {"a": [{"b": 1, "c": 2}, {"b": 3}]}),
        ({"$.a[0][0]": 1, "$.a[0][1]": 2, "$.a[1]": 3}, {"a": [[1, 2], 3]}),
        ({"$.a[0]": 1, "$['a'][0]": 2}, {"a": [2]}),
        ({"$.a[0]": 1, "$.a[0].b": 2}, {"a": [{"b": 2}]}),
        ({"$.a[0].b": 1, "$.a[0][0]": 2}, {"a": [[2]]}),
        ({"$.a.b": 1, "$.a.c": 2, "$['a']['d.e']": 3}, {"a": {"b": 1, "c": 2, "d.e": 3}}),
        ({"$.a": 1, "$.a.b": 2}, {"a": {"b": 2}}),
        ({"$.a.b": 1, "$.a": 2}, {"a": 2}),
        ({"$.a": 1, ".b": 2}, {"a": 1, "b": 2}),
    ],
    ids=repr,
)
def test_arguments_of_gemini_are_put_where_their_paths_lead(values: dict[str, int], arguments: Any) -> None:
    pieces = [{"jsonPath": path, "numberValue": value} for path, value in values.items()]
    call = {"functionCall": {"name": "f", "partialArgs": pieces}}
    [told] = llm.collect(iter(sse(gemini_frame([call], "STOP")))).tool_calls
    assert (told.arguments, told.incomplete) == (arguments, False)


@pytest.mark.parametrize("path", ["$.a[999999999]", "$.a[2].b", "$[0]", "$.a[x]", "$"])
def test_arguments_of_gemini_that_have_no_place_flag_the_call(path: str) -> None:
    pieces = [{"jsonPath": "$.a[0]", "numberValue": 1}, {"jsonPath": path, "stringValue": "x"}]
    call = {"functionCall": {"name": "f", "partialArgs": pieces}}
    [told] = llm.collect(iter(sse(gemini_frame([call], "STOP")))).tool_calls
    assert (told.arguments, told.incomplete) == (None, True)
    assert told.partial == {"a": [1]}


def test_a_part_with_a_signature_is_joined_with_no_other() -> None:
    parts = [{"text": "a"}, {"text": "b", "thoughtSignature": "s"}, {"text": "c"}, {"text": "d"}]
    answer = llm.collect(iter(sse(*(gemini_frame([part]) for part in parts), gemini_frame([], "STOP"))))
    assert answer.body["candidates"][0]["content"]["parts"] == [*parts[:2], {"text": "cd"}]


def test_the_parts_of_one_frame_stay_as_they_came() -> None:
    parts = [{"text": "a"}, {"text": "b"}, {"text": "c", "thought": True}, {"text": "d", "thought": True}]
    answer = llm.collect(iter(sse(gemini_frame(parts, "STOP"))))
    assert (answer.text, answer.thinking) == ("ab", "cd")
    assert answer.body["candidates"][0]["content"]["parts"] == parts
    # The first of them may go on with the frame before it.
    answer = llm.collect(iter(sse(gemini_frame([{"text": "+"}]), gemini_frame(parts, "STOP"))))
    assert answer.body["candidates"][0]["content"]["parts"] == [{"text": "+a"}, *parts[1:]]


def test_an_empty_signature_is_kept_and_the_last_one_counts() -> None:
    deltas = [{"type": "signature_delta", "signature": signature} for signature in ("", "x", "y")]
    frames = typed(STARTED, *block(0, {"type": "thinking", "thinking": ""}, *deltas), *stopped("end_turn", {}))
    assert llm.collect(iter(frames)).body["content"] == [{"type": "thinking", "thinking": "", "signature": "y"}]


def test_parts_with_the_same_signature_are_two() -> None:
    parts = [{"text": text, "thoughtSignature": "s"} for text in "ab"]
    answer = llm.collect(iter(sse(gemini_frame(parts, "STOP"))))
    assert answer.body["candidates"][0]["content"]["parts"] == parts


def test_arguments_that_come_whole_at_first_are_added_to_path_by_path() -> None:
    begun = {"name": "f", "args": {"a": {"x": 1}, "list": [1]}, "willContinue": True}
    paths = {"$.b": 2, "$.a.y": 2, "$.list[1]": 2, "$.list[0]": 0}
    pieces = {"partialArgs": [{"jsonPath": path, "numberValue": value} for path, value in paths.items()]}
    frames = [gemini_frame([{"functionCall": begun}]), gemini_frame([{"functionCall": pieces}], "STOP")]
    reply = llm.reply(iter(sse(*frames)))
    first = next(reply)
    early = first.tool_calls[0].partial
    assert [delta.raw for delta in reply] == frames[1:]
    assert reply.tool_calls[0].arguments == {"a": {"x": 1, "y": 2}, "list": [0, 2], "b": 2}
    # Neither the frame nor what was shown of it has changed since.
    assert (first.raw, early) == (frames[0], begun["args"])


def test_a_content_without_parts_is_in_the_body_as_it_came() -> None:
    candidate = {"content": {"role": "model"}, "finishReason": "STOP", "index": 0}
    assert llm.collect(iter(sse({"candidates": [candidate]}))).body["candidates"] == [candidate]


@pytest.mark.parametrize("call", [None, {}], ids=repr)
def test_a_call_that_says_nothing_does_not_hide_the_text_beside_it(call: Any) -> None:
    frames = sse(
        *(gemini_frame([{"text": text, "functionCall": call}], end) for text, end in (("H", None), ("i", "STOP")))
    )
    answer = read_every_way(b"".join(frames))
    assert (answer.text, answer.tool_calls, answer.finish_reason) == ("Hi", [], "stop")


def test_a_part_may_have_a_text_and_a_call() -> None:
    part = {"text": "Hi", "functionCall": {"name": "f", "args": {"a": 1}}}
    answer = read_every_way(b"".join(sse(gemini_frame([part], "STOP"))))
    assert (answer.text, [call.arguments for call in answer.tool_calls]) == ("Hi", [{"a": 1}])
    assert answer.body["candidates"][0]["content"]["parts"] == [part]


def test_a_call_in_pieces_is_cut_by_its_length_in_whatever_letters_it_is_said() -> None:
    piece = {"name": "f", "partialArgs": [{"jsonPath": "$.a", "numberValue": 1}], "willContinue": True}
    for word in ("MAX_TOKENS", "max_tokens"):
        [call] = llm.collect(iter(sse(gemini_frame([{"functionCall": piece}], word)))).tool_calls
        assert (call.arguments, call.incomplete) == (None, True)


@pytest.mark.parametrize(
    "content", ["Hi", ["Hi"], [{"text": "Hi"}], {"parts": "Hi"}, {"parts": ["Hi"]}, {"parts": {"text": "Hi"}}], ids=repr
)
def test_text_in_place_of_a_content_or_of_its_parts_is_one_part(content: Any) -> None:
    last = {"candidates": [{"content": {"parts": [""]}, "finishReason": "STOP"}]}
    answer = read_every_way(b"".join(sse({"candidates": [{"content": content}]}, last)))
    assert (answer.text, answer.body["candidates"][0]["content"]) == ("Hi", {"parts": [{"text": "Hi"}]})


@pytest.mark.parametrize(
    ("piece", "incomplete"),
    [
        ({"stringValue": "Rome"}, True),
        ({"jsonPath": None, "numberValue": 1}, True),
        ({"jsonPath": "$.to", "structValue": {"city": "Rome"}}, True),
        ({"jsonPath": "$.to", "willContinue": True}, False),
        ({"willContinue": True}, False),
    ],
    ids=repr,
)
def test_a_call_is_incomplete_if_a_value_of_it_cannot_be_placed(piece: dict[str, Any], incomplete: bool) -> None:
    calls: list[dict[str, Any]] = [{"name": "f"}, {"partialArgs": [{"jsonPath": "$.a", "numberValue": 1}, piece]}]
    frames = sse(*(gemini_frame([{"functionCall": {**call, "willContinue": True}}]) for call in calls))
    answer = read_every_way(b"".join([*frames, *sse(gemini_frame([{"functionCall": {}}], "STOP"))]))
    [call] = answer.tool_calls
    assert (json.loads(call.raw), call.incomplete) == ({"a": 1}, incomplete)
