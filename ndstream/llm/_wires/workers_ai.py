"""Cloudflare's Workers AI by its own API: text in ``response``, the counts in a last frame, then ``[DONE]``.

Ollama's generate has ``response`` as well, but its frames say ``done`` and when they were made; these do not. Of some
models its answer without streaming is a chat completion or a response of OpenAI's, which is read as such.
https://developers.cloudflare.com/workers-ai/features/function-calling/
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._lenient_readers import dict_of, dicts_of, text_of, written_text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError, error_in
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.argument_texts import encoded
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.openai_chat import OpenAIChat
from ndstream.llm._wires.openai_chat_content import THOUGHTS, thoughts_in
from ndstream.llm._wires.openai_responses import OpenAIResponses
from ndstream.llm._wires.single_message import SingleMessage
from ndstream.llm._wires.wire import Wire, overlay, without_error

_OF_OLLAMA = frozenset({"done", "created_at", "model"})
# Padding, so that the size of a frame does not give away its text.
_PADDING = "p"
_OWN = frozenset({"response", "tool_calls"})
# What else may be in the envelope.
_OTHER_ANSWERS: tuple[type[Wire], ...] = (OpenAIChat, OpenAIResponses)


class WorkersAI(SingleMessage):
    """Workers AI's own frames, and its answer without streaming, with or without the envelope of its REST API."""

    name: ClassVar[str] = "workers-ai"

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] | None = None
        self.envelope: dict[str, Any] | None = None
        # The answer, if it was not streamed: it stays as it came.
        self.whole: dict[str, Any] | None = None
        # What reads the answer in the envelope, if it is one of another server's.
        self.other: Wire | None = None

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        if "success" in frame and "result" in frame and isinstance(frame.get("errors"), list):
            result = dict_of(frame["result"])
            return frame["success"] is False or not _OWN.isdisjoint(result) or _other_answer(result) is not None
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
        if self.envelope is not None and _OWN.isdisjoint(answer):
            other = _other_answer(answer)
            if other is not None:
                return self.fold_other(other(), answer, frame)
        response = answer.get("response")
        text = written_text_of(response)
        if isinstance(response, (dict, list)) and response:
            # In its JSON mode it sends the value itself.
            text, self.fields["response"] = encoded(response), response
        self.texts.append(text)
        thinking = thoughts_in(answer)
        self.thoughts.append(thinking)
        calls = self.calls.add_all(answer.get("tool_calls"))
        known = ("response", "tool_calls", _PADDING)
        overlay(self.fields, answer, known)
        usage = answer.get("usage")
        usage = usage if isinstance(usage, dict) and usage else None
        self.usage = usage or self.usage
        if event is None and not _OWN.isdisjoint(answer):
            # It streams events alone, so that this is the whole answer.
            self.note_end("response")
        return FullDelta(frame, text, thinking, calls, usage)

    def fold_other(self, other: Wire, answer: dict[str, Any], frame: dict[str, Any]) -> Delta:
        """Fold an answer of another server's, which is read by its own wire."""
        self.other, self.whole = other, answer
        delta = other.fold(answer, None)
        delta.raw = frame
        other.note_limits()
        self.error = self.error or other.error
        self.ended = other.complete
        self.evidence += other.evidence
        self.usage = other.usage
        self.finish_words = other.finish_words
        self.extra_deltas += other.extra_deltas
        return delta

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
        # Each frame has a piece.
        body.update({name: self.thinking for name in THOUGHTS if text_of(body.get(name))})
        if self.whole is not None:
            body = dict(self.whole)
        elif len(self.calls):
            body["tool_calls"] = [{"name": call.name, "arguments": call.arguments} for call in self.calls]
        return body if self.envelope is None else {"result": body, **self.envelope}

    @property
    def first_choice(self) -> int:
        return 0 if self.other is None else self.other.first_choice

    @property
    def text(self) -> str:
        return super().text if self.other is None else self.other.text

    @property
    def thinking(self) -> str:
        return super().thinking if self.other is None else self.other.thinking

    @property
    def tool_calls(self) -> list[ToolCall]:
        return super().tool_calls if self.other is None else self.other.tool_calls

    def refusal_of(self, choice: int) -> str:
        return "" if self.other is None else self.other.refusal_of(choice)

    def has_client_calls(self, choice: int) -> bool:
        return super().has_client_calls(choice) if self.other is None else self.other.has_client_calls(choice)

    def finish(self, complete: bool) -> None:
        super().finish(complete)
        if self.other is not None:
            self.other.finish(complete)

    @property
    def tokens(self) -> Tokens:
        if self.other is not None:
            return self.other.tokens
        usage = self.usage or {}
        return Tokens.of(
            input=usage.get("prompt_tokens"), output=usage.get("completion_tokens"), total=usage.get("total_tokens")
        )

    @property
    def metrics(self) -> Metrics:
        if self.other is not None:
            return self.other.metrics
        usage = self.usage or {}
        return Metrics.of(
            "usage", prompt_tokens=usage.get("prompt_tokens"), output_tokens=usage.get("completion_tokens")
        )


def _other_answer(result: dict[str, Any]) -> type[Wire] | None:
    """The wire of an answer of another server's; None if it is none."""
    return next((kind for kind in _OTHER_ANSWERS if kind.matches(result)), None)
