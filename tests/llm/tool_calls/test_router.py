"""Fragments of tool calls find their call, however a server numbers them, and none is lost or merged silently."""

from __future__ import annotations

import doctest
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.counting import lines_run
from llm.tool_calls.routing import A, B, Fragment, routed
from ndstream.llm._tool_calls import router
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall

EMPTY = ("{}", "{ }", "{\n}", "[ ]", "null", '""', '" "', '"{}"', '"{ }"', '"null"')
"""Arguments that say nothing."""


class Case(NamedTuple):
    """Fragments, and for each call that must come of them its id (None: made up here), name and raw arguments."""

    sentence: str
    fragments: list[Fragment]
    calls: list[tuple[str | None, str | None, str]]


def f(id: Any = None, index: Any = None, name: Any = None, arguments: Any = None, **extra: Any) -> Fragment:
    """A fragment without the keys that a server would leave out."""
    fragment = {"id": id, "index": index, "name": name, "arguments": arguments}
    return {word: value for word, value in fragment.items() if value is not None} | extra


CASES = [
    # The shapes of servers that keep to the rules.
    Case(
        "id_and_index_at_the_beginning_then_the_index",
        [f("a", 0, "x", ""), f(None, 0, None, '{"a"'), f(None, 0, None, ":1}")],
        [("a", "x", A)],
    ),
    Case("a_whole_call_at_once", [f("a", 0, "x", A)], [("a", "x", A)]),
    Case(
        "parallel_calls_one_behind_the_other",
        [f("a", 0, "x", A), f("b", 1, "y", ""), f(None, 1, None, B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "parallel_calls_interleaved",
        [
            f("a", 0, "x"),
            f("b", 1, "y"),
            f(None, 1, None, '{"b"'),
            f(None, 0, None, '{"a"'),
            f(None, 1, None, ":2}"),
            f(None, 0, None, ":1}"),
        ],
        [("a", "x", A), ("b", "y", B)],
    ),
    # Rule 1.
    Case(
        "a_known_id_wins_over_a_wrong_index",
        [f("a", 0, "x"), f("b", 1, "y"), f("a", 1, None, A), f("b", 0, None, B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "an_index_that_comes_late_is_that_of_the_call_with_the_id",
        [f("a", None, "x", '{"a"'), f("b", None, "y", B), f("a", 3, None, ":"), f(None, 3, None, "1}")],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "one_id_for_two_functions_at_two_indexes_is_two_calls",
        [f("a", 0, "x", A), f("a", 1, "y", '{"b"'), f("a", 1, None, ":2}"), f("a", 0, None, "\n")],
        [("a", "x", A + "\n"), ("a", "y", B)],
    ),
    Case(
        "and_so_is_one_id_for_one_function_with_arguments_that_begin_twice",
        [f("a", 0, "x", A), f("a", 1, "x", B)],
        [("a", "x", A), ("a", "x", B)],
    ),
    Case(
        "but_arguments_that_go_on_under_another_index_are_of_the_call",
        [f("a", 0, "x", '{"a"'), f("a", 1, "x", ":1}")],
        [("a", "x", A)],
    ),
    Case("a_known_id_with_an_unseen_index_is_no_new_call", [f("a", 0, "x"), f("a", 7, None, A)], [("a", "x", A)]),
    Case(
        "a_stray_index_does_not_take_the_index_from_its_call",
        [f("a", 0, "x"), f("b", 1, "y"), f("b", 0, None, B), f(None, 0, None, A)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "an_id_on_every_fragment_and_no_index",
        [f("a", None, "x", '{"a"'), f("b", None, "y", '{"b"'), f("a", None, None, ":1}"), f("b", None, None, ":2}")],
        [("a", "x", A), ("b", "y", B)],
    ),
    # Rule 2.
    Case(
        "a_new_id_on_a_taken_index_is_a_new_call",
        [f("a", 0, "x", A), f("b", 0, "y", B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "after_that_the_index_means_the_newer_call",
        [f("a", 0, "x", A), f("b", 0, "y"), f(None, 0, None, B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "of_two_calls_with_one_index_it_means_the_one_that_came_last",
        [f("a", 0, "x"), f("b", 0, "y", B), f("a", 0, None, '{"a"'), f(None, 0, None, ":1}")],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case("an_id_that_comes_late_is_the_call_s_own", [f(None, 0, "x"), f("a", 0, None, A)], [("a", "x", A)]),
    Case(
        "an_id_that_comes_late_with_the_same_name_as_well",
        [f(None, 0, "x", '{"a"'), f("a", 0, "x", ":1}")],
        [("a", "x", A)],
    ),
    Case("an_id_of_another_function_is_not", [f(None, 0, "x", A), f("b", 0, "y", B)], [(None, "x", A), ("b", "y", B)]),
    Case("an_id_without_index_is_not", [f(None, 0, "x", A), f("b", None, "y", B)], [(None, "x", A), ("b", "y", B)]),
    Case(
        "a_new_id_without_a_name_goes_on_with_the_call_of_its_index",
        [f("a", 0, "x", '{"a"'), f("b", 0, None, ":1}")],
        [("a", "x", A)],
    ),
    Case(
        "and_is_known_from_then_on",
        [f("a", 0, "x", '{"a"'), f("c", 1, "y", B), f("b", 0, None, ":"), f("b", 5, None, "1}")],
        [("a", "x", A), ("c", "y", B)],
    ),
    Case(
        "a_new_id_alone_goes_on_with_the_last_call",
        [f("a", None, "x", '{"a"'), f("b", None, None, ":1}")],
        [("a", "x", A)],
    ),
    # Rule 3 is the second half of the first cases. Rule 4.
    Case(
        "without_id_and_index_it_is_the_call_opened_last",
        [f("a", None, "x"), f("b", None, "y"), f(arguments='{"b"'), f(arguments=":2}")],
        [("a", "x", ""), ("b", "y", B)],
    ),
    Case(
        "opened_last_and_not_used_last",
        [f("a", 0, "x"), f("b", 1, "y"), f(None, 0, None, A), f(arguments=B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case("a_first_fragment_without_anything_to_know_it_by", [f(name="x"), f(arguments=A)], [(None, "x", A)]),
    Case(
        "another_name_without_id_and_index_is_another_call",
        [f(name="x", arguments=A), f(name="y", arguments=B)],
        [(None, "x", A), (None, "y", B)],
    ),
    # Rule 5.
    Case(
        "an_unseen_index_without_id_is_a_new_call",
        [f(None, 0, "x", A), f(None, 1, "y", B)],
        [(None, "x", A), (None, "y", B)],
    ),
    Case(
        "an_unseen_index_without_anything_else_too",
        [f("a", 0, "x", A), f(None, 1, None, B)],
        [("a", "x", A), (None, None, B)],
    ),
    # Rule 6.
    Case(
        "indexes_that_start_at_1",
        [f("a", 1, "x"), f("b", 2, "y"), f(None, 1, None, A), f(None, 2, None, B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "indexes_with_gaps_and_out_of_order",
        [f("a", 9, "x"), f("b", 3, "y"), f(None, 9, None, A), f(None, 3, None, B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "negative_and_huge_indexes",
        [f("a", -1, "x"), f("b", 10**30, "y"), f(None, -1, None, A), f(None, 10**30, None, B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    Case(
        "indexes_that_are_strings_or_floats",
        [f("a", "0", "x"), f("b", 1.0, "y"), f(None, 0, None, A), f(None, "1", None, B)],
        [("a", "x", A), ("b", "y", B)],
    ),
    # Rule 7.
    Case("id_and_name_on_every_fragment", [f("a", 0, "x", '{"a"'), f("a", 0, "x", ":1}")], [("a", "x", A)]),
    Case("a_name_on_every_fragment_without_id", [f(None, 0, "x", '{"a"'), f(None, 0, "x", ":1}")], [(None, "x", A)]),
    Case("empty_ids_and_names_are_none", [f("a", 0, "x", '{"a"'), f("", 0, "", ":1}")], [("a", "x", A)]),
    Case(
        "ids_and_names_that_are_null",
        [f("a", 0, "x", '{"a"'), {"id": None, "index": 0, "name": None, "arguments": ":1}"}],
        [("a", "x", A)],
    ),
    Case("a_name_that_comes_late", [f("a", 0), f(None, 0, "", '{"a"'), f(None, 0, "x", ":1}")], [("a", "x", A)]),
    Case("a_name_may_come_in_parts", [f("a", 0, "get_"), f(None, 0, "x"), f(None, 0, None, A)], [("a", "get_x", A)]),
    Case("its_last_part_may_bring_arguments", [f("a", 0, "get_"), f("a", 0, "x", A)], [("a", "get_x", A)]),
    Case(
        "a_name_may_come_as_far_as_it_is",
        [f("a", 0, "get_"), f("a", 0, "get_x"), f("a", 0, None, A)],
        [("a", "get_x", A)],
    ),
    Case(
        "a_name_that_came_in_parts_may_be_repeated_whole",
        [f("a", 0, "get_"), f(None, 0, "x"), f(None, 0, "get_x"), f(None, 0, "get_x", A)],
        [("a", "get_x", A)],
    ),
    Case("a_part_of_a_name_that_comes_after_arguments_is_none", [f("a", 0, "x", A), f("a", 0, "y")], [("a", "x", A)]),
    Case(
        "another_name_on_a_known_index_is_another_call",
        [f(None, 0, "x", A), f(None, 0, "y", '{"b"'), f(None, 0, None, ":2}")],
        [(None, "x", A), (None, "y", B)],
    ),
    Case(
        "the_words_null_and_none_are_no_names", [f("a", 0, "x", '{"a"'), f("null", 0, "None", ":1}")], [("a", "x", A)]
    ),
    Case("an_id_that_is_a_number", [f(17, 0, "x"), f("17", 5, None, A)], [("17", "x", A)]),
    # Rule 8.
    Case("an_object_is_all_of_the_arguments", [f("a", 0, "x", {"a": 1})], [("a", "x", A)]),
    Case("an_object_replaces_an_object", [f("a", 0, "x", {"z": 0}), f("a", 0, None, {"a": 1})], [("a", "x", A)]),
    Case("an_object_replaces_a_string", [f("a", 0, "x", '{"z'), f("a", 0, None, {"a": 1})], [("a", "x", A)]),
    Case("an_empty_object_replaces_no_object", [f("a", 0, "x", {"a": 1}), f("a", 0, None, {})], [("a", "x", A)]),
    *(
        Case(
            f"arguments_{word!r}_give_way_to_what_follows", [f("a", 0, "x", word), f(None, 0, None, A)], [("a", "x", A)]
        )
        for word in (*EMPTY, "[]", " {} ", "None", "{" + 60 * " " + "}")
    ),
    *(
        Case(f"{word!r}_after_whole_arguments_is_nothing", [f("a", 0, "x", A), f(None, 0, None, word)], [("a", "x", A)])
        for word in EMPTY
    ),
    *(
        Case(
            f"arguments_{word!r}_that_come_bit_by_bit_give_way_to_what_follows",
            [f("a", 0, "x"), *(f(None, 0, None, bit) for bit in word + A)],
            [("a", "x", A)],
        )
        for word in EMPTY
    ),
    *(
        Case(
            f"{word!r}_inside_of_arguments_is_kept",
            [f("a", 0, "x", '{"a":['), *(f(None, 0, None, bit) for bit in [word, *(16 * [",", word]), "]", "}", "{}"])],
            [("a", "x", '{"a":[' + ",".join(17 * [word]) + "]}")],
        )
        for word in EMPTY
    ),
    Case("white_space_is_a_part_of_what_follows", [f("a", 0, "x", " "), f(None, 0, None, A)], [("a", "x", " " + A)]),
    Case(
        "null_inside_of_arguments_is_kept",
        [f("a", 0, "x", '{"a":'), f(None, 0, None, "null"), f(None, 0, None, "}")],
        [("a", "x", '{"a":null}')],
    ),
    Case(
        "an_empty_object_before_the_string_is_nothing",
        [f("a", 0, "x", {}), f(None, 0, None, '{"a"'), f(None, 0, None, ":1}")],
        [("a", "x", A)],
    ),
    Case("an_empty_object_behind_the_string_is_nothing", [f("a", 0, "x", A), f(None, 0, None, {})], [("a", "x", A)]),
    Case(
        "a_repeat_of_all_is_dropped",
        [f("a", 0, "x", '{"a"'), f(None, 0, None, ":1}"), f("a", 0, "x", A)],
        [("a", "x", A)],
    ),
    Case("a_repeat_of_what_is_not_whole_is_kept", [f("a", 0, "x", "{"), f(None, 0, None, "{")], [("a", "x", "{{")]),
    Case("a_number_that_repeats_itself_grows", [f("a", 0, "x", "1"), f(None, 0, None, "1")], [("a", "x", "11")]),
    Case("another_whole_text_is_no_repeat", [f("a", 0, "x", A), f(None, 0, None, B)], [("a", "x", A + B)]),
    # Rule 9.
    Case("whole_json_does_not_end_a_call", [f("a", 0, "x", "1"), f(None, 0, None, "2")], [("a", "x", "12")]),
    Case("nor_does_white_space_behind_it", [f("a", 0, "x", A), f(None, 0, None, "\n")], [("a", "x", A + "\n")]),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_fragments_are_routed(case: Case) -> None:
    calls = routed(*case.fragments)
    assert [(None if call.synthetic else call.id, call.name, call.raw) for call in calls] == case.calls


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sentence)
def test_reading_all_that_can_be_read_after_each_fragment_changes_nothing(case: Case) -> None:
    calls = ToolCalls()
    for fragment in case.fragments:
        call = calls.add(**fragment)
        assert isinstance(call.raw, str)
        assert repr(call)
        assert call.arguments is None
    calls.finish(complete=True)
    assert [(None if call.synthetic else call.id, call.name, call.raw) for call in calls] == case.calls


Frames = list[list[Fragment]]


def chat_calls(frame: list[Fragment]) -> list[dict[str, Any]]:
    """The fragments as a chat completion has them."""
    return [
        {
            **{word: fragment[word] for word in ("id", "index") if word in fragment},
            "function": {word: fragment[word] for word in ("name", "arguments") if word in fragment},
        }
        for fragment in frame
    ]


@pytest.mark.parametrize(
    ("frames", "calls"),
    [
        ([[f(name="x"), f(name="y")], [f(arguments=A), f(arguments=B)]], [("x", A), ("y", B)]),
        (
            [
                [f(name="x", arguments='{"a"'), f(name="y", arguments='{"b"')],
                [f(name="x", arguments=":1}"), f(name="y", arguments=":2}")],
            ],
            [("x", A), ("y", B)],
        ),
        ([[f("a", None, "x"), f("b", None, "y")], [f(arguments=A), f(arguments=B)]], [("x", A), ("y", B)]),
        ([[f(name="x", arguments=A), f(name="x", arguments=B)]] * 2, [("x", A), ("x", B)] * 2),
        ([[f(name="x"), f(arguments=A)]], [("x", A)]),
        ([[f(name="x"), f(name="y")], [f(arguments=B)]], [("x", ""), ("y", B)]),
        (
            [[f(name="x"), f(name="y")], [f(arguments='{"b"')], [f(arguments=A), f(arguments=":2}")]],
            [("x", A), ("y", B)],
        ),
        ([[f(None, 0, None, "")], [f(None, 0, "x", A)]], [("x", A)]),
        ([[f(None, 0)], [f("", 1, "", "")], [f("null", 2, "null", {})]], []),
    ],
    ids=[
        "by_position_in_their_frame",
        "with_names_on_every_fragment",
        "after_ids_of_their_own",
        "two_frames_of_whole_calls_are_four_calls",
        "a_second_fragment_of_the_frame_goes_on_with_the_first",
        "one_alone_goes_on_with_the_last",
        "and_changes_nobody_s_position",
        "an_index_alone_opens_no_call",
        "and_what_says_nothing_never_does",
    ],
)
def test_several_fragments_of_one_frame_are_told_apart(frames: Frames, calls: list[tuple[str, str]]) -> None:
    router = ToolCalls()
    for frame in frames:
        router.add_all(chat_calls(frame))
    assert [(call.name, call.raw) for call in router] == calls


@pytest.mark.parametrize(
    ("before", "whole", "calls"),
    [
        ([f("a", 0, "x", "{")], [f(name="x", arguments=A)], [("a", "x", A)]),
        ([f("a", 0, "x", "{")], [f("a", None, "x", A)], [("a", "x", A)]),
        ([f(None, 0, "x", "{")], [f("b", None, "x", A)], [("b", "x", A)]),
        ([f("a", 0, None, "{")], [f(name="x", arguments=A)], [("a", "x", A)]),
        ([f("a", 0, "x", "{")], [f(arguments=A)], [("a", "x", A)]),
        (
            [f("a", 0, "x"), f("b", 1, "y")],
            [f("b", None, "y", B), f("a", None, "x", A)],
            [("a", "x", A), ("b", "y", B)],
        ),
        ([f("a", 0, "x", A)], [f(name="y", arguments=B)], [("a", "x", A), (None, "y", B)]),
        ([f("a", 0, "x", A)], [f("b", None, "x", B)], [("a", "x", A), ("b", "x", B)]),
        ([f(None, 0, "x", A)], [f("b", None, "y", B)], [(None, "x", A), ("b", "y", B)]),
        ([f("a", 0, "x", A)], [f("a", None, "x", ""), f(name="y", arguments=B)], [("a", "x", A), (None, "y", B)]),
        ([f("a", 0, "x", A)], [f("a"), f()], [("a", "x", A)]),
        ([], [f(name="x", arguments=A), f(name="x", arguments=A)], [(None, "x", A), (None, "x", A)]),
    ],
    ids=[
        "by_position",
        "by_id",
        "by_position_and_gives_its_id",
        "by_position_and_gives_its_name",
        "by_position_without_a_name",
        "by_id_and_not_by_position",
        "another_name_is_another_call",
        "another_id_too",
        "a_late_id_with_another_name_too",
        "and_one_that_was_not_there_before",
        "what_says_nothing_changes_nothing",
        "no_two_of_it_are_one_call",
    ],
)
def test_a_whole_answer_is_matched_with_the_calls_before_it(
    before: list[Fragment], whole: list[Fragment], calls: list[tuple[str | None, str, str]]
) -> None:
    router = routed(*before)
    told = router.add_whole(chat_calls(whole))
    assert [(None if call.synthetic else call.id, call.name, call.raw) for call in router] == calls
    assert all(any(call is each for each in router) for call in told)


@pytest.mark.parametrize(
    "written",
    [
        {"index": 0, "id": "a", "function": {"name": "x", "arguments": A}},
        {"index": 0, "id": "a", "name": "x", "arguments": A},
        {"index": 0, "id": "a", "type": "function", "name": "x", "input": {"a": 1}},
        {"index": 0, "id": "a", "function": "x", "arguments": {"a": 1}},
        {"0": {"id": "a", "function": {"name": "x", "arguments": A}}},
    ],
    ids=["nested", "flat", "flat with input", "function is the name", "by index"],
)
def test_a_call_is_found_wherever_a_server_writes_it(written: dict[str, Any]) -> None:
    for value in ([written], written) if "0" not in written else (written,):
        calls = ToolCalls()
        calls.add_all(value)
        calls.finish(complete=True)
        assert [(call.id, call.index, call.name, call.arguments) for call in calls] == [("a", 0, "x", {"a": 1})]


@pytest.mark.parametrize("value", [None, [], {}, "x", 3, [None], [[]], [{}], {"0": None}], ids=repr)
def test_what_holds_no_call_opens_none(value: Any) -> None:
    calls = ToolCalls()
    assert calls.add_all(value) == []
    assert len(calls) == 0


def test_add_returns_the_call_the_fragment_went_to() -> None:
    calls = ToolCalls()
    first = calls.add(id="a", index=0, name="x")
    second = calls.add(id="b", index=0, name="y")
    assert first is calls[0]
    assert second is calls[1] is calls[-1]
    assert calls.add(id="a", arguments="{}") is first
    assert calls.add(index=0, arguments="{}") is second
    assert len(calls) == 2
    assert list(calls) == [first, second]


def test_ids_made_up_differ_and_give_way_to_the_server_s() -> None:
    calls = ToolCalls()
    calls.add(index=0, name="x")
    late = calls.add(index=1, name="y")
    assert calls[0].synthetic
    assert late.synthetic
    assert calls[0].id != late.id
    assert calls.add(id="b", index=1) is late
    assert (late.id, late.synthetic) == ("b", False)
    assert calls.add(id="b", index=0) is late


def test_an_id_that_looks_like_one_made_up_is_another_call() -> None:
    calls = ToolCalls()
    made_up = calls.add(index=0, name="x")
    assert calls.add(id=made_up.id, index=5, name="x") is not made_up


def test_open_never_looks_for_a_call() -> None:
    calls = ToolCalls()
    for _ in range(2):
        calls.open(name="x", arguments={"a": 1})
    calls.open(id="a", index=0, name="x", arguments={"a": 2})
    calls.finish(complete=True)
    assert [call.arguments for call in calls] == [{"a": 1}, {"a": 1}, {"a": 2}]
    assert [call.synthetic for call in calls] == [True, True, False]


def test_a_late_id_does_not_go_to_a_call_that_has_ended() -> None:
    calls = ToolCalls()
    calls.add(index=0, name="x", arguments=A).close()
    calls.add(id="b", index=0, name="x", arguments=A)
    assert [call.synthetic for call in calls] == [True, False]


def test_what_else_comes_is_kept_by_name() -> None:
    calls = routed(
        f("a", 0, "x", "", type="function", signature="s1", note=None),
        f("a", 0, None, "", type="function", signature="s2", self="odd", fragment=0),
        f("a", 0, None, "", signature=None),
    )
    assert calls[0].type == "function"
    assert calls[0].extra == {"signature": "s2", "self": "odd", "fragment": 0}


WRONG = [
    f(id={}),
    f(id=[1]),
    f(id=True),
    f(id=1.5),
    f(id=-(2**70)),
    f(id=b"a"),
    f(index=True),
    f(index="call_0"),
    f(index=1.5),
    f(index=float("nan")),
    f(index=float("inf")),
    f(index=[]),
    f(index={}),
    f(index="\N{ARABIC-INDIC DIGIT ONE}"),
    f(index="9" * 5000),
    f(name={}),
    f(name=[]),
    f(name=7),
    f(name=False),
    f(type={}),
    f(type=3),
    f(arguments=b"{}"),
    f(arguments={1, 2}),
]


@pytest.mark.parametrize("fragment", WRONG, ids=repr)
def test_what_cannot_be_used_is_kept_and_counts_as_missing(fragment: Fragment) -> None:
    calls = ToolCalls()
    call = calls.add(id="a", index=0, name="x", type="function", arguments='{"a"')
    assert calls.add(**fragment) is call
    assert call.extra == fragment
    calls.add(index=0, arguments=":1}")
    calls.finish(complete=True)
    assert (call.id, call.index, call.name, call.type, call.arguments) == ("a", 0, "x", "function", {"a": 1})


def test_other_names_and_types_of_a_call_are_kept() -> None:
    [call] = routed(f("a", 0, "x", A, type="function"), f("a", 0, "y", type="custom"))
    assert (call.name, call.type, call.extra) == ("x", "function", {"name": "y", "type": "custom"})
    assert call.arguments == {"a": 1}


def test_500_parallel_calls_interleaved() -> None:
    texts = [orjson.dumps({"number": number, "text": "x" * (number % 7)}).decode() for number in range(500)]
    calls = ToolCalls()
    for number in range(500):
        calls.add(id=f"id{number}", index=number * 2 + 1, name=f"name{number}", arguments="")
    for place in range(max(map(len, texts))):
        for number in reversed(range(500)):
            calls.add(index=number * 2 + 1, arguments=texts[number][place : place + 1])
    calls.finish(complete=True)
    assert [call.raw for call in calls] == texts
    assert [call.id for call in calls] == [f"id{number}" for number in range(500)]
    assert all(call.arguments["number"] == number for number, call in enumerate(calls))


# How a server may name the call of a fragment, in ways that can be told apart: (id, index) of the first and of
# each other fragment, from the call's number. Those that name nothing do not interleave.
Style = tuple[str, Callable[[int], Fragment], Callable[[int], Fragment], bool]
STYLES: list[Style] = [
    ("index, id first", lambda n: f(f"id{n}", n), lambda n: f(None, n), True),
    ("index from 1", lambda n: f(f"id{n}", n + 1), lambda n: f(None, n + 1), True),
    ("index with gaps, downwards", lambda n: f(f"id{n}", -7 * n), lambda n: f(None, -7 * n), True),
    ("index alone", lambda n: f(None, n), lambda n: f(None, n), True),
    ("index as a string", lambda n: f(f"id{n}", n), lambda n: f("", str(n)), True),
    ("both, always", lambda n: f(f"id{n}", n), lambda n: f(f"id{n}", n), True),
    ("id, index always 0", lambda n: f(f"id{n}", 0), lambda n: f(f"id{n}", 0), True),
    ("id, index of another", lambda n: f(f"id{n}", n), lambda n: f(f"id{n}", n // 2), True),
    ("id alone", lambda n: f(f"id{n}"), lambda n: f(f"id{n}"), True),
    ("id first, index always 0", lambda n: f(f"id{n}", 0), lambda n: f(None, 0), False),
    ("id first, then nothing", lambda n: f(f"id{n}"), lambda n: {}, False),
]

json_objects = st.dictionaries(
    st.text(max_size=4), st.recursive(st.none() | st.integers(-9, 9) | st.text(max_size=9), st.lists, max_leaves=4)
)


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Fragment], list[str]]:
    """Objects, and the fragments of a reply that sends them in one of the styles; the names are repeated at will."""
    objects = draw(st.lists(json_objects, min_size=1, max_size=5))
    _, first, other, interleaves = draw(st.sampled_from(STYLES))
    repeats_names = draw(st.booleans())
    queues: list[list[Fragment]] = []
    texts = [orjson.dumps(value).decode() for value in objects]
    for number, text in enumerate(texts):
        places = sorted(draw(st.sets(st.integers(1, len(text)), max_size=6)))
        pieces = [text[start:end] for start, end in itertools.pairwise([0, *places, len(text)])]
        opening = {"name": f"name{number}"}
        # The name alone comes first as often as it comes with arguments.
        queue = [first(number) | opening]
        if draw(st.booleans()):
            queue[0]["arguments"] = pieces.pop(0)
        for piece in pieces:
            queue.append(other(number) | {"arguments": piece} | (opening if repeats_names else {}))
        queues.append(queue)
    order = [number for number, queue in enumerate(queues) for _ in queue]
    if interleaves:
        order = draw(st.permutations(order))
    return objects, [queues[number].pop(0) for number in order], texts


@given(interleavings(), st.booleans())
def test_every_style_gives_each_call_back_exactly(
    reply: tuple[list[dict[str, Any]], list[Fragment], list[str]], reads: bool
) -> None:
    objects, fragments, texts = reply
    calls = ToolCalls()
    for fragment in fragments:
        call = calls.add(**fragment)
        if reads:
            assert call.raw is not None
    calls.finish(complete=True)
    by_name = {call.name: call for call in calls}
    assert len(calls) == len(by_name) == len(objects)
    for number, value in enumerate(objects):
        call = by_name[f"name{number}"]
        assert call.arguments == value
        assert call.raw == texts[number]
        assert call.complete


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
few = st.sampled_from([None, "", "a", "b", 0, 1, "0", True, -1, "x", "{", "}", "{}", A, {}, {"a": 1}, [1], 7.0])
odd_fragments = st.dictionaries(
    st.sampled_from(["id", "index", "name", "arguments", "type", "more"]), few | few | anything
)


@given(st.lists(st.tuples(odd_fragments, st.sampled_from(["add", "add", "open", "finish", "cut"])), max_size=12))
def test_nothing_a_server_sends_raises_and_no_text_is_lost(steps: list[tuple[Fragment, str]]) -> None:
    calls = ToolCalls()
    for fragment, step in steps:
        if step in ("finish", "cut"):
            calls.finish(complete=step == "finish")
            assert all(call.closed for call in calls)
            continue
        call: ToolCall = getattr(calls, step)(**fragment)
        assert any(call is each for each in calls)
        if isinstance(fragment.get("arguments"), str) and fragment["arguments"] not in EMPTY:
            assert call.raw.endswith(fragment["arguments"])
        assert call.complete or call.arguments is None
    calls.finish(complete=True)
    for call in calls:
        assert isinstance(call.id, str)
        assert call.complete is not call.incomplete
    assert len({call.id for call in calls}) == len(calls) or any(step == "open" for _, step in steps)


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("style", STYLES, ids=lambda style: style[0])
def test_a_fragment_costs_the_same_in_a_long_reply(style: Style, reads: bool) -> None:
    """However long its call is and however many calls there are."""

    def reply(number_of_calls: int, fragments: int) -> Callable[[], object]:
        def work() -> None:
            calls = ToolCalls()
            for number in range(number_of_calls):
                calls.add(name="x", **style[1](number))
                for _ in range(fragments):
                    call = calls.add(arguments="[", **style[2](number))
                    assert not reads or call.raw

        return work

    for number_of_calls in (1, 100):
        lines = lines_run(reply(number_of_calls, 100))
        assert 0 < lines <= number_of_calls * (100 + 1) * 80
    # The first repeats of one character are looked at twice, as a text that may be whole.
    assert lines_run(reply(1, 2000)) <= 20 * lines_run(reply(1, 100))


def test_the_examples_in_the_module_run() -> None:
    result = doctest.testmod(router)
    assert result.attempted > 0
    assert result.failed == 0
