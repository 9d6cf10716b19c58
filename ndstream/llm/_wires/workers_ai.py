"""Cloudflare's Workers AI by its own API: text in ``response``, the counts in a last frame, then ``[DONE]``.

Ollama's generate has ``response`` as well, but its frames say ``done`` and when they were made; these do not.
https://developers.cloudflare.com/workers-ai/features/function-calling/
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._lenient_readers import dict_of, dicts_of, written_text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError, error_in
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.argument_texts import encoded
from ndstream.llm._wires.single_message import SingleMessage
from ndstream.llm._wires.wire import overlay, without_error

_OF_OLLAMA = frozenset({"done", "created_at", "model"})
# Padding, so that the size of a frame does not give away its text.
_PADDING = "p"


class WorkersAI(SingleMessage):
    """Workers AI's own frames, and its answer without streaming, with or without the envelope of its REST API."""

    name: ClassVar[str] = "workers-ai"

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] | None = None
        self.envelope: dict[str, Any] | None = None
        # The answer, if it was not streamed: it stays as it came.
        self.whole: dict[str, Any] | None = None

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        if "success" in frame and "result" in frame and isinstance(frame.get("errors"), list):
            return True
        response = frame.get("response")
        says_so = isinstance(response, (str, int, float)) or (
            "response" in frame
            and (
                isinstance(frame.get("tool_calls"), list)
                or (isinstance(response, (dict, list)) and isinstance(frame.get("usage"), dict))
            )
        )
        return says_so and _OF_OLLAMA.isdisjoint(frame)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        if not isinstance(frame, dict):
            return FullDelta(frame)
        if self.look_for_error(frame, event) and (frame.get("success") is False or not self.matches(frame)):
            return FullDelta(frame)
        answer = without_error(frame)
        if "success" in frame:
            self.envelope = {name: value for name, value in frame.items() if name != "result"}
            answer = dict_of(frame.get("result"))
        self.whole = answer if event is None and self.fields is None else None
        if self.fields is None:
            self.fields = {}
        response = answer.get("response")
        text = written_text_of(response)
        if isinstance(response, (dict, list)) and response:
            # In its JSON mode it sends the value itself.
            text, self.fields["response"] = encoded(response), response
        self.texts.append(text)
        calls = self.calls.add_all(answer.get("tool_calls"))
        known = ("response", "tool_calls", _PADDING)
        overlay(self.fields, answer, known)
        usage = answer.get("usage")
        usage = usage if isinstance(usage, dict) and usage else None
        self.usage = usage or self.usage
        if event is None:
            # It streams events alone, so that this is the whole answer.
            self.note_end("response")
        return FullDelta(frame, text, tool_calls=calls, usage=usage)

    def look_for_error(self, frame: Any, event: Event | None) -> bool:
        if isinstance(frame, dict) and frame.get("success") is False:
            found = next(iter(dicts_of(frame.get("errors"))), {})
            self.note_error(error_in({"error": found}) or ServerError("the server says that it did not succeed"))
            return True
        return super().look_for_error(frame, event)

    @property
    def body(self) -> Any:
        if self.fields is None:
            return None
        body: dict[str, Any] = {"response": self.text, **self.fields}
        if self.whole is not None:
            body = dict(self.whole)
        elif len(self.calls):
            body["tool_calls"] = [{"name": call.name, "arguments": call.arguments} for call in self.calls]
        return body if self.envelope is None else {"result": body, **self.envelope}

    @property
    def tokens(self) -> Tokens:
        usage = self.usage or {}
        return Tokens.of(
            input=usage.get("prompt_tokens"), output=usage.get("completion_tokens"), total=usage.get("total_tokens")
        )

    @property
    def metrics(self) -> Metrics:
        usage = self.usage or {}
        return Metrics.of(
            "usage", prompt_tokens=usage.get("prompt_tokens"), output_tokens=usage.get("completion_tokens")
        )
