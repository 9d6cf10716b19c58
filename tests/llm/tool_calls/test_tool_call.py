"""One tool call: when it has ended, and whether it has all of its arguments."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
import pytest

from llm.tool_calls.routing import A, B, Fragment, routed
from ndstream.llm._exact_numbers import exact_loads
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall


def f(id: Any = None, index: Any = None, name: Any = None, arguments: Any = None, **extra: Any) -> Fragment:
    """A fragment without the keys that a server would leave out."""
    fragment = {"id": id, "index": index, "name": name, "arguments": arguments}
    return {word: value for word, value in fragment.items() if value is not None} | extra


class Ended(NamedTuple):
    sentence: str
    fragments: list[Fragment]
    arguments: Any
    incomplete: bool = False


ENDED = [
    Ended("json_is_decoded", [f("a", 0, "x", A)], {"a": 1}),
    Ended("an_object_is_itself", [f("a", 0, "x", {"a": [1, None]})], {"a": [1, None]}),
    Ended("no_arguments_are_an_empty_object", [f("a", 0, "x")], {}),
    Ended("empty_arguments_are_an_empty_object", [f("a", 0, "x", "")], {}),
    Ended("white_space_is_an_empty_object", [f("a", 0, "x", " \n")], {}),
    Ended("an_empty_object_is_one", [f("a", 0, "x", {})], {}),
    Ended("json_encoded_twice_is_decoded_twice", [f("a", 0, "x", '"{\\"a\\":'), f("a", 0, None, '1}"')], {"a": 1}),
    Ended("a_string_that_is_no_object_is_itself", [f("a", 0, "x", '"12"')], "12"),
    Ended("a_string_that_is_no_json_is_itself", [f("a", 0, "x", '"hello"')], "hello"),
    Ended("json_encoded_three_times_is_not_chased", [f("a", 0, "x", '"\\"{}\\""')], '"{}"'),
    Ended("a_list_is_itself", [f("a", 0, "x", [1])], [1]),
    Ended("an_empty_list_as_text_is_one", [f("a", 0, "x", " [ ]")], []),
    Ended("a_number_is_itself", [f("a", 0, "x", 1.5)], 1.5),
    Ended("false_is_itself", [f("a", 0, "x", False)], False),
    *(
        Ended(f"arguments_{word!r}_are_none_at_all", [f("a", 0, "x", word)], {})
        for word in ("null", "None", " null ", "{ }", '"{ }"', '"null"', '""')
    ),
    Ended(
        "a_whole_number_of_any_length_is_exact",
        [f("a", 0, "x", '{"n":[123456789012345678901,-1'), f("a", 0, None, "0" * 30), f("a", 0, None, ",1.5]}")],
        {"n": [123456789012345678901, -(10**30), 1.5]},
    ),
    Ended("text_that_is_not_json_is_incomplete", [f("a", 0, "x", "{")], None, True),
    Ended("two_texts_glued_are_incomplete", [f("a", 0, "x", A), f("a", 0, "x", B)], None, True),
    Ended("a_lone_surrogate_is_incomplete", [f("a", 0, "x", '"\ud83d"')], None, True),
    Ended("nan_is_incomplete", [f("a", 0, "x", '{"a":NaN}')], None, True),
    Ended("custom_arguments_are_text", [f("a", 0, "x", "{", type="custom"), f("a", 0, None, "}x")], "{}x"),
    Ended("custom_text_may_repeat_itself", [f("a", 0, "x", "ha", type="custom"), f("a", 0, None, "ha")], "haha"),
    Ended(
        "custom_text_may_be_a_json_string_twice",
        [f("a", 0, "x", "{}", type="custom_tool_call"), f("a", 0, None, "{}")],
        "{}{}",
    ),
    Ended("custom_text_may_be_empty", [f("a", 0, "x", type="custom")], ""),
]


@pytest.mark.parametrize("case", ENDED, ids=lambda case: case.sentence)
def test_arguments_are_decoded_at_the_end(case: Ended) -> None:
    calls = ToolCalls()
    for fragment in case.fragments:
        calls.add(**fragment)
    [call] = calls
    assert (call.arguments, call.closed, call.complete, call.incomplete) == (None, False, False, False)
    calls.finish(complete=True)
    assert (call.arguments, call.closed, call.complete, call.incomplete) == (
        case.arguments, True, not case.incomplete, case.incomplete,
    )  # fmt: skip
    assert type(call.arguments) is type(case.arguments)
    assert (call.error is not None) is case.incomplete


@pytest.mark.parametrize("case", ENDED, ids=lambda case: case.sentence)
def test_what_was_cut_off_is_incomplete_even_where_its_json_is_whole(case: Ended) -> None:
    [call] = routed(*case.fragments, complete=False)
    assert (call.arguments, call.closed, call.complete, call.incomplete) == (None, True, False, True)
    assert call.error is None


def test_the_text_stays_as_it_came() -> None:
    text = '"{\\"a\\": 1}"'
    [call] = routed(f("a", 0, "x", text))
    assert call.raw == text
    assert call.arguments == {"a": 1}


def test_a_call_can_be_closed_by_itself() -> None:
    calls = ToolCalls()
    first = calls.add(id="a", index=0, name="x", arguments=A)
    second = calls.add(id="b", index=1, name="y", arguments='{"b"')
    first.close()
    assert first.complete
    assert not second.closed
    calls.finish(complete=False)
    assert (first.complete, second.incomplete) == (True, True)


def test_the_first_end_is_the_one_that_counts() -> None:
    call = ToolCalls().add(id="a", arguments=A)
    call.close(complete=True)
    call.close(complete=False)
    assert call.arguments == {"a": 1}
    assert call.complete


@pytest.mark.parametrize("repeat", [A, {"a": 1}, "", None], ids=repr)
def test_a_repeat_behind_the_end_changes_nothing_to_see(repeat: Any) -> None:
    calls = ToolCalls()
    call = calls.add(id="a", index=0, name="x", arguments={"a": 1} if isinstance(repeat, dict) else A)
    calls.finish(complete=True)
    assert calls.add(id="a", index=0, name="x", arguments=repeat) is call
    assert len(calls) == 1
    assert (call.raw, call.arguments, call.complete) == (A, {"a": 1}, True)


def test_a_repeat_of_custom_text_behind_the_end_is_dropped() -> None:
    calls = routed(f("a", 0, "x", "text", type="custom"))
    calls.add(id="a", index=0, arguments="text")
    assert (calls[0].arguments, calls[0].complete) == ("text", True)


@pytest.mark.parametrize("early", [True, False])
def test_arguments_behind_the_end_open_the_call_again(early: bool) -> None:
    calls = ToolCalls()
    call = calls.add(id="a", index=0, name="x", arguments='{"a"')
    calls.finish(complete=early)
    calls.add(index=0, arguments=":1}")
    assert (call.closed, call.incomplete, call.error, call.arguments) == (False, False, None, None)
    calls.finish(complete=True)
    assert (call.complete, call.arguments) == (True, {"a": 1})


def test_another_object_behind_the_end_opens_the_call_again() -> None:
    calls = routed(f("a", 0, "x", {"a": 1}))
    calls.add(id="a", arguments={"b": 2})
    assert not calls[0].closed
    calls.finish(complete=True)
    assert calls[0].arguments == {"b": 2}


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ({"a": 2**70}, '{"a":1180591620717411303424}'),
        ({"a": "\ud83d"}, '{"a":"\ud83d"}'),
        (nested(300), "[" * 301 + "]" * 301),
        ({"a": {1, 2}}, '{"a":"{1, 2}"}'),
        ({(1, 2): 3}, ""),
        (nested(200_000), ""),
    ],
    ids=["past_64_bits", "surrogate", "deep", "a_set", "odd_key", "very_deep"],
)
def test_decoded_arguments_that_orjson_does_not_encode_do_no_harm(value: Any, raw: str) -> None:
    calls = ToolCalls()
    call = calls.add(id="a", arguments=value)
    calls.add(id="a", arguments=value)
    assert call.raw == raw
    calls.finish(complete=True)
    assert call.arguments is value


def test_very_deep_arguments_that_are_sent_again_do_no_harm() -> None:
    calls = ToolCalls()
    calls.add(id="a", arguments=nested(200_000))
    calls.add(id="a", arguments=nested(200_000))
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("pieces", "final", "raw"),
    [
        (["gAAx"], A, A),
        (['{"a"'], A, A),
        ([A], A, A),
        ([A], "", A),
        ([A], "{}", A),
        ([A], B, B),
        (["gAAx"], "{}", "{}"),
        ([], "{}", "{}"),
        ([], A, A),
        ([{"a": 1}], '{"a": 1}', '{"a": 1}'),
        ([A], {"b": 2}, B),
    ],
    ids=repr,
)
def test_final_arguments_win_over_their_pieces_if_they_say_something(pieces: list[Any], final: Any, raw: str) -> None:
    for reads in (False, True):
        call = ToolCalls().open(name="x")
        for piece in pieces:
            call.add_arguments(piece)
            repr(call.partial if reads else None)
        call.set_final_arguments(final)
        assert call.raw == raw
        call.close()
        assert call.arguments == orjson.loads(raw)


def test_a_fragment_after_the_end_opens_the_call_again_in_the_short_way_too() -> None:
    call = ToolCalls().add(id="a", name="x")
    assert [call.add_and_take(text) for text in ('{"list":[', "1", ",2")] == ['{"list":[', "1", ",2"]
    call.close()
    assert call.incomplete
    assert (call.add_and_take("]}"), call.closed, call.raw) == ("]}", False, '{"list":[1,2]}')
    call.close()
    assert call.arguments == {"list": [1, 2]}


def test_text_after_an_object_after_text_starts_over_in_the_short_way_too() -> None:
    call = ToolCalls().add(id="a", name="x")
    for text in ('{"list":[', "1", ",2"):
        call.add_and_take(text)
    call.add_arguments({"a": 2})
    assert call.add_and_take('{"b":') == '{"b":'
    assert (call.raw, call.arguments_revised) == ('{"b":', True)


def test_a_view_sees_the_fragments_that_are_added_in_the_short_way() -> None:
    call = ToolCalls().add(id="a", name="x")
    seen = []
    for text in ('{"list":[', "10", ",2", "0]}"):
        call.add_and_take(text)
        seen.append(str(call.partial))
    assert seen == ["{'list': []}", "{'list': []}", "{'list': [10]}", "{'list': [10, 20]}"]


def test_final_arguments_that_go_on_with_their_pieces_add_the_rest_alone() -> None:
    call = ToolCall("a")
    assert call.add_and_take('{"a":') == '{"a":'
    call.set_final_arguments('{"a":1}')
    assert (call.take_added(), call.raw, call.arguments_revised) == ("1}", '{"a":1}', False)
    call.set_final_arguments('{"a":2}')
    assert (call.take_added(), call.raw, call.arguments_revised) == ('{"a":2}', '{"a":2}', True)


GROWN = ('{"list":[', "1", ",2")


def grown() -> ToolCall:
    """A call whose fragments are added in the short way."""
    call = ToolCall("a")
    for text in GROWN:
        call.add_and_take(text)
    return call


def test_a_call_that_was_cut_and_goes_on_is_whole_if_it_ends() -> None:
    for cut in (ToolCall.cut, lambda call: call.close(complete=False)):
        call = grown()
        cut(call)
        assert call.incomplete
        assert call.add_and_take("]}") == "]}"
        assert (call.closed, call.incomplete) == (False, False)
        call.close()
        assert call.arguments == {"list": [1, 2]}


def test_what_was_added_and_not_yet_given_out_comes_before_the_next_fragment() -> None:
    call = grown()
    call.add_arguments(",3")
    assert call.add_and_take(",4") == ",3,4"
    assert call.raw == '{"list":[1,2,3,4'


def test_a_repeat_of_all_is_dropped_in_the_short_way_too() -> None:
    call = grown()
    call.add_and_take("]}")
    assert call.add_and_take('{"list":[1,2]}') == ""
    assert call.raw == '{"list":[1,2]}'


def test_arguments_nested_too_deeply_for_exact_numbers_are_decoded_all_the_same() -> None:
    deep = 1000 * "[" + str(10**20) + 1000 * "]"
    value = exact_loads(deep)
    for _ in range(1000):
        [value] = value
    assert value == 10**20
