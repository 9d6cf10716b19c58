"""The events of Anthropic's Messages API, as it streams them.

The message is started before anything else; its blocks have rising indexes, and one is open at a time. The token counts
that the format asks for are 0 where the upstream tells none. A reply that is not complete ends with an error, without
``message_stop``; a call that was cut by it is not stopped, so that nobody runs it.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson

from ndstream._core import encode_sse
from ndstream.llm import FinishReason, Tokens
from ndstream.serving._targets.outcome import Failure, Refusal, Summary
from ndstream.serving._targets.parts import CallPart, Part
from ndstream.serving._targets.target import Target

_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "error": "refusal",
    # There is no word for it, and it must not pass for a good end.
    "other": "max_tokens",
}
_ERRORS = {
    "authentication": "authentication_error",
    "billing": "billing_error",
    "invalid_request": "invalid_request_error",
    "not_found": "not_found_error",
    "overloaded": "overloaded_error",
    "permission": "permission_error",
    "rate_limit": "rate_limit_error",
    "timeout": "timeout_error",
}


class AnthropicTarget(Target):
    """A message of Anthropic's API.

    Example:
        >>> from ndstream import llm
        >>> reply = llm.reply(b'{"response":"Hi","done":false}\\n{"response":"","done":true}\\n')
        >>> target = AnthropicTarget(model="m")
        >>> events = (target.take(reply) + target.complete(reply)).split(b"\\n\\n")
        >>> events[2].splitlines()[1]
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}'
    """

    name = "anthropic"
    writes_signatures = True

    def write_start(self) -> None:
        message: dict[str, Any] = {
            "id": f"msg_{uuid4().hex}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        self._write_event("message_start", message=message)

    def write_text_start(self, part: Part) -> None:
        self._write_block_start(part, {"type": "text", "text": ""})

    def write_text(self, part: Part, text: str) -> None:
        self._write_block_delta(part, {"type": "text_delta", "text": text})

    def write_text_end(self, part: Part) -> None:
        self._write_block_stop(part)

    def write_thinking_start(self, part: Part) -> None:
        self._write_block_start(part, {"type": "thinking", "thinking": "", "signature": ""})

    def write_thinking(self, part: Part, text: str) -> None:
        self._write_block_delta(part, {"type": "thinking_delta", "thinking": text})

    def write_thinking_end(self, part: Part) -> None:
        if part.signature:
            self._write_block_delta(part, {"type": "signature_delta", "signature": part.signature})
        self._write_block_stop(part)

    def write_call_start(self, part: CallPart) -> None:
        self._write_block_start(part, {"type": "tool_use", "id": part.id, "name": part.name, "input": {}})

    def write_arguments(self, part: CallPart, fragment: str) -> None:
        self._write_block_delta(part, {"type": "input_json_delta", "partial_json": fragment})

    def write_call_end(self, part: CallPart) -> None:
        self._write_block_stop(part)

    def write_call_error(self, part: CallPart) -> None:
        if self.is_cut_by_limit(part):
            self._write_block_stop(part)

    def write_end(self, summary: Summary) -> None:
        delta = {"stop_reason": _REASONS[summary.finish_reason], "stop_sequence": None}
        self._write_event("message_delta", delta=delta, usage=_usage(summary.tokens))
        self._write_event("message_stop")

    def write_error(self, failure: Failure) -> None:
        self.write(encode_sse(_error(failure), event="error"))

    def refusal(self, failure: Failure) -> Refusal:
        return Refusal("application/json", orjson.dumps(_error(failure)))

    def _write_block_start(self, part: Part, block: dict[str, Any]) -> None:
        self._write_event("content_block_start", index=part.index, content_block=block)

    def _write_block_delta(self, part: Part, delta: dict[str, str]) -> None:
        self._write_event("content_block_delta", index=part.index, delta=delta)

    def _write_block_stop(self, part: Part) -> None:
        self._write_event("content_block_stop", index=part.index)

    def _write_event(self, type: str, **fields: Any) -> None:
        self.write(encode_sse({"type": type, **fields}, event=type))


def _error(failure: Failure) -> dict[str, Any]:
    kind = _ERRORS.get(failure.kind, "api_error")
    return {"type": "error", "error": {"type": kind, "message": failure.message}}


def _usage(tokens: Tokens) -> dict[str, int]:
    """The counts in Anthropic's way, where input tokens are those that were not read from a cache."""
    sent, cached = tokens.input or 0, tokens.cached_input or 0
    usage = {"input_tokens": max(sent - cached, 0), "output_tokens": tokens.output or 0}
    if cached:
        usage["cache_read_input_tokens"] = cached
    return usage
