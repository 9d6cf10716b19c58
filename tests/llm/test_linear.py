"""A server cannot make its reader work or hold more than in proportion to what it sends.

Streams of n and of 2n frames are made of every type of frame that a wire knows, in every order of two types, and the
lines of the package that run are counted. Work inside C functions does not show there: what sorts, joins or copies all
that came is kept out of `fold`, and is asked for once here, at the end.
"""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from llm.counting import lines_run
from llm.example import sse
from llm.hostile_frames import FRAMES
from ndstream import llm
from ndstream.llm._limits import MAX_CHOICES, MAX_PARTS, PartCounter
from ndstream.llm._wires.gemini_paths import PartialArguments
from ndstream.llm._wires.registry import WIRES
from ndstream.llm._wires.wire import Wire

N = 20
PAIRS = [(wire, first) for wire, frames in FRAMES.items() for first in frames]


def fold(name: str, frames: list[Any]) -> Wire:
    wire = WIRES[name]()
    for frame in frames:
        wire.fold(frame, None)
        wire.extra_deltas.clear()
    wire.finish(complete=True)
    _ = wire.text, wire.thinking, wire.tool_calls, wire.body
    return wire


def test_every_wire_has_its_frames_here() -> None:
    assert set(FRAMES) == set(WIRES)


@pytest.mark.parametrize(("name", "first"), PAIRS)
def test_twice_as_many_frames_make_twice_the_work_in_every_order(name: str, first: str) -> None:
    for second in FRAMES[name]:

        def stream(size: int, second: str = second) -> list[Any]:
            kinds = FRAMES[name][first], FRAMES[name][second]
            return [kind(number) for kind in kinds for number in range(size)]

        work = [lines_run(lambda size=size: fold(name, stream(size))) for size in (N, 2 * N)]  # type: ignore[misc]
        assert work[1] < 2.3 * work[0], (first, second)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_what_is_kept_of_a_frame_is_in_proportion_to_it(name: str, kind: str) -> None:
    frames = [FRAMES[name][kind](number) for number in range(500)]
    size = sum(len(json.dumps(frame)) for frame in frames)
    tracemalloc.start()
    try:
        wire = fold(name, frames)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert wire.name == name
    # An object, a list and a few dicts for a frame of some 40 bytes.
    assert kept < 60 * size


MANY = {
    "choices": ("openai-chat", {"choices": [{"index": n, "delta": {"content": "a"}} for n in range(MAX_CHOICES + 50)]}),
    "candidates": ("gemini", {"candidates": [{"index": n} for n in range(MAX_CHOICES + 50)]}),
    "parts": ("gemini", {"candidates": [{"content": {"parts": [{"n": 1}] * (MAX_PARTS + 50)}}]}),
}


@pytest.mark.parametrize(("name", "frame"), MANY.values(), ids=MANY)
def test_more_than_a_reply_may_have_is_an_error_with_a_kind_of_its_own(name: str, frame: Any) -> None:
    with pytest.raises(llm.ReplyServerError, match="more than") as caught:
        llm.collect(b"".join(sse(frame)), name, max_frame_size=None)
    assert (caught.value.kind, caught.value.reason, caught.value.retryable) == ("too_large", "too_large", False)


def test_as_many_choices_as_a_reply_may_have_are_no_error() -> None:
    frame = {"choices": [{"index": n, "delta": {"content": "a"}, "finish_reason": "stop"} for n in range(MAX_CHOICES)]}
    answer = llm.collect(b"".join(sse(frame)))
    assert answer.ending is not None
    assert (answer.ending.verdict, len(answer.body["choices"])) == ("complete", MAX_CHOICES)


def test_a_path_of_many_steps_has_no_place() -> None:
    arguments = PartialArguments()
    arguments.add([{"jsonPath": "$" + ".a" * 100_000, "numberValue": 1}])
    assert arguments.whole() == {}
    assert arguments.lost


def test_white_space_before_the_first_frame_is_looked_at_once() -> None:
    def work(size: int) -> int:
        return lines_run(lambda: llm.collect(iter([b" "] * size + [b'{"response":"Hi","done":true}'])))

    assert work(4000) < 2.2 * work(2000)


def test_many_choices_of_one_frame_are_handed_out_in_proportion_when_awaited() -> None:
    import asyncio
    from collections.abc import AsyncIterator

    def read(size: int) -> None:
        frame = {"choices": [{"index": n, "delta": {"content": "a"}} for n in range(size)]}

        async def source() -> AsyncIterator[bytes]:
            yield b"".join(sse(frame))

        async def main() -> int:
            return len([delta async for delta in llm.reply(source(), on_incomplete="return")])

        assert asyncio.run(main()) == size

    assert lines_run(lambda: read(1000)) < 2.2 * lines_run(lambda: read(500))


OPENING = [
    ("anthropic", "new blocks"), ("anthropic", "new calls"), ("workers-ai", "calls"),
    ("bedrock-converse", "new calls"), ("bedrock-converse", "text anywhere"), ("cohere", "text anywhere"),
    ("gemini-interactions", "images"), ("gemini-interactions", "new outputs"), ("lm-studio", "messages"),
    ("lm-studio", "new calls"), ("openai-responses", "new items"), ("openai-responses", "text in new parts"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind"), OPENING)
def test_past_the_limit_a_frame_is_handed_out_and_opens_nothing(
    name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PartCounter.__init__, "__defaults__", (4,))
    sizes = []
    for count in (6, 20):
        frames = [FRAMES[name][kind](number) for number in range(count)]
        reply = llm.reply(iter(sse(*frames)), name, on_incomplete="return")
        assert [delta.raw for delta in reply] == frames
        assert reply.ending is not None
        assert reply.ending.error is not None
        assert reply.ending.error.kind == "too_large"
        sizes.append(len(json.dumps(reply.body)))
    assert sizes[0] == sizes[1]
