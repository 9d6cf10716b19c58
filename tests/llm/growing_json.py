"""JSON texts that grow: how tests make and cut them, and an oracle for the value so far.

The oracle repairs a prefix and parses it whole; it shares no code with `PartialJSON`.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import orjson
from hypothesis import strategies as st

from inputs.cuts import exact
from ndstream.llm._partial_json.partial_json import PartialJSON

NOTHING = None


def fed(*pieces: str) -> PartialJSON:
    view = PartialJSON()
    for piece in pieces:
        view.feed(piece)
    return view


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


def account(pieces: list[str]) -> tuple[Any, ...]:
    """All that can be seen of a view after a text, but for what belongs to the last feed alone."""
    view = PartialJSON()
    finished = []
    for piece in pieces:
        finished += view.feed(piece).finished
    error = view.error
    wrong = None if error is None else (error.position, error.reason, str(error))
    return exact(view.value), finished, wrong, view.complete, view.tail and view.tail.path


scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.text("\"\\/ \n\t\U0001f600\u20acu0dD8[]{},:", max_size=6)
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    text = json.dumps(draw(values), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 0, 1])))
    # Equal keys, now and then.
    return re.sub(r'"[abc]":', '"a":', text) if draw(st.booleans()) else text


def pieces_of(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[start:end] for start, end in itertools.pairwise(ends)]
