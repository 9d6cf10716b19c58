"""A tool call shows its arguments while they come."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

import strategies  # noqa: F401  (loads the hypothesis profile)
from cuts import exact
from ndstream.llm._partial_json.partial_json import Tail
from ndstream.llm._tool_calls.router import ToolCalls

NOTHING = None


def closers(text: str) -> tuple[bool, str]:
    """Whether the text ends inside a string, and the brackets that would close what is open."""
    stack: list[str] = []
    in_string = escaped = False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "[{":
            stack.append("]" if character == "[" else "}")
        elif character in "]}":
            stack.pop()
    return in_string, "".join(reversed(stack))


def repaired(prefix: str) -> object:
    """The value so far of a prefix of a JSON text: the longest beginning that can be closed and parsed.

    A number at the end is left out, as it may go on.
    """
    if not closers(prefix)[0]:
        prefix = re.sub(r"(-|-?[0-9][0-9.eE+-]*)\Z", "", prefix)
    for size in range(len(prefix), 0, -1):
        in_string, brackets = closers(prefix[:size])
        try:
            return orjson.loads(prefix[:size] + ('"' if in_string else "") + brackets)
        except ValueError:
            continue
    return NOTHING


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.text("\"\\/ \n\t\U0001f600\u20acu0dD8[]{},:", max_size=6)
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)


def pieces_of(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in itertools.pairwise(ends)]


@given(values.filter(lambda value: isinstance(value, dict)), st.lists(st.integers(0, 999), max_size=9), st.booleans())
def test_a_tool_call_shows_its_arguments_so_far(value: Any, places: list[int], reads_text: bool) -> None:
    text = json.dumps(value)
    calls = ToolCalls()
    call = calls.add(id="a", index=0, name="x")
    assert call.partial is None
    so_far = ""
    for piece in pieces_of(text, places):
        calls.add(index=0, arguments=piece)
        so_far += piece
        assert exact(call.partial) == exact(repaired(so_far))
        assert not reads_text or call.raw == so_far
    calls.finish(complete=False)
    assert exact(call.partial) == exact(orjson.loads(text))
    assert call.arguments is None


def test_a_tool_call_keeps_one_view() -> None:
    calls = ToolCalls()
    call = calls.add(id="a", index=0, name="x", arguments='{"a":"b')
    view = call.view
    calls.add(index=0, arguments="c")
    assert call.view is view
    assert view.tail == Tail(("a",), "c")
    calls.add(index=0, arguments='","d":2}')
    assert view.finished == [("a",), ("d",), ()]
    calls.finish(complete=True)
    assert call.partial is call.arguments


def test_a_tool_call_shows_decoded_arguments_and_text_as_they_are() -> None:
    calls = ToolCalls()
    call = calls.add(id="a", arguments='{"z')
    assert call.partial == {}
    calls.add(id="a", arguments={"a": 1})
    assert call.partial == {"a": 1}
    assert call.view.value == {"a": 1}
    calls.add(id="a", arguments='{"b":"c')
    assert call.partial == {"b": "c"}
    custom = calls.add(id="b", type="custom", arguments="{ x")
    assert custom.partial == "{ x"
    calls.add(id="b", arguments="y")
    assert custom.partial == "{ xy"
    broken = calls.add(id="c", arguments='{"a":1,,')
    assert broken.partial == {"a": 1}
    assert broken.view.error is not None
