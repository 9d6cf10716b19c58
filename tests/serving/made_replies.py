"""Replies of upstream servers, made by hand: frames of the OpenAI chat wire, and what there is to say in them."""

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
