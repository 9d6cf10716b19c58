"""LM Studio's own ``/api/v1/chat``: named events, the last of which holds the whole result, even after an error.

https://lmstudio.ai/docs/developer/rest/streaming-events
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._lenient_readers import dict_of, dicts_of, text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._tokens import Tokens
from ndstream.llm._wires.merging import Piece
from ndstream.llm._wires.single_message import SingleMessage

_STEMS = frozenset({"chat", "model_load", "prompt_processing", "reasoning", "tool_call", "message"})
_VERBS = frozenset({"start", "progress", "end", "delta", "arguments", "result", "success", "failure", "name"})


class LMStudio(SingleMessage):
    """LM Studio's ``/api/v1/chat``."""

    name: ClassVar[str] = "lm-studio"

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] | None = None
        self.output: list[Piece] = []
        # What came last for a tool call.
        self.call_piece = Piece()
        self.load_seconds: Any = None
        self.result: dict[str, Any] | None = None

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        # The second is an answer that was not streamed.
        stem, _, verb = text_of(frame.get("type")).partition(".")
        whole = isinstance(frame.get("output"), list) and isinstance(frame.get("stats"), dict)
        return whole or (stem in _STEMS and verb in _VERBS)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        # A result follows an error, so that neither is the end of the other.
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        if self.fields is None:
            self.fields = {}
        stem, _, verb = text_of(frame.get("type")).partition(".")
        if stem in ("message", "reasoning"):
            return self.add(stem, verb, frame)
        if stem == "tool_call":
            return self.add_call(verb, frame)
        if stem == "model_load" and verb == "end":
            self.load_seconds = frame.get("load_time_seconds")
        elif stem == "chat" and verb == "start":
            self.fields.update({name: value for name, value in frame.items() if name not in ("type", "error")})
        elif stem == "chat" and verb == "end":
            return self.fold_result(frame.get("result"), frame)
        elif not stem and isinstance(frame.get("output"), list):
            return self.fold_result(frame, frame)
        return FullDelta(frame)

    def fold_result(self, result: Any, frame: dict[str, Any]) -> Delta:
        """The whole result, at the end of a stream or instead of one."""
        self.result = result if isinstance(result, dict) and result else None
        output = (self.result or {}).get("output")
        items = list(dicts_of(output))
        texts = {
            kind: "".join(text_of(item.get("content")) for item in items if item.get("type") == kind)
            for kind in ("message", "reasoning")
        }
        text, thinking = self.set_final(texts["message"], texts["reasoning"])
        whole_calls = [item for item in items if item.get("type") == "tool_call"]
        calls = self.calls.add_whole(
            [
                {"type": "tool_call", "name": item.get("tool"), "arguments": item.get("arguments")}
                for item in whole_calls
            ]
        )
        self.usage = dict_of((self.result or {}).get("stats")) or None
        self.note_end("chat.end")
        self.calls.finish(complete=True)
        return FullDelta(frame, text, thinking, calls, self.usage)

    def add(self, stem: str, verb: str, frame: dict[str, Any]) -> Delta:
        content = text_of(frame.get("content"))
        if verb != "delta":
            if verb == "start":
                self.open(stem)
            return FullDelta(frame)
        last = self.output[-1] if self.output and self.output[-1].fields.get("type") == stem else self.open(stem)
        last.join("content", content)
        (self.texts if stem == "message" else self.thoughts).append(content)
        return FullDelta(frame, content if stem == "message" else "", content if stem == "reasoning" else "")

    def open(self, stem: str) -> Piece:
        piece = Piece({"type": stem, "content": ""})
        if self.part_counter.count():
            self.output.append(piece)
        return piece

    def add_call(self, verb: str, frame: dict[str, Any]) -> Delta:
        """The server runs the tools by itself, one after the other: each event is of the last call."""
        if verb == "start" or not len(self.calls):
            self.call_piece = Piece({"type": "tool_call"})
            if self.part_counter.count():
                self.output.append(self.call_piece)
            self.calls.open(name=frame.get("tool"), type="tool_call")
        call = self.calls[len(self.calls) - 1]
        self.call_piece.add({name: value for name, value in frame.items() if name not in ("type", "error")}, ())
        if call.name is None and isinstance(frame.get("tool"), str):
            call.name = frame["tool"]
        if "arguments" in frame:
            call.add_arguments(frame["arguments"])
        if verb in ("success", "failure", "result"):
            call.close()
        return FullDelta(frame, tool_calls=(call,))

    @property
    def body(self) -> Any:
        if self.result is not None:
            return self.result
        if self.fields is None:
            return None
        return {**self.fields, "output": [piece.body() for piece in self.output]}

    @property
    def tokens(self) -> Tokens:
        stats = self.usage or {}
        return Tokens.of(
            input=stats.get("input_tokens"),
            output=stats.get("total_output_tokens"),
            reasoning=stats.get("reasoning_output_tokens"),
        )

    @property
    def metrics(self) -> Metrics:
        stats = self.usage or {}
        load = stats.get("model_load_time_seconds", self.load_seconds)
        return Metrics.of(
            "stats",
            load_seconds=load,
            prompt_tokens=stats.get("input_tokens"),
            output_tokens=stats.get("total_output_tokens"),
            first_token_seconds=stats.get("time_to_first_token_seconds"),
            tokens_per_second=stats.get("tokens_per_second"),
        )
