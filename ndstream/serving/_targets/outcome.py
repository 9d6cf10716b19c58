"""How a relayed reply ended, in the words that every target is told in, whatever the upstream's wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ndstream.llm import Answer

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "other"]

_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "complete": "stop",
    "completed": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "refusal": "refusal",
}


@dataclass(frozen=True)
class Summary:
    """What a complete reply ended with.

    Attributes:
        finish_reason: Why the model stopped. ``tool_calls`` if it asks for calls and the server says ``stop``, as
            Gemini and Ollama do.
        input_tokens: Tokens of the prompt; None if the server does not say.
        output_tokens: Tokens of the answer, thoughts included; None if the server does not say.
    """

    finish_reason: FinishReason
    input_tokens: int | None = None
    output_tokens: int | None = None

    @classmethod
    def of(cls, answer: Answer) -> Summary:
        """The summary of a reply that has ended."""
        ending = answer.ending
        word = (ending.finish_reason or "stop") if ending is not None else "stop"
        reason = _REASONS.get(word.lower(), "other")
        if reason == "stop" and answer.tool_calls:
            reason = "tool_calls"
        usage = answer.usage or {}
        metrics = answer.metrics
        return cls(
            reason,
            _first_count(usage, "input_tokens", "prompt_tokens", "promptTokenCount") or metrics.prompt_tokens,
            _first_count(usage, "output_tokens", "completion_tokens", "candidatesTokenCount") or metrics.output_tokens,
        )


@dataclass(frozen=True)
class Failure:
    """Why a stream ends without being complete.

    Attributes:
        message: What the client is told. It holds no text of exceptions unless that was asked for.
        kind: ``truncated`` if the upstream's bytes ended too soon, ``shutdown`` if this server stops, else one of
            the kinds of `ndstream.llm.ServerError`: ``overloaded``, ``rate_limit``, ``timeout``, ``server`` ...
        code: The upstream's own code, if it gave one.
    """

    message: str
    kind: str = "server"
    code: int | str | None = None


def _first_count(usage: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None
