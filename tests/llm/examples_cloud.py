"""Replies made by hand of the clouds' own formats: see `examples`."""

from __future__ import annotations

import json
from typing import Any

from llm.example import DONE, Example, lines, sse


def interaction(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "v1_1", "status": status, "object": "interaction", "model": "gemini-x", **more}


def interaction_events(*frames: dict[str, Any]) -> list[bytes]:
    return [f"event: {frame['event_type']}\ndata: {json.dumps(frame)}\n\n".encode() for frame in frames]


def interaction_step(index: int, begun: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"index": index, "step": begun, "event_type": "step.start"},
        *({"index": index, "delta": delta, "event_type": "step.delta"} for delta in deltas),
        {"index": index, "event_type": "step.stop"},
    ]


_INTERACTION_USAGE = {
    "total_tokens": 33,
    "total_input_tokens": 7,
    "total_cached_tokens": 2,
    "total_output_tokens": 6,
    "total_thought_tokens": 20,
}

INTERACTIONS = [
    Example(
        "an interaction that thinks, searches, speaks and calls",
        "gemini-interactions",
        interaction_events(
            {"interaction": interaction("in_progress"), "event_type": "interaction.created"},
            {"interaction_id": "v1_1", "status": "in_progress", "event_type": "interaction.status_update"},
            *interaction_step(
                0,
                {"type": "thought"},
                {"type": "thought_summary", "content": {"type": "text", "text": "Let "}},
                {"type": "thought_summary", "content": {"type": "text", "text": "me"}},
                {"type": "thought_signature", "signature": "c2ln"},
            ),
            *interaction_step(
                1,
                {"type": "google_search_call", "id": "g", "signature": ""},
                {"type": "google_search_call", "arguments": {"queries": ["rome"]}},
            ),
            *interaction_step(
                2,
                {"type": "google_search_result", "call_id": "g", "signature": ""},
                {"type": "google_search_result", "result": [{"title": "t"}], "is_error": False},
            ),
            *interaction_step(
                3,
                {"type": "model_output"},
                {"type": "text", "text": "Sun"},
                {"type": "text", "text": "ny"},
                {"type": "text_annotation_delta", "annotations": [{"type": "url_citation", "start_index": 0}]},
            ),
            *interaction_step(
                4,
                {"type": "function_call", "id": "f", "name": "weather", "arguments": {}, "signature": ""},
                {"type": "arguments_delta", "arguments": '{"city":'},
                {"type": "arguments_delta", "arguments": '"Rome"}'},
            ),
            {
                "interaction": interaction("requires_action", usage=_INTERACTION_USAGE),
                "event_type": "interaction.completed",
            },
        ),
        interaction(
            "requires_action",
            steps=[
                {"type": "thought", "signature": "c2ln", "summary": [{"type": "text", "text": "Let me"}]},
                {"type": "google_search_call", "id": "g", "signature": "", "arguments": {"queries": ["rome"]}},
                {
                    "type": "google_search_result",
                    "call_id": "g",
                    "signature": "",
                    "result": [{"title": "t"}],
                    "is_error": False,
                },
                {
                    "type": "model_output",
                    "content": [
                        {
                            "type": "text",
                            "text": "Sunny",
                            "annotations": [{"type": "url_citation", "start_index": 0}],
                        }
                    ],
                },
                {"type": "function_call", "id": "f", "name": "weather", "arguments": {"city": "Rome"}, "signature": ""},
            ],
            usage=_INTERACTION_USAGE,
        ),
        text="Sunny",
        thinking="Let me",
        calls=[("google_search", {"queries": ["rome"]}), ("weather", {"city": "Rome"})],
        usage=_INTERACTION_USAGE,
        ends_at=23,
    ),
    Example(
        "an interaction whose steps come with its end",
        "gemini-interactions",
        sse(
            {"interaction": interaction("in_progress"), "event_type": "interaction.created"},
            {
                "interaction": interaction(
                    "completed", steps=[{"type": "model_output", "content": [{"type": "text", "text": "Hi"}]}]
                ),
                "event_type": "interaction.completed",
            },
        ),
        interaction("completed", steps=[{"type": "model_output", "content": [{"type": "text", "text": "Hi"}]}]),
        text="Hi",
        ends_at=2,
    ),
]

_CONVERSE_USAGE = {"inputTokens": 5, "outputTokens": 9, "totalTokens": 14}


def converse_delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}


def converse_stop(index: int) -> dict[str, Any]:
    return {"contentBlockStop": {"contentBlockIndex": index}}


CONVERSE = [
    Example(
        "converse thinks, speaks, cites and calls",
        "bedrock-converse",
        lines(
            {"messageStart": {"role": "assistant"}},
            converse_delta(0, reasoningContent={"text": "Let "}),
            converse_delta(0, reasoningContent={"text": "me"}),
            converse_delta(0, reasoningContent={"signature": "c2ln"}),
            converse_stop(0),
            converse_delta(1, text="I will"),
            converse_delta(1, text=" look."),
            converse_stop(1),
            converse_delta(2, text="So"),
            converse_delta(2, citation={"title": "t"}),
            converse_stop(2),
            {"contentBlockStart": {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "t1", "name": "w"}}}},
            converse_delta(3, toolUse={"input": '{"city":'}),
            converse_delta(3, toolUse={"input": '"Rome"}'}),
            converse_stop(3),
            {"messageStop": {"stopReason": "tool_use"}},
            {"metadata": {"usage": _CONVERSE_USAGE, "metrics": {"latencyMs": 20}}},
        ),
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [
                        {"reasoningContent": {"reasoningText": {"text": "Let me", "signature": "c2ln"}}},
                        {"text": "I will look."},
                        {"citationsContent": {"content": [{"text": "So"}], "citations": [{"title": "t"}]}},
                        {"toolUse": {"toolUseId": "t1", "name": "w", "input": {"city": "Rome"}}},
                    ],
                }
            },
            "stopReason": "tool_use",
            "usage": _CONVERSE_USAGE,
            "metrics": {"latencyMs": 20},
        },
        text="I will look.So",
        thinking="Let me",
        calls=[("w", {"city": "Rome"})],
        usage=_CONVERSE_USAGE,
        ends_at=16,
    ),
]

_WORKERS_USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}

WORKERS_AI = [
    Example(
        "workers ai with padding and a last frame for its counts",
        "workers-ai",
        [
            *sse(
                {"response": "Hel", "p": "abcdef"},
                {"response": "lo", "p": "ab"},
                {"response": "", "tool_calls": [{"name": "now", "arguments": {"zone": "CET"}}]},
                {"response": "", "usage": _WORKERS_USAGE},
            ),
            DONE,
        ],
        {"response": "Hello", "tool_calls": [{"name": "now", "arguments": {"zone": "CET"}}], "usage": _WORKERS_USAGE},
        text="Hello",
        calls=[("now", {"zone": "CET"})],
        usage=_WORKERS_USAGE,
        ends_at=5,
    ),
]

CLOUD = [*INTERACTIONS, *CONVERSE, *WORKERS_AI]
