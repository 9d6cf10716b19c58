"""The UI message stream of Vercel's AI SDK, version 1, which `useChat` of `ai` 5 and later reads.

A part is started before anything is added to it and ended before the next one starts; a part's id is its own in the
message. Keys that have nothing to say are left out, since strict clients refuse null.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any
from uuid import uuid4

from ndstream._core import encode_sse
from ndstream.llm import FinishReason
from ndstream.serving._targets.outcome import Failure, Refusal, Summary, named_counts
from ndstream.serving._targets.parts import CallPart, Part
from ndstream.serving._targets.target import Target

_REASONS: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool-calls",
    "content_filter": "content-filter",
    "refusal": "content-filter",
    "error": "error",
    "other": "other",
}


class UITarget(Target):
    """A message of the AI SDK's UI.

    Example:
        >>> from ndstream import llm
        >>> reply = llm.reply(b'{"response":"Hi","done":false}\\n{"response":"","done":true}\\n')
        >>> target = UITarget(message_id="m")
        >>> events = target.take(reply) + target.complete(reply)
        >>> events[:79]
        b'data: {"type":"start","messageId":"m"}\\n\\ndata: {"type":"start-step"}\\n\\ndata: {"ty'
    """

    name = "ui"
    headers = MappingProxyType({"x-vercel-ai-ui-message-stream": "v1"})
    survives_bad_call = True
    writes_signatures = True
    writes_server_calls = True

    def __init__(self, *, model: str | None = None, message_id: str | None = None) -> None:
        """Make the target of one message.

        Args:
            model: The name of the model to tell the client; None for the one that the upstream names.
            message_id: The id of the message; None to make one up.
        """
        super().__init__(model=model)
        self._message_id = message_id or f"msg_{uuid4().hex}"

    def write_start(self) -> None:
        self._write_event("start", messageId=self._message_id)
        self._write_event("start-step")

    def write_text_start(self, part: Part) -> None:
        self._write_event("text-start", id=f"part-{part.index}")

    def write_text(self, part: Part, text: str) -> None:
        self.write(encode_sse({"type": "text-delta", "id": f"part-{part.index}", "delta": text}))

    def write_text_end(self, part: Part) -> None:
        self._write_event("text-end", id=f"part-{part.index}")

    def write_thinking_start(self, part: Part) -> None:
        self._write_event("reasoning-start", id=f"part-{part.index}")

    def write_thinking(self, part: Part, text: str) -> None:
        self.write(encode_sse({"type": "reasoning-delta", "id": f"part-{part.index}", "delta": text}))

    def write_thinking_end(self, part: Part) -> None:
        # Where the AI SDK's own provider puts it, and looks for it when the message is sent back.
        signed = {"providerMetadata": {"anthropic": {"signature": part.signature}}} if part.signature else {}
        self._write_event("reasoning-end", id=f"part-{part.index}", **signed)

    def write_call_start(self, part: CallPart) -> None:
        self._write_call_event("tool-input-start", part)

    def write_arguments(self, part: CallPart, fragment: str) -> None:
        self._write_event("tool-input-delta", toolCallId=part.id, inputTextDelta=fragment)

    def write_call_end(self, part: CallPart) -> None:
        self._write_call_event("tool-input-available", part, input=part.json)

    def write_call_error(self, part: CallPart) -> None:
        why = "are not JSON" if part.call.error is not None else "were cut off"
        self._write_call_event(
            "tool-input-error", part, input=part.call.raw, errorText=f"the arguments of the call {why}"
        )

    def write_end(self, summary: Summary) -> None:
        metadata: dict[str, Any] = {"model": self.model} if self.model != "unknown" else {}
        usage = named_counts(summary.tokens)
        if usage:
            metadata["usage"] = usage
        self._write_event("finish-step")
        more = {"messageMetadata": metadata} if metadata else {}
        self._write_event("finish", finishReason=_REASONS[summary.finish_reason], **more)
        self.write(b"data: [DONE]\n\n")

    def write_error(self, failure: Failure) -> None:
        self._write_event("error", errorText=failure.message)

    def refusal(self, failure: Failure) -> Refusal:
        # The client shows the body to its user as it is.
        return Refusal("text/plain; charset=utf-8", failure.message.encode(errors="replace"))

    def write_abort(self) -> None:
        self._write_event("abort")

    def _write_event(self, type: str, **fields: Any) -> None:
        self.write(encode_sse({"type": type, **fields}))

    def _write_call_event(self, type: str, part: CallPart, **fields: Any) -> None:
        if part.call.run_by == "server":
            fields["providerExecuted"] = True
        self._write_event(type, toolCallId=part.id, toolName=part.name, **fields)
