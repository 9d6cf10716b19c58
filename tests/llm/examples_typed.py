"""Replies made by hand of the wires whose frames name their type, and of Gemini: see `examples`."""

from __future__ import annotations

import json
from typing import Any

from llm.example import Example, sse, typed

ANTHROPIC_USAGE = {"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 1}


def message(content: list[Any], reason: str | None, usage: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A message of Anthropic's."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": usage,
        **more,
    }


def block(index: int, begun: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """The frames of one content block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text_delta(text: str) -> dict[str, Any]:
    return {"type": "text_delta", "text": text}


def input_delta(text: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": text}


def stopped(reason: str | None, usage: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


STARTED = {"type": "message_start", "message": message([], None, ANTHROPIC_USAGE)}

ANTHROPIC = [
    Example(
        "anthropic thinks, speaks and calls",
        "anthropic",
        typed(
            STARTED,
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "Let "},
                {"type": "thinking_delta", "thinking": "me"},
                {"type": "signature_delta", "signature": "c2ln"},
            ),
            {"type": "ping"},
            *block(1, {"type": "text", "text": ""}, text_delta("I will"), text_delta(" look.")),
            *block(
                2,
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
                input_delta(""),
                input_delta('{"city": "R'),
                input_delta('ome"}'),
            ),
            *block(3, {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}),
            *stopped("tool_use", {"output_tokens": 30}),
        ),
        message(
            [
                {"type": "thinking", "thinking": "Let me", "signature": "c2ln"},
                {"type": "text", "text": "I will look."},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
                {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
            ],
            "tool_use",
            {"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 30},
        ),
        text="I will look.",
        thinking="Let me",
        calls=[("weather", {"city": "Rome"}), ("now", {})],
        usage={"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 30},
        ends_at=19,
    ),
    Example(
        "anthropic cites, without event lines",
        "anthropic",
        sse(
            STARTED,
            *block(0, {"type": "redacted_thinking", "data": "eA=="}),
            *block(
                1,
                {"type": "text", "text": "", "citations": []},
                {"type": "citations_delta", "citation": {"cited_text": "one"}},
                text_delta("So"),
                {"type": "citations_delta", "citation": {"cited_text": "two"}},
            ),
            *stopped("end_turn", {"output_tokens": 4, "input_tokens": None}, container={"id": "c"}),
        ),
        message(
            [
                {"type": "redacted_thinking", "data": "eA=="},
                {"type": "text", "text": "So", "citations": [{"cited_text": "one"}, {"cited_text": "two"}]},
            ],
            "end_turn",
            {"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 4},
            container={"id": "c"},
        ),
        text="So",
        usage={"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 4},
        ends_at=9,
    ),
]


def response(status: str, output: list[Any], **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "status": status, "error": None, "output": output, **more}


_TEXT_PART = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
_MESSAGE = {"id": "m_1", "type": "message", "status": "completed", "role": "assistant", "content": [_TEXT_PART]}
_THOUGHT = {"id": "r_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Let me"}]}
_CALL = {"id": "f_1", "type": "function_call", "call_id": "call_1", "name": "weather", "status": "completed"}
_OUTPUT = [_THOUGHT, _MESSAGE, {**_CALL, "arguments": '{"city":"Rome"}'}]
_RESPONSE_USAGE = {"input_tokens": 4, "output_tokens": 6, "total_tokens": 10}


def _responses(*, named: bool, terminal: dict[str, Any]) -> list[dict[str, Any]]:
    """A thought, a text and a call; ``named`` as OpenAI says where each delta belongs."""

    def at(index: int, item: str, **more: Any) -> dict[str, Any]:
        return {"item_id": item, **({"output_index": index, **more} if named else {})}

    frames: list[dict[str, Any]] = [
        {"type": "response.created", "response": response("in_progress", [], usage=None)},
        {"type": "response.output_item.added", "output_index": 0, "item": {**_THOUGHT, "summary": []}},
        {"type": "response.reasoning_summary_text.delta", **at(0, "r_1", summary_index=0), "delta": "Let "},
        {"type": "response.reasoning_summary_text.delta", **at(0, "r_1", summary_index=0), "delta": "me"},
        {"type": "response.reasoning_summary_text.done", **at(0, "r_1", summary_index=0), "text": "Let me"},
        {"type": "response.output_item.done", "output_index": 0, "item": _THOUGHT},
        {"type": "response.output_item.added", "output_index": 1, "item": {**_MESSAGE, "content": []}},
        {
            "type": "response.content_part.added",
            **at(1, "m_1", content_index=0),
            "part": {**_TEXT_PART, "text": ""},
        },
        {"type": "response.output_text.delta", **at(1, "m_1", content_index=0), "delta": "Hel"},
        {"type": "response.output_text.delta", **at(1, "m_1", content_index=0), "delta": "lo"},
        {"type": "response.output_text.done", **at(1, "m_1", content_index=0), "text": "Hello"},
        {"type": "response.content_part.done", **at(1, "m_1", content_index=0), "part": _TEXT_PART},
        {"type": "response.output_item.done", "output_index": 1, "item": _MESSAGE},
        {"type": "response.output_item.added", "output_index": 2, "item": {**_CALL, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", **at(2, "f_1"), "delta": '{"city":'},
        {"type": "response.function_call_arguments.delta", **at(2, "f_1"), "delta": '"Rome"}'},
        {"type": "response.function_call_arguments.done", **at(2, "f_1"), "arguments": '{"city":"Rome"}'},
        {"type": "response.output_item.done", "output_index": 2, "item": _OUTPUT[2]},
        {"type": "response.completed", "response": terminal},
    ]
    return [{**frame, **({"sequence_number": number} if named else {})} for number, frame in enumerate(frames)]


_WHOLE = response("completed", _OUTPUT, usage=_RESPONSE_USAGE)

RESPONSES = [
    Example(
        "responses with a thought, a text and a call",
        "openai-responses",
        typed(*_responses(named=True, terminal=_WHOLE)),
        _WHOLE,
        text="Hello",
        thinking="Let me",
        calls=[("weather", {"city": "Rome"})],
        usage=_RESPONSE_USAGE,
        ends_at=19,
    ),
    Example(
        "responses without indexes, and with nothing in the last event",
        "openai-responses",
        typed(*_responses(named=False, terminal={**_WHOLE, "output": None})),
        _WHOLE,
        text="Hello",
        thinking="Let me",
        calls=[("weather", {"city": "Rome"})],
        usage=_RESPONSE_USAGE,
        ends_at=19,
    ),
    Example(
        "responses cut by their own limit",
        "openai-responses",
        typed(
            {"type": "response.created", "response": response("in_progress", [])},
            {"type": "response.output_text.delta", "item_id": "m_1", "delta": "Hello"},
            {
                "type": "response.incomplete",
                "response": response("incomplete", [_MESSAGE], incomplete_details={"reason": "max_output_tokens"}),
            },
        ),
        response("incomplete", [_MESSAGE], incomplete_details={"reason": "max_output_tokens"}),
        text="Hello",
        ends_at=3,
    ),
]

_GEMINI_USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}


def gemini_frame(parts: list[Any] | None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": index}
    if parts is not None:
        candidate["content"] = {"role": "model", "parts": parts}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "g-1", "responseId": "r", **more}


_GEMINI = [
    gemini_frame([{"text": "Hm", "thought": True}], usageMetadata={"promptTokenCount": 5}),
    gemini_frame([{"text": "m", "thought": True}]),
    gemini_frame([{"text": "Go"}]),
    gemini_frame([{"text": "od"}, {"functionCall": {"name": "weather", "args": {"city": "Rome"}}}]),
    gemini_frame([{"text": "", "thoughtSignature": "c2ln"}], "STOP", usageMetadata=_GEMINI_USAGE),
]
_GEMINI_BODY = gemini_frame(
    [
        {"text": "Hmm", "thought": True},
        {"text": "Good"},
        {"functionCall": {"name": "weather", "args": {"city": "Rome"}}},
        {"text": "", "thoughtSignature": "c2ln"},
    ],
    "STOP",
    usageMetadata=_GEMINI_USAGE,
)


def json_array(frames: list[Any]) -> list[bytes]:
    """As Google's servers write it: the brackets and commas by themselves, all over several lines."""
    whole = [json.dumps(frame, indent=2).replace("\n", "\r\n").encode() for frame in frames]
    return [(b"[" if number == 0 else b",\r\n") + frame + b"\n" for number, frame in enumerate(whole)]


_PATHS: list[dict[str, Any]] = [
    {"name": "trip", "willContinue": True},
    {"partialArgs": [{"jsonPath": "$.to[0].city", "stringValue": "Ro", "willContinue": True}], "willContinue": True},
    {"partialArgs": [{"jsonPath": "$.to[0].city", "stringValue": "me"}], "willContinue": True},
    {"partialArgs": [{"jsonPath": "$.to[1]['a b']", "numberValue": 2}], "willContinue": True},
    {"partialArgs": [{"jsonPath": "$.ok", "boolValue": True}, {"jsonPath": "$.no", "nullValue": None}]},
]
_TRIP = {"to": [{"city": "Rome"}, {"a b": 2}], "ok": True, "no": None}

GEMINI = [
    Example(
        "gemini events, with CRLF",
        "gemini",
        sse(*_GEMINI, end=b"\r\n"),
        _GEMINI_BODY,
        text="Good",
        thinking="Hmm",
        calls=[("weather", {"city": "Rome"})],
        usage=_GEMINI_USAGE,
        ends_at=5,
    ),
    Example(
        "gemini as one array",
        "gemini",
        [*json_array(_GEMINI), b"]"],
        _GEMINI_BODY,
        text="Good",
        thinking="Hmm",
        calls=[("weather", {"city": "Rome"})],
        usage=_GEMINI_USAGE,
        ends_at=5,
    ),
    Example(
        "gemini arguments path by path, without an end",
        "gemini",
        sse(
            *(gemini_frame([{"functionCall": call}]) for call in _PATHS),
            gemini_frame(None, "STOP"),
            end=b"\r\n",
        ),
        gemini_frame([{"functionCall": {"name": "trip", "args": _TRIP}}], "STOP"),
        calls=[("trip", _TRIP)],
        ends_at=6,
    ),
    Example(
        "gemini with an empty call at the end of each call",
        "gemini",
        sse(
            *(gemini_frame([{"functionCall": call}]) for call in (*_PATHS[:-1], {**_PATHS[-1], "willContinue": True})),
            gemini_frame([{"functionCall": {}}]),
            gemini_frame([{"functionCall": {"name": "none", "args": {}}}], "STOP"),
            end=b"\r\n",
        ),
        gemini_frame(
            [{"functionCall": {"name": "trip", "args": _TRIP}}, {"functionCall": {"name": "none", "args": {}}}], "STOP"
        ),
        calls=[("trip", _TRIP), ("none", {})],
        ends_at=7,
    ),
    Example(
        "gemini prompt that is blocked",
        "gemini",
        sse({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "g-1"}, end=b"\r\n"),
        {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "g-1"},
        ends_at=1,
    ),
]

_COHERE_USAGE = {"billed_units": {"input_tokens": 3.0}, "tokens": {"input_tokens": 70.0, "output_tokens": 9.0}}


def cohere_frame(kind: str, index: int | None = None, **inner: Any) -> dict[str, Any]:
    frame: dict[str, Any] = {"type": kind}
    if index is not None:
        frame["index"] = index
    if inner:
        frame["delta"] = {"message": inner}
    return frame


COHERE = [
    Example(
        "cohere thinks, speaks and cites",
        "cohere",
        typed(
            {
                "type": "message-start",
                "id": "co_1",
                "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}},
            },
            cohere_frame("content-start", 0, content={"type": "thinking", "thinking": ""}),
            cohere_frame("content-delta", 0, content={"thinking": "Hm"}),
            cohere_frame("content-end", 0),
            cohere_frame("content-start", 1, content={"type": "text", "text": ""}),
            cohere_frame("content-delta", 1, content={"text": "He"}),
            cohere_frame("content-delta", 1, content={"text": "y"}),
            cohere_frame("content-end", 1),
            cohere_frame("citation-start", 0, citations={"start": 0, "end": 3, "text": "Hey"}),
            {"type": "citation-end", "index": 0},
            {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": _COHERE_USAGE}},
        ),
        {
            "id": "co_1",
            "finish_reason": "COMPLETE",
            "message": {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hey"}],
                "citations": [{"start": 0, "end": 3, "text": "Hey"}],
            },
            "usage": _COHERE_USAGE,
        },
        text="Hey",
        thinking="Hm",
        usage=_COHERE_USAGE,
        ends_at=11,
    ),
    Example(
        "cohere plans and calls",
        "cohere",
        typed(
            {"type": "message-start", "id": "co_2", "delta": {"message": {"role": "assistant"}}},
            cohere_frame("tool-plan-delta", tool_plan="I "),
            cohere_frame("tool-plan-delta", tool_plan="look"),
            *(
                frame
                for index, name in enumerate(("weather", "now"))
                for frame in (
                    cohere_frame(
                        "tool-call-start",
                        index,
                        tool_calls={
                            "id": f"{name}_1",
                            "type": "function",
                            "function": {"name": name, "arguments": ""},
                        },
                    ),
                    cohere_frame("tool-call-delta", index, tool_calls={"function": {"arguments": '{"a":'}}),
                    cohere_frame("tool-call-delta", index, tool_calls={"function": {"arguments": f"{index}}}"}}),
                    cohere_frame("tool-call-end", index),
                )
            ),
            {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": _COHERE_USAGE}},
        ),
        {
            "id": "co_2",
            "finish_reason": "TOOL_CALL",
            "message": {
                "role": "assistant",
                "tool_plan": "I look",
                "tool_calls": [
                    {"id": "weather_1", "type": "function", "function": {"name": "weather", "arguments": '{"a":0}'}},
                    {"id": "now_1", "type": "function", "function": {"name": "now", "arguments": '{"a":1}'}},
                ],
            },
            "usage": _COHERE_USAGE,
        },
        thinking="I look",
        calls=[("weather", {"a": 0}), ("now", {"a": 1})],
        usage=_COHERE_USAGE,
        ends_at=12,
    ),
]

_STATS = {
    "input_tokens": 20,
    "total_output_tokens": 8,
    "reasoning_output_tokens": 3,
    "tokens_per_second": 43.5,
    "time_to_first_token_seconds": 0.25,
}
_LM_OUTPUT = [
    {"type": "reasoning", "content": "Hmm"},
    {"type": "tool_call", "tool": "search", "arguments": {"q": "x"}, "output": "[]", "provider_info": {"type": "mcp"}},
    {"type": "message", "content": "Hey"},
]
_LM_RESULT = {"model_instance_id": "m", "output": _LM_OUTPUT, "stats": _STATS, "response_id": "resp_1"}
LM_STUDIO_FRAMES: list[dict[str, Any]] = [
    {"type": "chat.start", "model_instance_id": "m"},
    {"type": "model_load.start", "model_instance_id": "m"},
    {"type": "model_load.progress", "model_instance_id": "m", "progress": 0.5},
    {"type": "model_load.end", "model_instance_id": "m", "load_time_seconds": 1.5},
    {"type": "prompt_processing.start"},
    {"type": "prompt_processing.end"},
    {"type": "reasoning.start"},
    {"type": "reasoning.delta", "content": "Hm"},
    {"type": "reasoning.delta", "content": "m"},
    {"type": "reasoning.end"},
    {"type": "tool_call.start", "tool": "search", "provider_info": {"type": "mcp"}},
    {"type": "tool_call.arguments", "tool": "search", "arguments": {"q": "x"}, "provider_info": {"type": "mcp"}},
    {"type": "tool_call.success", "tool": "search", "arguments": {"q": "x"}, "output": "[]"},
    {"type": "message.start"},
    {"type": "message.delta", "content": "He"},
    {"type": "message.delta", "content": "y"},
    {"type": "message.end"},
    {"type": "chat.end", "result": _LM_RESULT},
]

LM_STUDIO = [
    Example(
        "lm studio's own",
        "lm-studio",
        typed(*LM_STUDIO_FRAMES),
        _LM_RESULT,
        text="Hey",
        thinking="Hmm",
        calls=[("search", {"q": "x"})],
        usage=_STATS,
        ends_at=18,
    )
]


def _tgi(index: int, text: str, special: bool = False, **more: Any) -> dict[str, Any]:
    token = {"id": index, "text": text, "logprob": -0.5, "special": special}
    return {"index": index, "token": token, "generated_text": None, "details": None, **more}


_TGI_DETAILS = {"finish_reason": "eos_token", "generated_tokens": 3, "seed": None, "input_length": 4}
_TGI_FRAMES = [
    _tgi(1, "He"),
    _tgi(2, "y"),
    _tgi(3, "</s>", special=True, generated_text="Hey", details=_TGI_DETAILS),
]

TGI = [
    Example(
        "tgi's own, without a space behind data",
        "tgi",
        [f"data:{json.dumps(frame)}\n\n".encode() for frame in _TGI_FRAMES],
        {"generated_text": "Hey", "details": {**_TGI_DETAILS, "tokens": [frame["token"] for frame in _TGI_FRAMES]}},
        text="Hey",
        usage={"generated_tokens": 3},
        ends_at=3,
    )
]

_TIMINGS = {"prompt_n": 4, "prompt_ms": 8.0, "predicted_n": 2, "predicted_ms": 40.0, "predicted_per_second": 50.0}

LLAMA_CPP = [
    Example(
        "llama.cpp's own",
        "llama-cpp",
        sse(
            {"index": 0, "content": "He", "tokens": [7], "stop": False, "id_slot": 0},
            {"index": 0, "content": "y", "tokens": [8], "stop": False, "id_slot": 0},
            {
                "index": 0,
                "content": "",
                "tokens": [],
                "stop": True,
                "id_slot": 0,
                "tokens_predicted": 2,
                "tokens_evaluated": 4,
                "stop_type": "eos",
                "timings": _TIMINGS,
            },
        ),
        {
            "index": 0,
            "content": "Hey",
            "tokens": [],
            "stop": True,
            "id_slot": 0,
            "tokens_predicted": 2,
            "tokens_evaluated": 4,
            "stop_type": "eos",
            "timings": _TIMINGS,
        },
        text="Hey",
        usage={"tokens_evaluated": 4, "tokens_predicted": 2},
        ends_at=3,
    )
]

TYPED = [*ANTHROPIC, *RESPONSES, *GEMINI, *COHERE, *LM_STUDIO, *TGI, *LLAMA_CPP]
