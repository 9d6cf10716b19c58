"""The fold: what a reply adds up to is what the server would have said at once, at its end and on the way."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from inputs.cuts import cuts
from llm.examples import EXAMPLES, Example, ids
from ndstream import StreamError, llm
from ndstream.llm._folder import Folder

SHORT_WAYS = ("openai-chat", "anthropic", "openai-responses")


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_the_body_equals_the_one_given_without_streaming(example: Example) -> None:
    reply = llm.reply(example.data)
    deltas = list(reply)
    assert reply.wire == example.wire
    assert reply.body == example.body
    assert reply.text == text_of(deltas) == example.text
    assert reply.thinking == "".join(delta.thinking for delta in deltas) == example.thinking
    assert [(call.name, call.arguments) for call in reply.tool_calls] == example.calls
    assert reply.usage == example.usage
    assert reply.ending is not None
    assert reply.ending.verdict == "complete"


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_a_named_wire_folds_as_a_found_one_does(example: Example) -> None:
    assert llm.collect(example.data, example.wire).body == example.body


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_the_cut_of_the_bytes_never_matters(example: Example) -> None:
    for name, chunks in cuts(example.data, two_way_most=256):
        reply = llm.reply(iter(chunks))
        texts = list(reply.texts())
        assert (reply.body, "".join(texts)) == (example.body, example.text), name


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_each_prefix_folds_to_what_has_come(example: Example) -> None:
    sent: list[bytes] = []

    def source() -> Iterator[bytes]:
        for frame in example.frames:
            sent.append(frame)
            yield frame

    reply = llm.reply(source(), on_incomplete="return")
    for delta in reply:
        alone = llm.collect(iter(sent), example.wire, on_incomplete="return")
        assert (reply.text, reply.thinking) == (alone.text, alone.thinking)
        if not delta.tool_calls:
            assert reply.body == alone.body
    assert reply.body == example.body


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.wire in SHORT_WAYS], ids=ids)
def test_the_short_way_of_frequent_deltas_folds_as_the_long_way_does(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: Any = llm.WIRES[example.wire]
    short, long = kind.fold, kind.fold_general
    chance = random.Random(example.name)
    values: list[Any] = [None, 0, 1.5, True, "", "x", [], {}, {"x": 1}]
    for _ in range(100):
        frames = [frame for frame in example.frames for _ in range(chance.choice([1, 1, 2, 3]))]
        frames = [hurt(frame, chance, values) if chance.random() < 0.2 else frame for frame in frames]
        seen = []
        for way in (short, long):
            monkeypatch.setattr(kind, "fold", way)
            reply = llm.reply(iter(frames), example.wire, on_incomplete="return")
            deltas = [(each.text, each.thinking, len(each.tool_calls), each.usage, each.choice) for each in reply]
            calls = [(call.name, call.raw, call.arguments, call.incomplete) for call in reply.tool_calls]
            seen.append((deltas, reply.body, reply.text, reply.thinking, calls, reply.usage, reply.ending))
        assert seen[0] == seen[1]


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_no_frame_and_no_earlier_body_is_changed_by_what_follows(example: Example) -> None:
    reply = llm.reply(iter(example.frames))
    raws, bodies = [], []
    for delta in reply:
        raws.append((delta.raw, json.dumps(delta.raw)))
        body = reply.body
        bodies.append((body, json.dumps(body)))
    for value, then in [*raws, *bodies]:
        assert json.dumps(value) == then


def text_of(deltas: list[llm.Delta]) -> str:
    """The text of the first choice, which is that of the reply."""
    return "".join(delta.text for delta in deltas if delta.choice == 0)


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_a_frame_of_any_shape_leaves_the_fold_standing(example: Example) -> None:
    chance = random.Random(example.name)
    values: list[Any] = [None, 0, -1, 1.5, True, "", "x", [], [None], [[]], {}, {"x": 1}, [{}]]
    for number in range(100):
        frames = [hurt(frame, chance, values) for frame in example.frames]
        answer = llm.collect(iter(frames), example.wire, on_incomplete="return")
        assert answer.ending is not None, number
        assert isinstance(answer.text, str)
        assert isinstance(answer.thinking, str)
        assert all(isinstance(call.raw, str) for call in answer.tool_calls)
        assert isinstance(answer.metrics, llm.Metrics)
        repr(answer.body)


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_deltas_add_up_to_the_text_of_any_stream_but_where_it_was_taken_back(example: Example) -> None:
    chance = random.Random(example.name)
    values: list[Any] = [None, 0, -1, 1.5, True, "", "x", "null", [], [None], {}, {"x": 1}, [{}], "0"]
    for number in range(100):
        frames = mixed([hurt(frame, chance, values) for frame in example.frames], chance)
        reply = llm.reply(iter(frames), example.wire, on_incomplete="return")
        deltas = list(reply)
        first = reply._state.wire.first_choice
        added = "".join(delta.text for delta in deltas if delta.choice == first)
        assert reply.text_revised or reply.text == added, number
        assert isinstance(reply.finish_reason, (str, type(None)))
        assert isinstance(reply.refusal, str)


def mixed(frames: list[bytes], chance: random.Random) -> list[bytes]:
    """The frames with some dropped, repeated or in another order."""
    for _ in range(chance.randint(0, 3)):
        one, other = chance.randrange(len(frames)), chance.randrange(len(frames))
        change = chance.choice(["drop", "repeat", "swap"])
        if change == "repeat":
            frames.insert(other, frames[one])
        elif change == "swap":
            frames[one], frames[other] = frames[other], frames[one]
        elif len(frames) > 1:
            del frames[one]
    return frames


def hurt(frame: bytes, chance: random.Random, values: list[Any]) -> bytes:
    """The frame with a value of the wrong type somewhere in it."""
    begin = frame.find(b"{")
    if begin < 0 or chance.random() < 0.5:
        return frame
    content: Any = json.loads(frame[begin:])
    holder: Any = content
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            break
        key = chance.choice(keys)
        if isinstance(holder[key], (dict, list)) and chance.random() < 0.8:
            holder = holder[key]
            continue
        if isinstance(holder, dict) and chance.random() < 0.3:
            del holder[key]
        else:
            holder[key] = chance.choice(values)
        break
    return frame[:begin] + json.dumps(content).encode() + b"\n\n"


def test_what_is_noted_after_the_ending_changes_nothing() -> None:
    folder = Folder("openai-chat", "raise")
    folder.note_closed(None)
    ending = folder.state.ending
    assert ending is not None
    assert ending.verdict == "cancelled"
    assert folder.note_failure(StreamError("gone", reason="source_failed"), None, None) is None
    assert folder.note_end_of_stream(None) is None
    folder.note_closed(None)
    assert folder.state.ending is ending
