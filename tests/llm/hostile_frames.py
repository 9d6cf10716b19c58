"""Frames of every type that a wire knows, numbered, so that a stream of any length and order can be made of them.

Each is well-formed by itself. ``frames_of(wire)`` maps a name to a function from a number to a frame: the frame opens
something new for each number, or goes on with the same thing, as its name says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Frame = Callable[[int], Any]


def _chat(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": finish, **more}]}


def _call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, **more, "function": {"arguments": arguments}}]}


def _block(number: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"content_block_{kind}", "index": number, **more}


def _candidate(parts: list[Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": parts}, **more}]}


def _response(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **more}


def _cohere(kind: str, index: int, **message: Any) -> dict[str, Any]:
    return {"type": kind, "index": index, "delta": {"message": message}}


_PATH = {"jsonPath": "$.a", "stringValue": "x", "willContinue": True}

FRAMES: dict[str, dict[str, Frame]] = {
    "openai-chat": {
        "text": lambda n: _chat({"content": "a"}),
        "thoughts": lambda n: _chat({"reasoning_content": "a"}),
        "parts": lambda n: _chat({"content": [{"type": "text", "text": "a"}]}),
        "odd parts": lambda n: _chat({"content": [{"type": "image", "n": n}]}),
        "details": lambda n: _chat({"reasoning_details": [{"type": "reasoning.text", "text": "a", "index": n}]}),
        "detail": lambda n: _chat({"reasoning_details": [{"type": "reasoning.text", "text": "a", "id": f"{n}"}]}),
        "log probabilities": lambda n: _chat({"content": "a"}, logprobs={"content": [{"token": "a"}]}),
        "token numbers": lambda n: _chat({"content": "a"}, token_ids=[n]),
        "new calls": lambda n: _chat(_call(n, "", id=f"c{n}")),
        "calls by name": lambda n: _chat({"tool_calls": [{"function": {"name": f"f{n}", "arguments": "{}"}}]}),
        "arguments": lambda n: _chat(_call(0, "1")),
        "whole arguments": lambda n: _chat(_call(0, '{"a":1}')),
        "nothing": lambda n: _chat(_call(0, "{}")),
        "the old call": lambda n: _chat({"function_call": {"arguments": "1"}}),
        "ends": lambda n: _chat({}, "stop"),
        "cuts": lambda n: _chat(_call(0, "1"), "length"),
        "whole messages": lambda n: {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]},
        "usage": lambda n: {"choices": [], "usage": {"prompt_tokens": n}},
        "new fields": lambda n: {**_chat({}), f"field{n}": n},
        "errors": lambda n: {"error": {"message": f"no {n}"}},
        "audio": lambda n: _chat({"audio": {"data": "aaaa", "transcript": "a"}}),
    },
    "anthropic": {
        "starts": lambda n: {"type": "message_start", "message": {"id": "m", "content": []}},
        "new blocks": lambda n: _block(n, "start", content_block={"type": "text", "text": ""}),
        "new calls": lambda n: _block(n, "start", content_block={"type": "tool_use", "id": f"t{n}", "name": "f"}),
        "starts of one": lambda n: _block(0, "start", content_block={"type": "text", "text": "a"}),
        "starts of one kind and another": lambda n: _block(0, "start", content_block={"type": f"kind{n % 2}", "n": n}),
        "new calls in one place": lambda n: _block(0, "start", content_block={"type": "tool_use", "id": f"t{n}"}),
        "text": lambda n: _block(0, "delta", delta={"type": "text_delta", "text": "a"}),
        "text anywhere": lambda n: _block(n, "delta", delta={"type": "text_delta", "text": "a"}),
        "text backwards": lambda n: _block(100_000 - n, "delta", delta={"type": "text_delta", "text": "a"}),
        "thoughts": lambda n: _block(n, "delta", delta={"type": "thinking_delta", "thinking": "a"}),
        "arguments": lambda n: _block(0, "delta", delta={"type": "input_json_delta", "partial_json": "1"}),
        "citations": lambda n: _block(0, "delta", delta={"type": "citations_delta", "citation": {"n": n}}),
        "signatures": lambda n: _block(0, "delta", delta={"type": "signature_delta", "signature": "x"}),
        "stops": lambda n: _block(n, "stop"),
        "stops of one": lambda n: _block(0, "stop"),
        "cuts": lambda n: {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
        "ends": lambda n: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"n": n}},
        "last frames": lambda n: {"type": "message_stop"},
    },
    "openai-responses": {
        "starts": lambda n: _response("created", response={"id": "r", "output": []}),
        "new items": lambda n: _response("output_item.added", output_index=n, item={"type": "message", "id": f"i{n}"}),
        "new calls": lambda n: _response(
            "output_item.added", output_index=n, item={"type": "function_call", "id": f"i{n}", "name": "f"}
        ),
        "text": lambda n: _response("output_text.delta", output_index=0, content_index=0, delta="a"),
        "text anywhere": lambda n: _response("output_text.delta", output_index=n, content_index=0, delta="a"),
        "text in new parts": lambda n: _response("output_text.delta", output_index=0, content_index=n, delta="a"),
        "thoughts": lambda n: _response("reasoning_summary_text.delta", output_index=1, summary_index=n, delta="a"),
        "arguments": lambda n: _response("function_call_arguments.delta", output_index=2, delta="1"),
        "whole arguments": lambda n: _response("function_call_arguments.done", output_index=2, arguments="{}"),
        "whole texts": lambda n: _response("output_text.done", output_index=0, content_index=n, text="a"),
        "whole parts": lambda n: _response(
            "content_part.done", output_index=0, content_index=n, part={"type": "output_text", "text": "a"}
        ),
        "items end": lambda n: _response("output_item.done", output_index=0, item={"type": "message", "id": "i0"}),
        "annotations": lambda n: _response("output_text.annotation.added", output_index=0, annotation={"n": n}),
        "ends": lambda n: _response("completed", response={"id": "r", "output": []}),
        "states": lambda n: _response("in_progress", response={"id": "r"}),
    },
    "gemini": {
        "text": lambda n: _candidate([{"text": "a"}]),
        "thoughts": lambda n: _candidate([{"text": "a", "thought": True}]),
        "signed": lambda n: _candidate([{"text": "a", "thoughtSignature": "x"}]),
        "calls": lambda n: _candidate([{"functionCall": {"name": "f", "args": {"n": n}}}]),
        "paths": lambda n: _candidate([{"functionCall": {"partialArgs": [_PATH], "willContinue": True}}]),
        "new paths": lambda n: _candidate(
            [{"functionCall": {"partialArgs": [{"jsonPath": f"$.a[{n}]", "numberValue": 1}], "willContinue": True}}]
        ),
        "begins of a call": lambda n: _candidate([{"functionCall": {"name": "f", "willContinue": True}}]),
        "other parts": lambda n: _candidate([{"executableCode": {"code": "x"}}]),
        "ends": lambda n: _candidate([], finishReason="STOP"),
        "cuts": lambda n: _candidate([], finishReason="MAX_TOKENS"),
        "log probabilities": lambda n: _candidate([], logprobsResult={"chosenCandidates": [{"token": "a"}]}),
        "usage": lambda n: {"usageMetadata": {"promptTokenCount": n}},
    },
    "gemini-interactions": {
        "starts": lambda n: {"event_type": "interaction.created", "interaction": {"id": "v"}},
        "new outputs": lambda n: {"event_type": "step.start", "index": n, "step": {"type": "model_output"}},
        "new calls": lambda n: {
            "event_type": "step.start",
            "index": n,
            "step": {"type": "function_call", "id": f"{n}"},
        },
        "new calls in one place": lambda n: {
            "event_type": "step.start",
            "index": 0,
            "step": {"type": "function_call", "id": f"{n}"},
        },
        "text": lambda n: {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "a"}},
        "text anywhere": lambda n: {"event_type": "step.delta", "index": n, "delta": {"type": "text", "text": "a"}},
        "images": lambda n: {"event_type": "step.delta", "index": 0, "delta": {"type": "image", "data": "a"}},
        "arguments": lambda n: {
            "event_type": "step.delta",
            "index": 0,
            "delta": {"type": "arguments_delta", "arguments": "1"},
        },
        "stops": lambda n: {"event_type": "step.stop", "index": n},
        "stops of one": lambda n: {"event_type": "step.stop", "index": 0},
        "states": lambda n: {"event_type": "interaction.status_update", "status": "incomplete"},
        "ends": lambda n: {"event_type": "interaction.completed", "interaction": {"status": "completed"}},
        "steps at the end": lambda n: {
            "event_type": "interaction.completed",
            "interaction": {"status": "completed", "steps": [{"type": "model_output", "content": []}]},
        },
    },
    "bedrock-converse": {
        "starts": lambda n: {"messageStart": {"role": "assistant"}},
        "new calls": lambda n: {
            "contentBlockStart": {"contentBlockIndex": n, "start": {"toolUse": {"toolUseId": f"{n}", "name": "f"}}}
        },
        "new calls in one place": lambda n: {
            "contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": f"{n}", "name": "f"}}}
        },
        "answers": lambda n: {"output": {"message": {"content": [{"text": f"a{n}"}]}}, "stopReason": "end_turn"},
        "text": lambda n: {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "a"}}},
        "text anywhere": lambda n: {"contentBlockDelta": {"contentBlockIndex": n, "delta": {"text": "a"}}},
        "arguments": lambda n: {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "1"}}}},
        "results": lambda n: {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"toolResult": [{"text": "a"}]}}},
        "citations": lambda n: {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"citation": {"n": n}}}},
        "stops": lambda n: {"contentBlockStop": {"contentBlockIndex": n}},
        "stops of one": lambda n: {"contentBlockStop": {"contentBlockIndex": 0}},
        "ends": lambda n: {"messageStop": {"stopReason": "end_turn"}},
        "cuts": lambda n: {"messageStop": {"stopReason": "max_tokens"}},
        "metadata": lambda n: {"metadata": {"usage": {"inputTokens": n}}, "messageStop": {}},
    },
    "workers-ai": {
        "text": lambda n: {"response": "a"},
        "calls": lambda n: {"response": "", "tool_calls": [{"name": "f", "arguments": {}}]},
        "usage": lambda n: {"response": "", "usage": {"prompt_tokens": n}},
        "new fields": lambda n: {"response": "", f"field{n}": n},
    },
    "ollama-chat": {
        "text": lambda n: {"model": "m", "created_at": "t", "message": {"role": "a", "content": "a"}, "done": False},
        "thoughts": lambda n: {"message": {"content": "", "thinking": "a"}, "done": False},
        "calls": lambda n: {"message": {"content": "", "tool_calls": [{"function": {"name": "f"}}]}, "done": False},
        "log probabilities": lambda n: {"message": {"content": ""}, "logprobs": [{"token": "a"}], "done": False},
        "ends": lambda n: {"message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": n},
    },
    "ollama-generate": {
        "text": lambda n: {"model": "m", "created_at": "t", "response": "a", "done": False},
        "null": lambda n: {"response": None, "created_at": "t", "done": False},
        "ends": lambda n: {"response": "", "done": True, "done_reason": "stop", "context": [1]},
    },
    "ollama-progress": {
        "layers": lambda n: {"status": "pulling", "digest": f"sha256:{n}", "total": 10, "completed": 1},
        "one layer": lambda n: {"status": "pulling", "digest": "sha256:0", "total": 100_000, "completed": n},
        "ends": lambda n: {"status": "success"},
    },
    "cohere": {
        "starts": lambda n: {"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}},
        "text": lambda n: _cohere("content-delta", 0, content={"text": "a"}),
        "text anywhere": lambda n: _cohere("content-delta", n, content={"text": "a"}),
        "plans": lambda n: _cohere("tool-plan-delta", 0, tool_plan="a"),
        "new calls": lambda n: _cohere("tool-call-start", n, tool_calls={"id": f"c{n}", "function": {"name": "f"}}),
        "arguments": lambda n: _cohere("tool-call-delta", 0, tool_calls={"function": {"arguments": "1"}}),
        "calls end": lambda n: {"type": "tool-call-end", "index": n},
        "one call ends": lambda n: {"type": "tool-call-end", "index": 0},
        "citations": lambda n: _cohere("citation-start", n, citations={"n": n}),
        "ends": lambda n: {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
        "cuts": lambda n: {"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS"}},
    },
    "lm-studio": {
        "starts": lambda n: {"type": "chat.start", "model_instance_id": "m"},
        "messages": lambda n: {"type": "message.start"},
        "text": lambda n: {"type": "message.delta", "content": "a"},
        "thoughts": lambda n: {"type": "reasoning.delta", "content": "a"},
        "new calls": lambda n: {"type": "tool_call.start", "tool": "f"},
        "names": lambda n: {"type": "tool_call.name", "tool": "f"},
        "arguments": lambda n: {"type": "tool_call.arguments", "arguments": {"n": n}},
        "results": lambda n: {"type": "tool_call.success", "output": "x"},
        "ends": lambda n: {"type": "chat.end", "result": {"output": [], "stats": {}}},
    },
    "tgi": {
        "text": lambda n: {"token": {"id": n, "text": "a", "special": False}},
        "top tokens": lambda n: {"token": {"id": n, "text": "a"}, "top_tokens": [{"id": n}]},
        "ends": lambda n: {"token": {"id": n, "text": "a"}, "generated_text": "a", "details": {"finish_reason": "eos"}},
        "whole answers": lambda n: {"generated_text": "a"},
    },
    "llama-cpp": {
        "text": lambda n: {"content": "a", "stop": False},
        "probabilities": lambda n: {"content": "a", "stop": False, "completion_probabilities": [{"p": n}]},
        "ends": lambda n: {"content": "", "stop": True, "stop_type": "eos"},
    },
}
