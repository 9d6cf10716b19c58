"""Cohere's chat, version 2: content and tool calls by index, a plan beside them, one event at the end.

https://docs.cohere.com/v2/docs/streaming
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, joined, text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError
from ndstream.llm._tokens import Tokens
from ndstream.llm._wires.merging import Piece
from ndstream.llm._wires.single_message import SingleMessage
from ndstream.llm._wires.wire import overlay

_TYPES = frozenset(
    {
        "message-start", "content-start", "content-delta", "content-end", "tool-plan-delta", "tool-call-start",
        "tool-call-delta", "tool-call-end", "citation-start", "citation-end", "message-end",
    }
)  # fmt: skip
_JOINED = ("text", "thinking")
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

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        # The second is an answer that was not streamed.
        whole = isinstance(frame.get("message"), dict) and "finish_reason" in frame and "choices" not in frame
        return whole or (isinstance(frame.get("type"), str) and frame["type"] in _TYPES)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        if not isinstance(frame, dict) or self.look_for_error(frame, event):
            return FullDelta(frame)
        if self.fields is None:
            self.fields = {}
        kind = frame.get("type")
        if kind is None and isinstance(frame.get("message"), dict):
            return self.fold_whole(frame, frame["message"])
        delta = dict_of(frame.get("delta"))
        message = dict_of(delta.get("message"))
        if kind in ("content-start", "content-delta"):
            content = dict_of(message.get("content"))
            self.content.setdefault(as_index(frame.get("index")) or 0, Piece()).add(content, _JOINED)
            text, thinking = text_of(content.get("text")), text_of(content.get("thinking"))
            self.texts.append(text)
            self.thoughts.append(thinking)
            return FullDelta(frame, text, thinking)
        if kind == "tool-plan-delta":
            plan = text_of(message.get("tool_plan"))
            self.plan.append(plan)
            self.thoughts.append(plan)
            return FullDelta(frame, "", plan)
        if kind in ("tool-call-start", "tool-call-delta"):
            call = dict_of(message.get("tool_calls"))
            function = dict_of(call.get("function"))
            added = self.calls.add(
                id=call.get("id"),
                index=frame.get("index"),
                name=function.get("name"),
                arguments=function.get("arguments"),
                type=call.get("type"),
            )
            return FullDelta(frame, tool_calls=(added,))
        if kind == "tool-call-end":
            index = as_index(frame.get("index"))
            for each in self.calls:
                if each.index == index:
                    each.close()
        elif kind == "citation-start":
            self.citations.append(message.get("citations"))
        elif kind == "message-start":
            overlay(self.fields, {"id": frame.get("id")})
            overlay(self.message, {name: value for name, value in message.items() if name not in _GROWING})
        elif kind == "message-end":
            return self.stop(delta, frame)
        return FullDelta(frame)

    def fold_whole(self, frame: dict[str, Any], message: dict[str, Any]) -> Delta:
        """An answer that was not streamed."""
        overlay(self.message, {name: value for name, value in message.items() if name not in _GROWING})
        texts, thoughts = [], [text_of(message.get("tool_plan"))]
        self.plan += filter(None, thoughts)
        for content in dicts_of(message.get("content")):
            piece = self.content[len(self.content)] = Piece()
            piece.add(content, _JOINED)
            texts.append(text_of(content.get("text")))
            thoughts.append(text_of(content.get("thinking")))
        self.texts += texts
        self.thoughts += thoughts
        calls = [
            self.calls.open(
                id=call.get("id"),
                index=index,
                name=dict_of(call.get("function")).get("name"),
                arguments=dict_of(call.get("function")).get("arguments"),
                type=call.get("type"),
            )
            for index, call in enumerate(dicts_of(message.get("tool_calls")))
        ]
        self.citations += dicts_of(message.get("citations"))
        end = self.stop({name: value for name, value in frame.items() if name != "message"}, frame)
        delta = FullDelta(frame, "".join(texts), "".join(thoughts), calls, self.usage)
        delta.finish_reason = end.finish_reason
        return delta

    def stop(self, delta: dict[str, Any], frame: dict[str, Any]) -> Delta:
        assert self.fields is not None
        overlay(self.fields, {name: value for name, value in delta.items() if name != "error"})
        usage = delta.get("usage")
        self.usage = usage if isinstance(usage, dict) else self.usage
        self.note_end("message-end")
        reason = text_of(delta.get("finish_reason"))
        if reason:
            self.note_finish_reason(reason)
        if self.error is not None and text_of(delta.get("error")):
            self.error = ServerError(delta["error"], self.error.kind, self.error.code)
        elif delta.get("error"):
            self.look_for_error(delta, None)
        if reason == "MAX_TOKENS" and len(self.calls):
            # It is said to have ended all the same.
            self.calls[len(self.calls) - 1].cut()
        self.calls.finish(complete=reason != "MAX_TOKENS")
        return FullDelta(frame, usage=self.usage, finish_reason=self.finish_reason_of(0))

    def finish(self, complete: bool) -> None:
        self.calls.finish(complete=complete)

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
        return {**self.fields, "message": message}

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
