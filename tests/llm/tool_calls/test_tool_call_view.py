"""A tool call shows its arguments while they come."""

from __future__ import annotations

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from inputs.cuts import exact
from llm.growing_json import pieces_of, repaired, values
from ndstream.llm._partial_json.partial_json import Tail
from ndstream.llm._tool_calls.router import ToolCalls


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
