"""Replies of upstream servers, made by hand: frames of the OpenAI chat wire, and thoughts that Anthropic has signed."""

from __future__ import annotations

from typing import Any

import orjson


def chunk(
    *, text: str = "", thinking: str = "", calls: list[dict[str, Any]] | None = None, reason: str | None = None,
    choice: int = 0, usage: dict[str, Any] | None = None, refusal: str = "",
) -> bytes:  # fmt: skip
    """One event of the OpenAI chat wire."""
    delta: dict[str, Any] = {}
    if text:
        delta["content"] = text
    if thinking:
        delta["reasoning_content"] = thinking
    if refusal:
        delta["refusal"] = refusal
    if calls:
        delta["tool_calls"] = calls
    choices = [{"index": choice, "delta": delta, "finish_reason": reason}]
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": choices}
    if usage is not None:
        frame["usage"] = usage
    return b"data: " + orjson.dumps(frame) + b"\n\n"


def call(index: int = 0, id: str | None = None, name: str | None = None, arguments: str | None = "") -> dict[str, Any]:
    """One entry of ``tool_calls``; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {"index": index, **({"id": id, "type": "function"} if id else {}), "function": function}


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def reply(*frames: bytes, reason: str = "stop") -> bytes:
    """A whole reply: these frames, then its end."""
    return b"".join([*frames, chunk(reason=reason, usage=USAGE), DONE])


def signed(*blocks: tuple[str, str]) -> bytes:
    """A reply of Anthropic's with a block for each of these thoughts and signatures, and a text."""
    told: list[dict[str, Any]] = [{"type": "message_start", "message": {"model": "m", "content": []}}]
    for index, (thought, signature) in enumerate(blocks):
        thinking = {"type": "thinking", "thinking": "", "signature": ""}
        told.append({"type": "content_block_start", "index": index, "content_block": thinking})
        for delta in (
            {"type": "thinking_delta", "thinking": thought},
            {"type": "signature_delta", "signature": signature},
        ):
            told.append({"type": "content_block_delta", "index": index, "delta": delta})
        told.append({"type": "content_block_stop", "index": index})
    text = {"type": "text", "text": "Hi"}
    told.append({"type": "content_block_start", "index": len(blocks), "content_block": text})
    told.append({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}})
    told.append({"type": "message_stop"})
    return b"".join(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), orjson.dumps(event)) for event in told)
