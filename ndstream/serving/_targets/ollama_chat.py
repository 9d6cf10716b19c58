"""The lines of Ollama's ``/api/chat``.

A tool call comes whole, with an object as arguments. The last line, and no other, has ``done: true``, or else it is an
error, which is text. NDJSON has no heartbeat that Ollama's clients survive. The line ends of Unicode are escaped, since
those clients split lines at them.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import orjson

from ndstream._core import encode_ndjson
from ndstream.llm import FinishReason
from ndstream.serving._targets.outcome import Failure, Refusal, Summary
from ndstream.serving._targets.parts import CallPart, Part
from ndstream.serving._targets.target import Target

MAX_SECONDS = 1e9
"""Durations past this are a server's mistake, and would not fit into the nanoseconds of the format."""

_REASONS: dict[FinishReason, str] = {"tool_calls": "stop"}
"""What Ollama has another word for; it says stop of a message that asks for calls. The rest is told as it is."""


class OllamaChatTarget(Target):
    """A message of Ollama's chat API.

    Example:
        >>> import json
        >>> from ndstream import llm
        >>> reply = llm.reply(b'{"response":"Hi","done":false}\\n{"response":"","done":true}\\n')
        >>> target = OllamaChatTarget(model="m")
        >>> lines = (target.take(reply) + target.complete(reply)).splitlines()
        >>> [json.loads(line)["message"] for line in lines]
        [{'role': 'assistant', 'content': 'Hi'}, {'role': 'assistant', 'content': ''}]
    """

    name = "ollama-chat"
    content_type = "application/x-ndjson"
    heartbeat = b""
    needs_object_arguments = True

    def __init__(self, *, model: str | None = None) -> None:
        super().__init__(model=model)
        # One time for all lines: telling the time costs more than a line.
        self._created_at = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")

    def write_text(self, part: Part, text: str) -> None:
        self._write_message({"role": "assistant", "content": text})

    def write_thinking(self, part: Part, text: str) -> None:
        self._write_message({"role": "assistant", "content": "", "thinking": text})

    def write_call_end(self, part: CallPart) -> None:
        call = {"id": part.id, "function": {"index": part.number, "name": part.name, "arguments": part.json}}
        self._write_message({"role": "assistant", "content": "", "tool_calls": [call]})

    def write_end(self, summary: Summary) -> None:
        reason = _REASONS.get(summary.finish_reason, summary.finish_reason)
        message = {"role": "assistant", "content": ""}
        self._write_message(message, done=True, done_reason=reason, **self._figures(summary))

    def write_error(self, failure: Failure) -> None:
        self._write_line({"error": failure.message})

    def refusal(self, failure: Failure) -> Refusal:
        return Refusal("application/json", orjson.dumps({"error": failure.message}))

    def _figures(self, summary: Summary) -> dict[str, int]:
        """The counts and durations that the upstream tells; durations are in nanoseconds."""
        assert self.answer is not None
        metrics = self.answer.metrics
        seconds = {
            "total_duration": metrics.total_seconds,
            "load_duration": metrics.load_seconds,
            "prompt_eval_duration": metrics.prompt_seconds,
            "eval_duration": metrics.output_seconds,
        }
        figures = {name: round(value * 1e9) for name, value in seconds.items() if value and 0 < value < MAX_SECONDS}
        counts = {"prompt_eval_count": summary.input_tokens, "eval_count": summary.output_tokens}
        return figures | {name: count for name, count in counts.items() if count is not None}

    def _write_message(self, message: dict[str, Any], done: bool = False, **fields: Any) -> None:
        head = {"model": self.model, "created_at": self._created_at, "message": message, "done": done}
        self._write_line({**head, **fields})

    def _write_line(self, value: dict[str, Any]) -> None:
        self.write(encode_ndjson(value, escape_unicode_newlines=True))
