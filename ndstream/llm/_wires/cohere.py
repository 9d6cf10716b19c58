"""Cohere's chat, version 2: content and tool calls by index, a plan beside them, one event at the end.

https://docs.cohere.com/v2/docs/streaming
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._finish_reason import cuts_output
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, joined, label_of, parts_of, says_nothing, text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError
from ndstream.llm._tokens import Tokens
from ndstream.llm._wires.merging import Piece
from ndstream.llm._wires.single_message import SingleMessage
from ndstream.llm._wires.wire import merged_usage, overlay

_TYPES = frozenset(
    {
        "message-start", "content-start", "content-delta", "content-end", "tool-plan-delta", "tool-call-start",
        "tool-call-delta", "tool-call-end", "citation-start", "citation-end", "message-end",
    }
)  # fmt: skip
_JOINED = ("text", "thinking")
_OF_THE_END = ("finish_reason", "usage")
_GROWING = frozenset({"content", "tool_calls", "citations", "tool_plan"})


class Cohere(SingleMessage):
    """Cohere's ``/v2/chat``."""

    name: ClassVar[str] = "cohere"

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] | None = None
        self.message: dict[str, Any] = {}
        self.content: dict[int, Piece] = {}
        self.plan: list[str] = []
        self.citations: list[Any] = []
        self.probabilities: list[Any] = []

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        # The second is an answer that was not streamed.
        whole = isinstance(frame.get("message"), dict) and "finish_reason" in frame and "choices" not in frame
        return whole or (isinstance(frame.get("type"), str) and frame["type"] in _TYPES)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        if self.fields is None:
            self.fields = {}
        kind = frame.get("type")
        if kind is None and isinstance(frame.get("message"), dict):
            return self.fold_whole(frame, frame["message"])
        delta = dict_of(frame.get("delta"))
        message = dict_of(delta.get("message"))
        if kind in ("content-delta", "content-start"):
            return self.add_content(as_index(frame.get("index")) or 0, message.get("content"), frame)
        if kind == "tool-plan-delta":
            plan = text_of(message.get("tool_plan"))
            self.plan.append(plan)
            self.thoughts.append(plan)
            return FullDelta(frame, "", plan)
        if kind in ("tool-call-start", "tool-call-delta"):
            index = {"index": frame["index"]} if "index" in frame else {}
            added = self.calls.add_all([{**index, **call} for call in dicts_of(message.get("tool_calls"))])
            return FullDelta(frame, tool_calls=added)
        if kind == "tool-call-end":
            number = as_index(frame.get("index"))
            ended = None if number is None else self.calls.with_index(number)
            if ended is not None:
                ended.close()
        elif kind == "citation-start":
            self.citations.append(message.get("citations"))
        elif kind == "message-start":
            overlay(self.fields, {"id": frame.get("id")})
            overlay(self.message, message, _GROWING)
        elif kind == "message-end":
            # Gateways put what ends the message beside the delta, too.
            beside = {name: frame[name] for name in _OF_THE_END if name in frame and says_nothing(delta.get(name))}
            return self.stop({**delta, **beside}, frame)
        return FullDelta(frame)

    def add_content(self, index: int, content: Any, frame: dict[str, Any]) -> Delta:
        text = thinking = ""
        for each in parts_of(content):
            piece = self.content.get(index)
            if piece is None:
                piece = Piece()
                if self.part_counter.count():
                    self.content[index] = piece
            for name, value in each.items():
                if value.__class__ is str and name in _JOINED:
                    piece.join(name, value)
                else:
                    piece.add_lists({name: value})
            text += text_of(each.get("text"))
            thinking += text_of(each.get("thinking"))
        if text:
            self.texts.append(text)
        if thinking:
            self.thoughts.append(thinking)
        probabilities = frame.get("logprobs") or dict_of(frame.get("delta")).get("logprobs")
        if probabilities:
            self.probabilities += probabilities if isinstance(probabilities, list) else dicts_of(probabilities)
        return FullDelta(frame, text, thinking)

    def fold_whole(self, frame: dict[str, Any], message: dict[str, Any]) -> Delta:
        """An answer that was not streamed."""
        overlay(self.message, message, _GROWING)
        contents = list(parts_of(message.get("content")))
        if contents:
            self.content = {index: Piece(content) for index, content in enumerate(contents)}
        plan = text_of(message.get("tool_plan"))
        self.plan = [plan] if plan else self.plan
        text, thinking = self.set_final(
            "".join(text_of(content.get("text")) for content in contents),
            "".join([plan, *(text_of(content.get("thinking")) for content in contents)]),
        )
        calls = self.calls.add_whole(message.get("tool_calls"))
        self.citations = list(dicts_of(message.get("citations"))) or self.citations
        end = self.stop({name: value for name, value in frame.items() if name != "message"}, frame)
        delta = FullDelta(frame, text, thinking, calls, end.usage)
        delta.finish_reason = end.finish_reason
        return delta

    def stop(self, delta: dict[str, Any], frame: dict[str, Any]) -> Delta:
        assert self.fields is not None
        overlay(self.fields, delta, ("error",))
        self.usage = merged_usage(self.usage, delta.get("usage"))
        self.note_end("message-end")
        reason = label_of(delta.get("finish_reason"))
        if reason:
            self.note_finish_reason(reason)
        if self.error is not None and text_of(delta.get("error")):
            self.error = ServerError(delta["error"], self.error.kind, self.error.code)
        elif delta.get("error"):
            self.look_for_error(delta, None)
        cut = cuts_output(reason)
        if cut and len(self.calls):
            # It is said to have ended all the same.
            self.calls[len(self.calls) - 1].cut()
        self.calls.finish(complete=not cut)
        usage = dict_of(delta.get("usage")) or None
        return FullDelta(frame, usage=usage, finish_reason=self.finish_reason_of(0))

    @property
    def body(self) -> Any:
        if self.fields is None:
            return None
        message = {"role": "assistant", **self.message}
        if self.content:
            message["content"] = [self.content[index].body() for index in sorted(self.content)]
        if self.plan:
            message["tool_plan"] = joined(self.plan)
        if len(self.calls):
            message["tool_calls"] = [
                {"id": call.id, "type": call.type or "function", "function": {"name": call.name, "arguments": call.raw}}
                for call in self.calls
            ]
        if self.citations:
            message["citations"] = list(self.citations)
        body = {**self.fields, "message": message}
        if self.probabilities:
            body["logprobs"] = list(self.probabilities)
        return body

    @property
    def tokens(self) -> Tokens:
        usage = self.usage or {}
        counts = dict_of(usage.get("tokens"))
        return Tokens.of(
            input=counts.get("input_tokens"),
            cached_input=usage.get("cached_tokens"),
            output=counts.get("output_tokens"),
        )

    @property
    def metrics(self) -> Metrics:
        tokens = dict_of((self.usage or {}).get("tokens"))
        return Metrics.of("usage", prompt_tokens=tokens.get("input_tokens"), output_tokens=tokens.get("output_tokens"))
