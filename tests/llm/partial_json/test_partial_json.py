"""The value so far of a growing JSON text, held at each of its prefixes to an oracle that repairs and parses."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.cuts import exact
from llm.counting import lines_run
from llm.growing_json import NOTHING, account, fed, pieces_of, repaired, texts
from ndstream.llm._partial_json import partial_json
from ndstream.llm._partial_json.partial_json import PartialJSON, Tail

TEXTS = [
    "{}",
    " { } ",
    "[]",
    '""',
    "null ",
    "true",
    "false",
    "12 ",
    "-0.5e+10 ",
    " [ ] ",
    '{"a":1}',
    '{"a":"b"}',
    "[1,2,3]",
    '{"a":{"b":[1,{"c":null}]},"d":true}',
    '[[],{},"",[[]],{"":{}}]',
    '\n{ "a" :\t1 ,\r\n"b" : [ true , false , null ] }\n',
    '"\\ud83d\\ude00"',
    '"\\uD83D\\uDE00x"',
    '"a\\n\\t\\"\\\\\\/\\b\\f\\r\\u0041\\u0000b"',
    '{"k\\ud83d\\ude00\\n":"v\\u20ac"}',
    '"\u20ac \U0001f600 \x7f \u2028"',
    '{"a":1,"a":2}',
    '{"a":{"b":1},"a":"x","a":[3]}',
    '{"a":1,"b":2,"a":"3"}',
    "[0,-0,0.0,-0.0,1E5,1e-5,123456789012345678901234567890]",
    "[18446744073709551615,-9223372036854775808,0.1]",
    '["ab","12","true","[","{","\\\\","\\"]"]',
    "[[[[[[[[1]]]]]]]]",
    '{"a":[{"b":"c"},{"d":"e"}],"f":"g"}',
]


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_at_every_prefix_the_value_is_what_can_be_repaired(text: str) -> None:
    grown = PartialJSON()
    for size in range(len(text) + 1):
        expected = exact(repaired(text[:size]))
        assert exact(fed(text[:size]).value) == expected
        if size:
            grown.feed(text[size - 1])
        assert exact(grown.value) == expected
        assert grown.error is None
    assert grown.complete
    assert exact(grown.finish()) == exact(orjson.loads(text))


@pytest.mark.parametrize("text", [*TEXTS, *(text[:-2] for text in TEXTS), *(text + " ]" for text in TEXTS)], ids=repr)
def test_how_the_text_is_cut_never_matters(text: str) -> None:
    whole = account([text])
    assert account(list(text)) == whole
    assert account([piece for character in text for piece in ("", character, "")]) == whole
    for first in range(len(text) + 1):
        assert account([text[:first], text[first:]]) == whole
        for second in range(first, min(first + 7, len(text))):
            assert account([text[:first], text[first:second], text[second:]]) == whole


@given(texts(), st.lists(st.integers(0, 999), max_size=9), st.data())
def test_on_the_way_it_is_what_can_be_repaired(text: str, places: list[int], data: st.DataObject) -> None:
    prefix = text[: data.draw(st.integers(0, min(len(text), 300)))]
    view = PartialJSON()
    for piece in pieces_of(prefix, places):
        view.feed(piece)
        if data.draw(st.booleans()):
            assert view.error is None
            repr(view.value)
    assert exact(view.value) == exact(repaired(prefix))


@pytest.mark.parametrize("piece", [b"[", None, 1, ["["]])
def test_what_is_not_text_is_a_mistake(piece: Any) -> None:
    with pytest.raises(TypeError, match="str"):
        PartialJSON().feed(piece)


def test_objects_grow_in_place() -> None:
    view = fed('{"a":[1')
    value = view.value
    inner = value["a"]
    view.feed(',2],"b":"c')
    assert view.value is value
    assert view.value["a"] is inner
    assert value == {"a": [1, 2], "b": "c"}


def test_a_string_that_was_taken_out_stays_as_it_was() -> None:
    view = fed('["' + "a" * 1000)
    taken = view.value[0]
    view.feed("b" * 1000)
    assert view.value[0] == "a" * 1000 + "b" * 1000
    assert taken == "a" * 1000


def test_members_that_ended_are_told_by_path_once() -> None:
    view = PartialJSON()
    assert view.feed('{"a":[1,{"b":"x').finished == [("a", 0)]
    assert view.feed("y").finished == []
    assert view.feed('"},tr').finished == [("a", 1, "b"), ("a", 1)]
    assert view.feed("").finished == []
    assert view.feed('ue],"c":12').finished == [("a", 2), ("a",)]
    assert view.feed("}").finished == [("c",), ()]
    view.finish()
    assert view.finished == []


@given(texts(), st.lists(st.integers(0, 999), max_size=9))
def test_what_ended_is_final(text: str, places: list[int]) -> None:
    """Unless an equal key follows, which is told again."""
    seen: dict[tuple[str | int, ...], object] = {}
    view = PartialJSON()
    for piece in pieces_of(text + " ", places):
        for path in view.feed(piece).finished:
            for other in [other for other in seen if other[: len(path)] == path]:
                del seen[other]
            found = view.value
            for key in path:
                found = found[key]
            seen[path] = exact(found)
    assert () in seen
    repeats = len(re.findall('"a":', text)) > 1
    for path, value in seen.items():
        found = view.value
        for key in path:
            found = found[key]
        assert repeats or exact(found) == value


def test_the_tail_is_what_the_last_feed_added_to_the_open_string() -> None:
    view = PartialJSON()
    assert view.feed('{"a').tail is None
    assert view.feed('":["x","y').tail == Tail(("a", 1), "y")
    assert view.feed("z\\").tail == Tail(("a", 1), "z")
    assert view.value == {"a": ["x", "yz"]}
    assert view.tail == Tail(("a", 1), "z")
    assert view.feed("n\\ud83d").tail == Tail(("a", 1), "\n")
    assert view.feed("").tail == Tail(("a", 1), "")
    assert view.feed("\\ude00!").tail == Tail(("a", 1), "\U0001f600!")
    assert view.feed('?",').tail is None
    assert view.feed('"n').tail == Tail(("a", 2), "n")


@given(st.text(min_size=1), st.lists(st.integers(0, 999), max_size=9), st.booleans(), st.booleans())
def test_the_tails_together_are_the_string(string: str, places: list[int], ascii: bool, reads: bool) -> None:
    text = json.dumps({"key": string}, ensure_ascii=ascii)[:-2]
    view = PartialJSON()
    tails = []
    for piece in pieces_of(text, places):
        view.feed(piece)
        if reads:
            repr(view.value)
        if view.tail is not None:
            assert view.tail.path == ("key",)
            tails.append(view.tail.text)
    assert "".join(tails) == string
    assert view.value == {"key": string}


BIG = {
    "one_long_string": '{"text":"' + "x" * 100_000 + '"}',
    "one_long_key": '{"' + "x" * 100_000 + '":1}',
    "one_long_number": "[" + "1" * 300 + "." + "1" * 50_000 + "]",
    "escapes": '["' + "\\n\\u0041\\ud83d\\ude00" * 5000 + '"]',
    "small_objects": "[" + '{"id":1,"name":"x"},' * 5000 + "{}]",
    "white_space": "[" + " \n" * 50_000 + "]",
    "deep": "[" * 500 + "1,1," * 25_000 + "1" + "]" * 500,
    "wide_characters": '["' + "\u20ac" * 20_000 + "\U0001f600" * 20_000 + '"]',
}


@pytest.mark.parametrize("size", [1, 3, 20, 1460])
@pytest.mark.parametrize("name", BIG)
def test_each_character_is_scanned_and_moved_a_few_times_at_most(name: str, size: int) -> None:
    text = BIG[name]
    view = PartialJSON()
    for place in range(0, len(text), size):
        assert view.feed(text[place : place + size]).error is None
        assert view.value is not NOTHING
    assert view.finish() == orjson.loads(text)
    # What is held back of an escape sequence of 12 characters is looked at again with each piece.
    most = 8 if name == "escapes" and size < 12 else 3
    assert len(text) <= view._touched <= most * len(text)


@pytest.mark.parametrize("name", BIG)
def test_the_work_grows_with_the_text_and_no_faster(name: str) -> None:
    def work(text: str) -> Callable[[], object]:
        def feeds() -> None:
            view = PartialJSON()
            for place in range(0, len(text), 20):
                view.feed(text[place : place + 20])
                assert view.error is None
                repr(view.tail)
                assert len(view._grammar.held) <= 11

        return feeds

    half, whole = (lines_run(work(BIG[name][:most])) for most in (15_000, 30_000))
    assert 0 < whole <= 2.2 * half


def test_the_counter_counts() -> None:
    view = fed('["' + "x" * 1000)
    assert view._touched == 1002
    assert view.value == ["x" * 1000]
    assert view._touched == 2002


def test_the_examples_in_the_module_run() -> None:
    result = doctest.testmod(partial_json)
    assert result.attempted > 0
    assert result.failed == 0
