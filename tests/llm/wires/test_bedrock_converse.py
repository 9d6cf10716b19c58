"""Bedrock's Converse: what is redacted, an answer that follows its pieces, and messages that are yet to come."""

from __future__ import annotations

import pytest

from llm.every_way import read_every_way
from llm.example import lines, sse
from llm.examples_cloud import converse_delta, converse_stop
from ndstream import llm

STOP = {"messageStop": {"stopReason": "tool_use"}}


def test_a_thought_that_is_redacted_is_in_the_body_alone() -> None:
    frames = lines(converse_delta(0, reasoningContent={"redactedContent": "c2Vj"}), converse_delta(1, text="Hi"), STOP)
    answer = llm.collect(iter(frames))
    assert (answer.text, answer.thinking) == ("Hi", "")
    assert answer.body["output"]["message"]["content"] == [
        {"reasoningContent": {"redactedContent": "c2Vj"}},
        {"text": "Hi"},
    ]


def test_the_calls_of_an_answer_that_follows_its_pieces_win_over_them() -> None:
    start = {"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}}
    content = [{"toolUse": {"toolUseId": "t", "name": "f", "input": {"x": 1}}}, {"text": "Hi"}]
    whole = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use"}
    answer = llm.collect(iter(lines(start, converse_delta(0, toolUse={"input": '{"x":'}), whole)))
    assert [(call.id, call.arguments) for call in answer.tool_calls] == [("t", {"x": 1})]
    assert answer.body["output"]["message"]["content"] == content


def test_messages_of_a_type_that_is_not_known_are_passed_over() -> None:
    frames = lines(converse_delta(0, text="H"), {"newMessage": {"a": 1}}, converse_delta(0, text="i"), converse_stop(0))
    answer = llm.collect(iter([*frames, *lines(STOP)]))
    assert (answer.text, answer.ending is not None and answer.ending.verdict) == ("Hi", "complete")


def test_bare_json_among_its_events_that_reports_no_error_is_passed_over() -> None:
    frames = [*sse(converse_delta(0, text="Hi")), b"7\n\n", *sse(STOP)]
    answer = llm.collect(iter(frames))
    assert (answer.text, answer.ending is not None and answer.ending.verdict) == ("Hi", "complete")


def test_text_that_says_nothing_begins_no_block_and_is_in_none() -> None:
    start = {"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}}
    frames = lines(converse_delta(1, text=""), start, converse_delta(0, text=""), converse_delta(2, text="null"), STOP)
    answer = llm.collect(iter(frames))
    call = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}
    assert answer.body["output"]["message"]["content"] == [call, {"text": "null"}]


def test_what_a_delta_has_that_is_not_known_is_in_its_block() -> None:
    start = {"contentBlockStart": {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}}}
    pieces = [converse_delta(0, image={"source": {"bytes": text}}) for text in ("iVBO", "Rw0K")]
    answer = llm.collect(iter(lines(start, *pieces, converse_stop(0), STOP)))
    image = {"format": "png", "source": {"bytes": "iVBORw0K"}}
    assert answer.body["output"]["message"]["content"] == [{"image": image}]
    assert start["contentBlockStart"]["start"] == {"image": {"format": "png"}}


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "guardrail_intervened"])
def test_a_call_is_cut_by_whatever_word_says_that_the_server_stopped_in_the_middle(reason: str) -> None:
    start = {"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}}
    piece = converse_delta(0, toolUse={"input": "{}"})
    answer = llm.collect(iter(lines(start, piece, converse_stop(0), {"messageStop": {"stopReason": reason}})))
    assert [call.incomplete for call in answer.tool_calls] == [True]


def test_a_thought_in_the_shape_of_the_whole_answer_is_read() -> None:
    pieces = [{"reasoningText": {"text": text}} for text in "Hm"]
    frames = [converse_delta(0, reasoningContent=piece) for piece in [*pieces, {"reasoningText": {"signature": "s"}}]]
    answer = read_every_way(b"".join(lines(*frames, {"messageStop": {"stopReason": "end_turn"}})))
    reasoning = {"reasoningText": {"text": "Hm", "signature": "s"}}
    assert (answer.thinking, answer.body["output"]["message"]["content"]) == ("Hm", [{"reasoningContent": reasoning}])
