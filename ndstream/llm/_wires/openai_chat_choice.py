"""One choice of a chat completion: the message that its deltas add up to."""

from __future__ import annotations

from typing import Any

from ndstream.llm._delta import CallDelta, Delta, FullDelta, TextDelta
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, joined, text_of
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.merging import Piece, Pieces

# Servers disagree on the name, and some send both for a while.
_THINKING = ("reasoning_content", "reasoning")
_JOINED = frozenset({"refusal", *_THINKING})
_APART = frozenset({"content", "tool_calls", "function_call", "audio"})
# The server stopped here, the model did not: what it was writing has no end.
_CUT = frozenset({"length", "content_filter", "error"})


class Choice:
    """The state of one choice.

    Attributes:
        texts: The visible text, in pieces; where the content is text alone, this is the content.
        parts: The content where it came as a list of parts, as Mistral's thinking models send it.
        deferred: The choice folded last, if all but what it added still has to be folded.
        is_completion: Whether it is one of the older completions.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.fields: dict[str, Any] = {"index": index}
        self.message = Piece()
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.parts: list[Piece] | None = None
        self.lists: dict[str, Pieces] = {}
        self.audio = Piece()
        self.calls = ToolCalls()
        self.legacy_call = ToolCalls()
        self.logprobs: dict[str, Any] | None = None
        self.deferred: dict[str, Any] | None = None
        self.is_completion = False

    def fold(self, choice: dict[str, Any], frame: dict[str, Any]) -> FullDelta:
        """Fold what a frame says of this choice. An answer that was not streamed has a message for a delta."""
        self.fold_deferred()
        text, thinking = "", ""
        calls: list[ToolCall] = []
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            text, thinking = self.fold_content(delta.get("content")) if "content" in delta else ("", "")
            thinking += next((value for name in _THINKING if (value := text_of(delta.get(name)))), "")
            self.fold_message(delta, calls)
        elif isinstance(choice.get("text"), str):
            self.is_completion = True
            text = choice["text"]
        if text:
            self.texts.append(text)
        if thinking:
            self.thoughts.append(thinking)
        self.fold_fields(choice)
        reason = choice.get("finish_reason")
        if reason:
            self.finish(reason not in _CUT if isinstance(reason, str) else True)
        return FullDelta(frame, text, thinking, calls, choice=self.index)

    def fold_frequent(self, delta: dict[str, Any], frame: dict[str, Any]) -> Delta | None:
        """Fold the most frequent deltas, of text or arguments alone; None of any other.

        Raises:
            KeyError, TypeError, ValueError: It is another one, and nothing was folded.
        """
        text = delta.get("content")
        if text.__class__ is str and self.parts is None:
            self.texts.append(text)
            if self.index:
                return FullDelta(frame, text, choice=self.index)
            plain = TextDelta()
            plain.raw = frame
            plain.text = text
            return plain
        if "tool_calls" in delta and not self.index:
            (call,) = delta["tool_calls"]
            function = call["function"]
            if len(call) == 2 and len(function) == 1 and call["index"].__class__ is int:
                grown = self.calls.with_index(call["index"])
                arguments = function["arguments"]
                if grown is not None and arguments.__class__ is str:
                    added = CallDelta()
                    added.raw = frame
                    added.tool_calls = (grown,)
                    added.arguments = (grown.add_and_take(arguments),)
                    return added
        return None

    def fold_content(self, content: Any) -> tuple[str, str]:
        """The text and thoughts of content, which is text, or a list of parts of either kind."""
        if isinstance(content, str):
            if self.parts is not None and content:
                self.part("text").join("text", content)
            elif "content" not in self.message.fields or self.message.fields["content"] is None:
                self.message.fields["content"] = ""
            return content, ""
        if not isinstance(content, list):
            self.message.fields.setdefault("content", None)
            return "", ""
        if self.parts is None:
            self.parts = []
            if joined(self.texts):
                self.part("text").join("text", joined(self.texts))
        text, thinking = "", ""
        for each in dicts_of(content):
            kind = text_of(each.get("type"))
            if kind == "thinking" and isinstance(each.get("thinking"), list):
                thought = "".join(text_of(inner.get("text")) for inner in dicts_of(each["thinking"]))
                part = self.part(kind)
                part.join("thinking", thought)
                part.add({name: value for name, value in each.items() if name not in ("type", "thinking")}, ())
                thinking += thought
            elif kind == "text":
                self.part(kind).add(each, ("text",))
                text += text_of(each.get("text"))
            else:
                self.part(kind, new=True).add(each, ())
        return text, thinking

    def part(self, kind: str, new: bool = False) -> Piece:
        """The part that text of this kind goes to: the last one, where that is of the kind."""
        assert self.parts is not None
        if new or not self.parts or self.parts[-1].fields.get("type") != kind:
            self.parts.append(Piece())
            self.parts[-1].fields["type"] = kind
        return self.parts[-1]

    def fold_message(self, delta: dict[str, Any], calls: list[ToolCall]) -> None:
        for name, value in delta.items():
            if name == "tool_calls":
                named: set[int | None] = set()
                for call in dicts_of(value):
                    index = as_index(call.get("index"))
                    # No server splits the name of a call: two names in one frame are two calls.
                    is_named = bool(dict_of(call.get("function")).get("name"))
                    calls.append(self.add_call(call, another=is_named and not call.get("id") and index in named))
                    if is_named:
                        named.add(index)
            elif name == "function_call" and isinstance(value, dict):
                opened = self.legacy_call.add(index=0, name=value.get("name"), arguments=value.get("arguments"))
                calls.append(opened)
            elif name == "audio" and isinstance(value, dict):
                self.audio.add(value, ("data", "transcript"))
            elif isinstance(value, list) and name not in _APART:
                if name not in self.lists:
                    self.lists[name] = Pieces(("text", "summary", "data", "signature"))
                self.lists[name].add(value)
            elif name not in _APART:
                self.message.add({name: value}, _JOINED)

    def add_call(self, call: dict[str, Any], another: bool) -> ToolCall:
        holder = "custom" if isinstance(call.get("custom"), dict) else "function"
        function = dict_of(call.get(holder))
        kind = call.get("type")
        if not kind and holder == "custom":
            kind = "custom"
        add = self.calls.open if another else self.calls.add
        return add(
            id=call.get("id"),
            index=call.get("index"),
            name=function.get("name"),
            arguments=function.get("input" if holder == "custom" else "arguments"),
            type=kind,
            **{name: value for name, value in call.items() if name not in _OF_CALL},
        )

    def fold_fields(self, choice: dict[str, Any]) -> None:
        for name, value in choice.items():
            if name == "logprobs" and isinstance(value, dict):
                self.fold_logprobs(value)
            elif name not in ("delta", "message", "text", "index") and (value is not None or name not in self.fields):
                self.fields[name] = value

    def fold_logprobs(self, new: dict[str, Any]) -> None:
        if self.logprobs is None:
            self.logprobs = {}
        for name, value in new.items():
            known = self.logprobs.get(name)
            if isinstance(value, list) and isinstance(known, list):
                known += value
            elif value is not None or name not in self.logprobs:
                self.logprobs[name] = list(value) if isinstance(value, list) else value

    def fold_deferred(self) -> None:
        """Fold what a plain frame says of this choice beside its text."""
        if self.deferred is not None:
            plain, self.deferred = self.deferred, None
            self.fold_fields(plain)
            if self.texts:
                # A plain frame is only taken for a choice whose content is text.
                self.message.fields["content"] = ""

    @property
    def finished(self) -> bool:
        return bool(self.fields.get("finish_reason"))

    def finish(self, complete: bool) -> None:
        self.calls.finish(complete=complete)
        self.legacy_call.finish(complete=complete)

    @property
    def text(self) -> str:
        return joined(self.texts)

    @property
    def thinking(self) -> str:
        return joined(self.thoughts)

    @property
    def refusal(self) -> str:
        return joined(self.message.texts.get("refusal", []))

    @property
    def tool_calls(self) -> list[ToolCall]:
        return [*self.calls, *self.legacy_call]

    def body(self) -> dict[str, Any]:
        """The choice, as an answer that was not streamed has it."""
        self.fold_deferred()
        choice = {**self.fields, "finish_reason": self.fields.get("finish_reason")}
        if self.logprobs is not None:
            choice["logprobs"] = {
                name: list(each) if isinstance(each, list) else each for name, each in self.logprobs.items()
            }
        if self.is_completion:
            choice["text"] = self.text
            return choice
        message = {"role": "assistant", "content": None, **self.message.body()}
        if self.parts is not None:
            message["content"] = [_part_body(part) for part in self.parts]
        elif message["content"] is not None:
            message["content"] = self.text
        message.update((name, pieces.body()) for name, pieces in self.lists.items())
        if self.audio.fields:
            message["audio"] = self.audio.body()
        if len(self.calls):
            message["tool_calls"] = [_call_body(call) for call in self.calls]
        for call in self.legacy_call:
            message["function_call"] = {"name": call.name, "arguments": call.raw}
        choice["message"] = message
        return choice


_OF_CALL = frozenset({"id", "index", "type", "function", "custom"})


def _part_body(part: Piece) -> dict[str, Any]:
    body = part.body()
    if body["type"] == "thinking":
        body["thinking"] = [{"type": "text", "text": body.get("thinking", "")}]
    return body


def _call_body(call: ToolCall) -> dict[str, Any]:
    body: dict[str, Any] = {} if call.synthetic else {"id": call.id}
    body["type"] = call.type or "function"
    if call.type == "custom":
        body["custom"] = {"name": call.name, "input": call.raw}
    else:
        body["function"] = {"name": call.name, "arguments": call.raw}
    return {**body, **call.extra}
