"""What is JSON and what is not is what orjson says, however the text is cut."""

from __future__ import annotations

import pickle
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.cuts import exact
from llm.growing_json import account, fed, pieces_of, texts
from ndstream.llm._partial_json.error import PartialJSONError
from ndstream.llm._partial_json.partial_json import PartialJSON


@given(texts(), st.lists(st.integers(0, 999), max_size=9))
def test_in_the_end_it_is_what_orjson_says(text: str, places: list[int]) -> None:
    view = fed(*pieces_of(text, places))
    assert view.error is None
    assert exact(view.finish()) == exact(orjson.loads(text))
    assert view.complete


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A text with some characters changed, which may still be JSON."""
    text = draw(texts())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 2))
        new = draw(st.sampled_from(['"', "\\", "[", "]", "{", "}", ",", ":", "0", "-", ".", "e", "t", "n", " ", "\n", "\\u", "\\ud83d", "\\udc00", "\ud800", "\x00", "\xa0", "\ufeff", ""]))  # fmt: skip  # noqa: E501
        text = text[:place] + new + text[place + gone :]
    return text


@given(mutated(), st.lists(st.integers(0, 999), max_size=9))
def test_it_refuses_what_orjson_refuses_and_nothing_else(text: str, places: list[int]) -> None:
    view = fed(*pieces_of(text, places))
    try:
        expected = orjson.loads(text)
    except ValueError:
        with pytest.raises(PartialJSONError):
            view.finish()
        assert not view.complete
    else:
        assert exact(view.finish()) == exact(expected)
    assert account(pieces_of(text, places)) == account([text])


WRONG = [
    ("]", 0, None),
    ("[1,]", 3, [1]),
    ("[,", 1, []),
    ("[1 2", 3, [1]),
    ("[1}", 2, [1]),
    ('{"a"}', 4, {}),
    ("{1", 1, {}),
    ('{"a":1,}', 7, {"a": 1}),
    ('{"a":1]', 6, {"a": 1}),
    ("{,", 1, {}),
    ("[tRue", 2, []),
    ("[nulL", 4, []),
    ("[nan", 2, []),
    ("NaN", 0, None),
    ("[Infinity", 1, []),
    ("[-Infinity", 1, []),
    ("[01,", 1, []),
    ("[1.,", 1, []),
    ("[-,", 1, []),
    ("[1e400,", 1, []),
    ("[+1,", 1, []),
    ('["a\n', 3, ["a"]),
    ('["a\\x', 3, ["a"]),
    ('["a\\u12G', 3, ["a"]),
    ('["a\\ud83dx', 3, ["a"]),
    ('["a\\ud83d"', 3, ["a"]),
    ('["a\\ud83d\\n', 3, ["a"]),
    ('["a\\ud83d\\u0041', 3, ["a"]),
    ('["a\\ude00', 3, ["a"]),
    ('["a\ud83d', 3, ["a"]),
    ('{"a\\x', 3, {}),
    ("1 2", 2, 1),
    ('{}"', 2, {}),
    ("\ufeff1", 0, None),
    ("\xa01", 0, None),
    ("'a'", 0, None),
    ("// x", 0, None),
    ("{'a'", 1, {}),
]


@pytest.mark.parametrize(("text", "position", "value"), WRONG, ids=repr)
def test_what_is_not_json_is_told_with_its_place_and_the_value_stays(text: str, position: int, value: Any) -> None:
    for view in (fed(text), fed(*text)):
        error = view.error
        assert error is not None
        assert (error.position, error.reason) == (position, "invalid_json")
        assert f"character {position}" in str(error)
        assert exact(view.value) == exact(value)
        assert not view.complete
        # Nothing after it counts, and the end raises it.
        view.feed("[1, 2, 3]")
        assert view.error is error
        assert view.finished == []
        assert exact(view.value) == exact(value)
        with pytest.raises(PartialJSONError) as raised:
            view.finish()
        assert raised.value is error


@pytest.mark.parametrize(
    "text", ["", " ", "[", '{"a', '{"a"', '{"a":', '"', '"\\', '"\\u00', '"\\ud83d', "tru", "[1", "[1,"]
)
def test_a_text_that_ends_too_early_is_unfinished(text: str) -> None:
    view = fed(*text)
    assert view.error is None
    assert not view.complete
    with pytest.raises(PartialJSONError) as raised:
        view.finish()
    assert (raised.value.reason, raised.value.position) == ("unfinished", len(text))
    assert view.error is raised.value


def test_a_number_alone_ends_with_the_text() -> None:
    view = fed("1", "2")
    assert (view.value, view.complete) == (None, False)
    assert view.finish() == 12
    assert (view.value, view.complete) == (12, True)
    assert view.finish() == 12
    view = fed("1.")
    with pytest.raises(PartialJSONError, match="character 0"):
        view.finish()


@pytest.mark.parametrize(
    ("number", "shown"), [("1e" + 38 * "9", "1e" + 38 * "9"), ("1e" + 39 * "9", "1e" + 35 * "9" + "...")]
)
def test_a_number_that_no_double_holds_is_shown_up_to_40_characters(number: str, shown: str) -> None:
    error = fed(number + " ").error
    assert error is not None
    assert error.position == 0
    assert str(error) == f"malformed JSON at character 0: {shown} is not a number that JSON and a double can hold"


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("size", [1, 7, 10**9])
def test_nesting_ends_where_orjson_ends_it(opening: str, closing: str, size: int) -> None:
    def view_of(text: str) -> PartialJSON:
        return fed(*(text[place : place + size] for place in range(0, len(text), size)))

    inside = "" if opening == "[" else "1"
    deep = opening * 1024 + inside + closing * 1024
    assert exact(view_of(deep).finish()) == exact(orjson.loads(deep))
    deeper = opening * 1025 + inside + closing * 1025
    with pytest.raises(ValueError, match="depth"):
        orjson.loads(deeper)
    view = view_of(deeper)
    assert view.error is not None
    assert (view.error.reason, view.error.position) == ("too_deep", len(opening) * 1024)


def test_a_flood_of_brackets_is_refused_and_costs_nothing_more() -> None:
    view = fed(*["[" * 1000] * 1000)
    assert view.error is not None
    assert view.error.reason == "too_deep"
    assert view._touched <= 3000


def test_the_error_can_be_pickled() -> None:
    error = fed("[x").error
    assert error is not None
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.position, again.reason) == (str(error), 1, "invalid_json")
