"""Events of AG-UI, one by one."""

from __future__ import annotations

from typing import Any

from ndstream.serving import AGUITarget
from serving.made_replies import call, chunk, reply
from serving.relaying import relayed

from .reading import payloads

RUN = {"threadId": "t", "runId": "r"}
STARTED = {"type": "RUN_STARTED", **RUN, "protocolVersion": "1.0"}
USAGE = [{"model": "tiny", "inputTokens": 3, "outputTokens": 2, "totalTokens": 5}]


def events(*upstream: bytes, stop: bool = False) -> list[Any]:
    """The events, with the ids of messages numbered in the order in which they come."""
    relay = relayed(upstream, AGUITarget(thread_id="t", run_id="r"))
    told = next(relay) if stop else b""
    if stop:
        relay.abort()
    told += b"".join(relay)
    numbers: dict[str, int] = {}
    found = payloads(told)
    for event in found:
        for key in ("messageId", "parentMessageId"):
            if key in event:
                event[key] = numbers.setdefault(event[key], len(numbers))
    return found


def finished(reason: str, **outcome: Any) -> dict[str, Any]:
    outcome = {"type": "success", **outcome}
    return {"type": "RUN_FINISHED", **RUN, "result": {"finishReason": reason}, "outcome": outcome, "usage": USAGE}


def test_each_run_of_text_is_a_message_and_calls_belong_to_the_last_one() -> None:
    frames = [
        chunk(thinking="hm"),
        chunk(text="a"),
        chunk(calls=[call(0, "c1", "f", '{"a":1}')]),
        chunk(text="b"),
        chunk(calls=[call(1, "c2", "g", "{}")]),
    ]
    assert events(reply(*frames, reason="tool_calls")) == [
        STARTED,
        {"type": "REASONING_START", "messageId": 0},
        {"type": "REASONING_MESSAGE_START", "messageId": 0, "role": "reasoning"},
        {"type": "REASONING_MESSAGE_CONTENT", "messageId": 0, "delta": "hm"},
        {"type": "REASONING_MESSAGE_END", "messageId": 0},
        {"type": "REASONING_END", "messageId": 0},
        {"type": "TEXT_MESSAGE_START", "messageId": 1, "role": "assistant"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": 1, "delta": "a"},
        {"type": "TEXT_MESSAGE_END", "messageId": 1},
        {"type": "TOOL_CALL_START", "toolCallId": "c1", "toolCallName": "f", "parentMessageId": 1},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c1", "delta": '{"a":1}'},
        {"type": "TOOL_CALL_END", "toolCallId": "c1"},
        {"type": "TEXT_MESSAGE_START", "messageId": 2, "role": "assistant"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": 2, "delta": "b"},
        {"type": "TEXT_MESSAGE_END", "messageId": 2},
        {"type": "TOOL_CALL_START", "toolCallId": "c2", "toolCallName": "g", "parentMessageId": 2},
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c2", "delta": "{}"},
        {"type": "TOOL_CALL_END", "toolCallId": "c2"},
        finished("tool_calls", pendingToolCallIds=["c1", "c2"]),
    ]


def test_a_call_without_a_text_before_it_has_a_message_of_its_own() -> None:
    told = events(reply(chunk(calls=[call(0, "c1", "f", "{}")]), chunk(text="a")))
    parents = {event["parentMessageId"] for event in told if "parentMessageId" in event}
    messages = {event["messageId"] for event in told if event["type"] == "TEXT_MESSAGE_START"}
    assert len(parents) == 1
    assert parents.isdisjoint(messages)


def test_a_cut_is_an_error_of_the_run_and_a_call_that_it_cut_is_not_ended() -> None:
    error = {"type": "RUN_ERROR", "message": "the upstream ended before its stream was complete", "code": "truncated"}
    assert events(chunk(text="a"))[-2:] == [{"type": "TEXT_MESSAGE_END", "messageId": 0}, error]
    assert events(chunk(calls=[call(0, "c1", "f", '{"a"')]))[-2:] == [
        {"type": "TOOL_CALL_ARGS", "toolCallId": "c1", "delta": '{"a"'},
        error,
    ]


def test_a_run_that_is_stopped_is_cancelled() -> None:
    assert events(chunk(text="a"), chunk(text="b"), stop=True)[-1] == {
        "type": "RUN_FINISHED",
        **RUN,
        "outcome": {"type": "cancelled"},
    }


def test_a_run_that_is_stopped_in_a_call_is_an_error_since_it_cannot_finish() -> None:
    assert events(chunk(calls=[call(0, "c1", "f", '{"a"')]), chunk(text="b"), stop=True)[-1] == {
        "type": "RUN_ERROR",
        "message": "the reply was stopped in the middle of a tool call",
        "code": "cancelled",
    }
