"""Whatever an upstream sends, each target keeps the rules of its format, and tells what the reply's own fold has."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs import strategies  # noqa: F401
from llm.engine import PATIENCE, Engine
from llm.hostile_frames import FRAMES
from llm.test_engine import CASES, SAMPLING, Case
from serving.made_replies import DONE, call, chunk
from serving.relaying import relayed

from .clients import Found
from .expected import Expected
from .grammar import READERS, Content
from .upstreams import upstreams


def translate(data: bytes, target: str, wire: str | None = None, seed: int = 0) -> Content:
    """What is in the stream of a target; it is the same whole and cut at random."""
    whole = READERS[target](b"".join(relayed([data], target, wire=wire)))
    cut = READERS[target](b"".join(relayed(iter(in_pieces(data, seed)), target, wire=wire)))
    for content in (whole, cut):
        # Ids that are made up differ from one reply to the next.
        content.calls = {str(number): call for number, call in enumerate(content.calls.values())}
    assert whole == cut
    return whole


def in_pieces(data: bytes, seed: int) -> list[bytes]:
    generator = random.Random(seed)
    places = sorted({0, len(data), *(generator.randrange(len(data) + 1) for _ in range(5))})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


def has(content: Content, expected: Expected) -> bool:
    """Whether a stream that ends well has what it should have."""
    calls: list[list[Any]] = [[name, arguments or "{}"] for name, arguments in content.calls.values()]
    return not expected.fails and expected.agrees(Found(content.text, content.thinking, calls), own_words=False)


@pytest.mark.parametrize("target", READERS)
def test_every_reply_of_every_wire_keeps_the_rules(target: str) -> None:
    for name, data in upstreams().items():
        content, expected = translate(data, target), Expected(data, target)
        assert expected.fails == (content.ended == "error"), name
        assert content.ended == "error" or has(content, expected), (name, content, vars(expected))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_replies_of_a_real_engine_keep_the_rules(case: Case, engine: Engine) -> None:
    url = engine.url + case.path
    data = httpx.post(url, json=case.body | SAMPLING | {"stream": True}, timeout=PATIENCE).content
    for target in READERS:
        content, expected = translate(data, target, case.wire), Expected(data, target, case.wire)
        assert expected.fails == (content.ended == "error"), target
        assert content.ended == "error" or has(content, expected), (target, content, vars(expected))


@st.composite
def hostile_replies(draw: st.DrawFn) -> tuple[str, bytes]:
    """A wire, and frames of it that are well-formed each and in any order."""
    wire = draw(st.sampled_from(sorted(FRAMES)))
    names = st.sampled_from(sorted(FRAMES[wire]))
    chosen = draw(st.lists(st.tuples(names, st.integers(0, 3)), max_size=12))
    frames = [b"data: " + json.dumps(FRAMES[wire][name](number)).encode() + b"\n\n" for name, number in chosen]
    return wire, b"".join([*frames, *([DONE] if draw(st.booleans()) else [])])


@given(hostile_replies(), st.integers(0, 99))
def test_frames_in_any_order_keep_the_rules(reply: tuple[str, bytes], seed: int) -> None:
    wire, data = reply
    for target in READERS:
        content = translate(data, target, wire, seed)
        expected = Expected(data, target, wire)
        # What goes on after its end may be told as an error, but never as something else.
        assert content.ended == "error" or has(content, expected), (target, content, vars(expected))


FRAGMENTS = st.sampled_from(["", "{", "}", "{}", '{"a":1}', '{"a":', "1}", " ", "null", '"{\\"a\\":1}"', "[1]"])
CALLS = st.builds(
    call,
    index=st.integers(0, 2),
    id=st.sampled_from([None, "", "c1", "c2", "c3"]),
    name=st.sampled_from([None, "", "f", "g", "get_"]),
    arguments=st.one_of(st.none(), FRAGMENTS),
)
CHUNKS = st.one_of(
    st.builds(chunk, text=st.sampled_from(["a", "\u2028", "\n\ndata: x\n\n", "</script>\0"])),
    st.builds(chunk, thinking=st.sampled_from(["h", "m"])),
    st.builds(chunk, calls=st.lists(CALLS, min_size=1, max_size=3)),
    st.builds(chunk, refusal=st.just("no")),
    st.builds(chunk, text=st.just("x"), choice=st.integers(0, 2)),
    st.builds(chunk, reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter", "error", "odd"])),
)


@given(st.lists(CHUNKS, max_size=12), st.booleans(), st.integers(0, 99))
def test_calls_of_any_order_and_kind_keep_the_rules(chunks: list[bytes], ends: bool, seed: int) -> None:
    # The reply's own text is that of another choice if there is no choice 0.
    data = b"".join([chunk(), *chunks, *([DONE] if ends else [])])
    for target in READERS:
        content = translate(data, target, "openai-chat", seed)
        expected = Expected(data, target, "openai-chat")
        # What goes on after its end may be told as an error, but never as something else.
        assert content.ended == "error" or has(content, expected), (target, content, vars(expected))
