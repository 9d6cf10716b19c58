"""Gemini's Interactions: ways to fail, and steps that are no text."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
