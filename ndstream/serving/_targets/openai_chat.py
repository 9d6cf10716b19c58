"""The chunks of OpenAI's chat completions, as its streaming API sends them.

Every chunk has the same id, time and model. The first delta of a choice has its role, and each fragment of a call the
call's index. A reply that is not complete ends with an error, without ``[DONE]``.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import orjson

from ndstream._core import encode_sse
from ndstream.llm import FinishReason, Tokens
from ndstream.serving._targets.outcome import Failure, Refusal, Summary
from ndstream.serving._targets.parts import CallPart, Part
from ndstream.serving._targets.target import Target

_REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "error": "content_filter",
    # There is no word for it, and it must not pass for a good end.
    "other": "length",
}
_ERRORS = {
    "authentication": "authentication_error",
    "billing": "insufficient_quota",
    "invalid_request": "invalid_request_error",
    "not_found": "not_found_error",
    "permission": "permission_error",
    "rate_limit": "rate_limit_error",
}


class OpenAIChatTarget(Target):
    """A chat completion in chunks, with thoughts as ``reasoning_content``.

    Example:
        >>> import json
        >>> from ndstream import llm
        >>> reply = llm.reply(b'{"response":"Hi","done":false}\\n{"response":"","done":true}\\n')
        >>> target = OpenAIChatTarget(model="m")
        >>> events = (target.take(reply) + target.complete(reply)).split(b"\\n\\n")
        >>> [json.loads(event[6:])["choices"][0]["delta"] for event in events[:2]], events[-2]
        ([{'role': 'assistant', 'content': ''}, {'content': 'Hi'}], b'data: [DONE]')
    """

    name = "openai-chat"
    other_choices = "write"
    interleaves_calls = True
    survives_bad_call = True

    def __init__(self, *, model: str | None = None, include_usage: bool = False) -> None:
        """Make the target of one completion.

        Args:
            model: The name of the model to tell the client; None for the one that the upstream names.
            include_usage: Whether the client asked for ``stream_options.include_usage``. If so, the token counts come
                in a chunk of their own, without choices, before the end. If not, they stand beside the last finish
                reason, where clients that did not ask for them pass over them.
        """
        super().__init__(model=model)
        self._include_usage = include_usage
        self._head: dict[str, Any] = {}
        self._refused = False
        self._choices_started: set[int] = set()

    def write_start(self) -> None:
        self._head = {
            "id": f"chatcmpl-{uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": self.model,
        }
        self._start_choice()

    def write_text(self, part: Part, text: str) -> None:
        self._write_delta({"content": text})

    def write_thinking(self, part: Part, text: str) -> None:
        self._write_delta({"reasoning_content": text})

    def write_call_start(self, part: CallPart) -> None:
        self._write_call_delta(part, {"name": part.name, "arguments": ""}, id=part.id, type="function")

    def write_arguments(self, part: CallPart, fragment: str) -> None:
        self._write_call_delta(part, {"arguments": fragment})

    def write_refusal(self, text: str) -> None:
        self._refused = True
        self._write_delta({"refusal": text})

    def write_choice_end(self, finish_reason: FinishReason) -> None:
        reason = "stop" if finish_reason == "refusal" and self._refused else _REASONS[finish_reason]
        is_last = self.choice == max(self._choices)
        usage = {} if self._include_usage or not is_last else _usage(self.tokens)
        self._write_delta({}, reason, **usage)

    def write_end(self, summary: Summary) -> None:
        usage = _usage(summary.tokens)
        if self._include_usage and usage:
            self.write(encode_sse({**self._head, "choices": [], **usage}))
        self.write(b"data: [DONE]\n\n")

    def write_error(self, failure: Failure) -> None:
        self.write(encode_sse(_error(failure)))

    def refusal(self, failure: Failure) -> Refusal:
        return Refusal("application/json", orjson.dumps(_error(failure)))

    def _start_choice(self) -> None:
        self._choices_started.add(self.choice)
        self._write_delta({"role": "assistant", "content": ""})

    def _write_call_delta(self, part: CallPart, function: dict[str, str], **fields: str) -> None:
        self._write_delta({"tool_calls": [{"index": part.number, **fields, "function": function}]})

    def _write_delta(self, delta: dict[str, Any], finish_reason: str | None = None, **fields: Any) -> None:
        if self.choice not in self._choices_started:
            self._start_choice()
        choice = {"index": self.choice, "delta": delta, "finish_reason": finish_reason}
        self.write(encode_sse({**self._head, "choices": [choice], **fields}))


def _error(failure: Failure) -> dict[str, Any]:
    kind = _ERRORS.get(failure.kind, "server_error")
    code = failure.kind if failure.code is None else str(failure.code)
    return {"error": {"message": failure.message, "type": kind, "param": None, "code": code}}


def _usage(tokens: Tokens) -> dict[str, Any]:
    """The ``usage`` of a completion; nothing if the upstream counts nothing."""
    if tokens.input is None and tokens.output is None:
        return {}
    sent, got = tokens.input or 0, tokens.output or 0
    usage: dict[str, Any] = {
        "prompt_tokens": sent,
        "completion_tokens": got,
        "total_tokens": sent + got if tokens.total is None else tokens.total,
    }
    if tokens.cached_input is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": tokens.cached_input}
    if tokens.reasoning is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
    return {"usage": usage}
