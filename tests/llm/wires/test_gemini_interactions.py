"""Gemini's Interactions: ways to fail, and steps that are no text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.examples_cloud import interaction, interaction_events
from ndstream import llm

BEGUN = {"event_type": "interaction.created", "interaction": interaction("in_progress")}
TEXT = {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "Hi"}}


def ended(status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"event_type": "interaction.completed", "interaction": interaction(status, **more)}


@pytest.mark.parametrize(
    ("event", "message", "kind"),
    [
        ({"event_type": "error", "error": {"code": 503, "message": "busy"}}, "busy", "overloaded"),
        ({"event_type": "error", "code": 429, "message": "slow down"}, "slow down", "rate_limit"),
        (ended("failed", errors=[{"code": "timeout", "message": "too slow"}]), "too slow", "timeout"),
        (ended("failed", error={"code": 429, "message": "no quota"}), "no quota", "rate_limit"),
        (ended("failed"), "the interaction failed", "server"),
    ],
)
def test_an_interaction_that_fails_says_why(event: dict[str, Any], message: str, kind: str) -> None:
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(iter(interaction_events(BEGUN, TEXT, event)))
    assert (str(caught.value), caught.value.kind, caught.value.reply.text) == (message, kind, "Hi")


def test_what_is_no_text_in_the_steps_of_the_end_is_in_the_body_alone() -> None:
    output = {"type": "model_output", "content": [{"type": "text", "text": "Hi"}, {"type": "image", "data": "a"}]}
    answer = llm.collect(iter(interaction_events(BEGUN, TEXT, ended(steps=[output]))))
    assert (answer.text, answer.text_revised, answer.body["steps"]) == ("Hi", False, [output])


def test_text_in_place_of_a_list_of_items_is_one_item() -> None:
    steps = [{"type": "thought", "summary": "Hm"}, {"type": "model_output", "content": "Hi"}]
    answer = llm.collect(json.dumps({"object": "interaction", "status": "completed", "steps": steps}).encode())
    assert (answer.thinking, answer.text) == ("Hm", "Hi")
    assert [step.get("summary") or step.get("content") for step in answer.body["steps"]] == [
        [{"type": "text", "text": "Hm"}],
        [{"type": "text", "text": "Hi"}],
    ]


# The first version of the API, which has contents in place of steps.
THOUGHT = {"type": "thought", "summary": [{"type": "text", "text": "Hm"}], "signature": "s"}
CALL = {"type": "function_call", "id": "c", "name": "f", "arguments": {"a": 1}}
OUTPUTS = [THOUGHT, {"type": "text", "text": "Hi"}, CALL]


def content(verb: str, index: int, **fields: Any) -> dict[str, Any]:
    return {"event_type": f"content.{verb}", "index": index, **fields}


def contents(*thoughts: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"event_type": "interaction.start", "interaction": interaction("in_progress")},
        content("start", 0, content={"type": "thought"}),
        *(content("delta", 0, delta=thought) for thought in thoughts),
        content("delta", 0, delta={"type": "thought_signature", "signature": "s"}),
        content("stop", 0),
        content("start", 1, content={"type": "text"}),
        content("delta", 1, delta={"type": "text", "text": "H"}),
        content("delta", 1, delta={"type": "text", "text": "i"}),
        content("stop", 1),
        content("delta", 2, delta=CALL),
        content("stop", 2),
    ]


@pytest.mark.parametrize(
    "thoughts",
    [
        [{"type": "thought_summary", "content": {"type": "text", "text": text}} for text in "Hm"],
        [{"type": "thought_summary", "text": "Hm"}],
        [{"type": "thought", "thought": "Hm"}],
    ],
    ids=repr,
)
@pytest.mark.parametrize("outputs", [{}, {"outputs": []}, {"outputs": OUTPUTS}], ids=repr)
def test_contents_in_place_of_steps_are_read(thoughts: list[dict[str, Any]], outputs: dict[str, Any]) -> None:
    last = {"event_type": "interaction.complete", "interaction": interaction("completed", **outputs)}
    answer = read_every_way(b"".join(interaction_events(*contents(*thoughts), last)))
    assert (answer.text, answer.thinking, answer.ending.verdict) == ("Hi", "Hm", "complete")
    [call] = answer.tool_calls
    assert (call.id, call.name, call.arguments, call.incomplete) == ("c", "f", {"a": 1}, False)
    assert (answer.body["outputs"], "steps" in answer.body) == (OUTPUTS, False)


def test_outputs_in_place_of_steps_are_read_of_an_interaction_that_was_not_streamed() -> None:
    body = interaction("completed", outputs=OUTPUTS)
    answer = read_every_way(json.dumps(body).encode())
    assert (answer.text, answer.thinking, [call.arguments for call in answer.tool_calls]) == ("Hi", "Hm", [{"a": 1}])
    assert answer.body["outputs"] == OUTPUTS


def test_a_call_that_comes_without_its_begin_is_there_though_the_reply_is_cut() -> None:
    with pytest.raises(llm.ReplyTruncatedError) as caught:
        llm.collect(iter(interaction_events(BEGUN, {**TEXT, "delta": CALL})))
    assert [call.name for call in caught.value.reply.tool_calls] == ["f"]
