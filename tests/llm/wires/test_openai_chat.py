"""The chat family: tools, thoughts, usage and choices, in all the ways that its servers write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.example import DONE, sse
from llm.examples import by_name, chat_body, chat_frame
from llm.examples_typed import gemini_frame
from ndstream import llm


def calls_of(*fragments: Any, finish: str | None = "tool_calls") -> list[tuple[str | None, Any, bool]]:
    """Name, arguments and incompleteness of the calls that these fragments make, each in a frame of its own."""
    frames = sse(*(chat_frame({"tool_calls": [fragment]}) for fragment in fragments), chat_frame({}, finish))
    answer = llm.collect(iter([*frames, DONE]) if finish else iter(frames), on_incomplete="return")
    return [(call.name, call.arguments, call.incomplete) for call in answer.tool_calls]


def opened(name: str, arguments: Any = "", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def further(arguments: Any, **more: Any) -> dict[str, Any]:
    return {"function": {"arguments": arguments}, **more}


ONE_AND_TWO = [("f", {"a": 1}, False), ("g", {"b": 2}, False)]


@pytest.mark.parametrize("indexes", [(0, 1), (1, 2), (3, 9), (-1, 0), (1, 0)], ids=str)
def test_indexes_are_keys_and_never_places(indexes: tuple[int, int]) -> None:
    one, two = indexes
    assert (
        calls_of(
            opened("f", '{"a"', index=one, id="x"),
            opened("g", '{"b"', index=two, id="y"),
            further(":2}", index=two),
            further(":1}", index=one),
        )
        == ONE_AND_TWO
    )


@pytest.mark.parametrize("index", [{}, {"index": 0}, {"index": None}], ids=["missing", "always 0", "null"])
def test_parallel_calls_without_useful_indexes_are_told_by_their_ids(index: dict[str, Any]) -> None:
    assert (
        calls_of(
            opened("f", '{"a":1}', id="x", **index),
            opened("g", '{"b"', id="y", **index),
            further(":2}", id="y", **index),
        )
        == ONE_AND_TWO
    )


def test_an_id_and_a_name_on_every_fragment_are_not_put_together() -> None:
    fragments = [opened("f", part, index=0, id="x") for part in ("{", '"a":', "1}")]
    assert calls_of(*fragments) == [("f", {"a": 1}, False)]


@pytest.mark.parametrize("nothing", ["", None])
def test_empty_names_and_ids_behind_the_first_are_nothing(nothing: Any) -> None:
    more = {"id": nothing, "function": {"name": nothing, "arguments": "1}"}}
    assert calls_of(opened("f", '{"a":', index=0, id="x"), {**more, "index": 0}) == [("f", {"a": 1}, False)]


def test_arguments_that_come_as_an_object_are_taken_whole() -> None:
    assert calls_of(opened("f", {"a": 1}, index=0, id="x")) == [("f", {"a": 1}, False)]


def test_a_call_without_arguments_has_none() -> None:
    assert calls_of(opened("f", "", index=0, id="x")) == [("f", {}, False)]


def test_arguments_that_are_cut_by_length_are_flagged_even_where_they_happen_to_be_whole() -> None:
    assert calls_of(opened("f", '{"a":1}', index=0, id="x"), finish="length") == [("f", None, True)]
    assert calls_of(opened("f", '{"a":1', index=0, id="x"), finish="tool_calls") == [("f", None, True)]
    assert calls_of(opened("f", '{"a":1}', index=0, id="x"), finish=None) == [("f", None, True)]


def test_a_call_does_not_end_because_its_json_is_whole() -> None:
    assert calls_of(opened("f", "[1]", index=0, id="x"), further(" ", index=0)) == [("f", [1], False)]


def test_five_hundred_parallel_calls_are_five_hundred() -> None:
    many = [opened("f", f'{{"n":{n}', index=n, id=str(n)) for n in range(500)]
    frames = sse(
        chat_frame({"tool_calls": many}),
        chat_frame({"tool_calls": [further("}", index=n) for n in range(500)]}),
        chat_frame({}, "tool_calls"),
    )
    reply = llm.reply(iter([*frames, DONE]))
    deltas = list(reply)
    assert [len(delta.tool_calls) for delta in deltas] == [500, 500, 0]
    assert [call.arguments["n"] for call in reply.tool_calls] == list(range(500))


def test_arguments_that_never_end_are_kept_as_they_came() -> None:
    piece = '{"a":['
    reply = llm.reply(iter(sse(*(chat_frame({"tool_calls": [further(piece, index=0)]}) for _ in range(2000)))))
    with pytest.raises(llm.ReplyTruncatedError) as caught:
        list(reply)
    [call] = caught.value.reply.tool_calls
    assert (call.raw, call.arguments, call.incomplete) == (piece * 2000, None, True)


@pytest.mark.parametrize("given", [{}, {"index": 0}, {"index": 0, "id": ""}], ids=["nothing", "index", "empty id"])
def test_two_calls_of_one_function_in_one_frame_are_two_without_any_id(given: dict[str, Any]) -> None:
    calls = [opened("f", '{"a":1}', **given), opened("f", '{"a":2}', **given)]
    frames = sse(chat_frame({"tool_calls": calls}), chat_frame({}, "tool_calls"))
    assert [call.arguments for call in llm.collect(iter(frames)).tool_calls] == [{"a": 1}, {"a": 2}]


def test_the_same_thought_under_two_names_is_one_thought() -> None:
    frames = sse(chat_frame({"reasoning": "Hm", "reasoning_content": "Hm"}), chat_frame({"content": "a"}, "stop"))
    answer = llm.collect(iter(frames))
    assert answer.thinking == "Hm"
    assert answer.body["choices"][0]["message"]["reasoning"] == "Hm"
    assert answer.body["choices"][0]["message"]["reasoning_content"] == "Hm"


def test_thoughts_between_texts_keep_their_order_in_the_body() -> None:
    parts = [{"text": "a", "thought": True}, {"text": "b"}, {"text": "c", "thought": True}, {"text": "d"}]
    frames = sse(*(gemini_frame([part]) for part in parts), gemini_frame([], "STOP"))
    answer = llm.collect(iter(frames))
    assert (answer.text, answer.thinking) == ("bd", "ac")
    assert answer.body["candidates"][0]["content"]["parts"] == parts


def test_a_choice_with_content_in_parts_is_folded_beside_one_of_text() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    frames = sse(
        *(chat_frame({"content": ""}) for _ in range(3)),
        chat_frame({"content": [thought]}),
        *(chat_frame({"content": text}, index=index) for text, index in (("a", 1), ("b", 0), ("c", 1), ("d", 0))),
    )
    choices = llm.collect(iter(frames), on_incomplete="return").body["choices"]
    assert choices[0]["message"]["content"] == [thought, {"type": "text", "text": "bd"}]
    assert choices[1]["message"]["content"] == "ac"


def test_fields_that_change_under_way_count_as_they_were_last() -> None:
    frames = [chat_frame({"content": text}, service={"at": text}) for text in "abc"]
    for count in (1, 2, 3):
        body = llm.collect(iter(sse(*frames[:count])), on_incomplete="return").body
        assert body["service"] == {"at": "abc"[count - 1]}


@pytest.mark.parametrize(
    ("values", "kept"), [((None, "a", None), "a"), (("", 1, ""), 1), (("a", "b", None), "b"), (("a", None, 0), 0)]
)
def test_a_field_that_only_some_frames_have_counts_as_it_was_last(values: Any, kept: Any) -> None:
    frames = [chat_frame({"content": "x"}, first=1, service=value) for value in (values[0], *values, values[-1])]
    body = llm.collect(iter(sse(*frames)), on_incomplete="return").body
    assert (body["service"], body["first"]) == (kept, 1)


def test_values_that_are_nested_as_deeply_as_json_may_be_raise_nothing() -> None:
    deep = json.loads("[" * 900 + "]" * 900)
    frames = [chat_frame({"content": "x"}, service=deep) for _ in range(3)]
    for frame in frames:
        frame["choices"][0]["content_filter_results"] = deep
    assert llm.collect(iter(sse(*frames)), on_incomplete="return").text == "xxx"


def test_filter_results_that_only_some_frames_have_are_kept() -> None:
    frames = [chat_frame({"content": "x"}) for _ in range(6)]
    for frame, results in zip(frames, ({}, {}, {"hate": {"n": 1}}, {}, {"violence": {"n": 2}}, {}), strict=True):
        frame["choices"][0]["content_filter_results"] = results
    (choice,) = llm.collect(iter(sse(*frames)), on_incomplete="return").body["choices"]
    assert choice["content_filter_results"] == {"hate": {"n": 1}, "violence": {"n": 2}}


@pytest.mark.parametrize(
    ("place", "name", "quiet", "loud", "kind"),
    [
        ("choice", "native_finish_reason", None, "network_error", "server"),
        ("frame", "base_resp", {"status_code": 0}, {"status_code": 1027, "status_msg": "no"}, "content_filter"),
        ("frame", "x_groq", None, {"error": "over capacity"}, "overloaded"),
    ],
)
def test_an_error_is_seen_in_a_frame_that_looks_like_those_before_it(
    place: str, name: str, quiet: Any, loud: Any, kind: str
) -> None:
    frames = [chat_frame({"content": "x"}) for _ in range(3)]
    for frame, value in zip(frames, (quiet, quiet, loud), strict=True):
        (frame if place == "frame" else frame["choices"][0])[name] = value
    answer = llm.collect(iter([*sse(*frames), DONE]), on_incomplete="return")
    ending = answer.ending
    assert ending is not None
    assert ending.error is not None
    assert (ending.verdict, ending.error.kind, answer.text) == ("error", kind, "xxx")


def test_the_last_frame_of_perplexity_makes_no_other_object_of_the_answer() -> None:
    frames = sse(chat_frame({"content": "a"}), chat_frame({}, "stop", object="chat.completion.done"))
    assert llm.collect(iter(frames)).body["object"] == "chat.completion"


USAGE = {"prompt_tokens": 4, "completion_tokens": 2}


@pytest.mark.parametrize("usage", [None, [], "x", 3, {}])
def test_usage_that_is_no_object_is_passed_over(usage: Any) -> None:
    frames = sse(chat_frame({"content": "a"}, usage=USAGE), chat_frame({"content": "b"}, "stop", usage=usage))
    assert llm.collect(iter(frames)).usage in (USAGE, {})


def test_usage_that_comes_twice_counts_as_it_was_last() -> None:
    first, last = ({"prompt_tokens": 1, "completion_tokens": count} for count in (2, 3))
    frames = sse(chat_frame({"content": "x"}, "stop", usage=first), chat_frame(None, usage=last))
    answer = llm.collect(iter([*frames, DONE]))
    assert answer.usage == answer.body["usage"] == last


def test_a_delta_names_its_choice_and_the_reply_is_the_first() -> None:
    reply = llm.reply(by_name("two choices, side by side and in one frame").data)
    assert [(delta.choice, delta.text) for delta in reply] == [(0, "a"), (1, "x"), (0, "b"), (1, "y"), (0, "")]
    assert reply.text == "ab"
    assert "".join(llm.reply(by_name("two choices, side by side and in one frame").data).texts()) == "ab"


def test_a_call_of_the_old_kind_that_is_cut_is_flagged_even_where_its_json_is_whole() -> None:
    call = {"function_call": {"name": "f", "arguments": '{"a":1}'}}
    for reason, told in (("length", (None, True)), ("function_call", ({"a": 1}, False))):
        [cut] = llm.collect(iter([*sse(chat_frame(call), chat_frame({}, reason)), DONE])).tool_calls
        assert (cut.arguments, cut.incomplete) == told


def test_a_delta_of_a_call_names_its_choice() -> None:
    frames = sse(
        chat_frame({"tool_calls": [opened("f", index=0, id="x")]}),
        chat_frame({"tool_calls": [opened("g", index=0, id="y")]}, index=1),
        *(
            chat_frame({"tool_calls": [further(piece, index=0)]}, index=index)
            for index, piece in ((0, '{"a"'), (1, '{"b"'), (0, ":1}"), (1, ":2}"))
        ),
    )
    told = [(delta.choice, delta.tool_calls[0].name, *delta.arguments) for delta in llm.reply(iter([*frames, DONE]))]
    assert told[:2] == [(0, "f", ""), (1, "g", "")]
    assert told[2:] == [(0, "f", '{"a"'), (1, "g", '{"b"'), (0, "f", ":1}"), (1, "g", ":2}")]


@pytest.mark.parametrize("choices", [[], None, {}, "x", [None], [[]], [{}], [{"index": 0}], [{"delta": None}]])
def test_choices_that_say_nothing_are_passed_over(choices: Any) -> None:
    odd = {**chat_frame({}), "choices": choices}
    frames = sse(chat_frame({"content": "a"}), odd, chat_frame({"content": "b"}, "stop"), odd)
    assert llm.collect(iter(frames)).text == "ab"


def test_tool_arguments_cost_one_step_a_fragment_however_long_they_are() -> None:
    # Reading them while they come costs only what is new; a fragment is never looked at twice.
    size = 4000
    frames = sse(*(chat_frame({"tool_calls": [further("x" * 20, index=0)]}) for _ in range(size)))
    reply = llm.reply(iter(frames), on_incomplete="return")
    for delta in reply:
        [call] = delta.tool_calls
    assert len(call.raw) == 20 * size


def test_true_is_the_index_of_no_choice() -> None:
    frames = sse(chat_frame({"content": "b"}, index=1), chat_frame({"content": "a"}, index=True))
    reply = llm.reply(iter(frames), on_incomplete="return")
    assert [(delta.choice, delta.text) for delta in reply] == [(1, "b"), (0, "a")]


def test_a_whole_message_may_have_one_part_in_place_of_a_list() -> None:
    part = {"type": "text", "text": "Hi"}
    answer = llm.collect(json.dumps(chat_body({"role": "assistant", "content": part})).encode())
    assert (answer.text, answer.body["choices"][0]["message"]["content"]) == ("Hi", [part])


def test_an_error_about_the_content_is_the_reason_for_finishing() -> None:
    error = {"error": {"code": "content_filter", "message": "no"}}
    answer = llm.collect(iter(sse(chat_frame({"content": "a"}), error)), on_incomplete="return")
    assert answer.finish_reason == "content_filter"
