"""One item of a response: a message, a thought, a call of some tool."""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import as_index, dicts_of, joined
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.merging import Piece

_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "tool_search_call": "arguments",
    "shell_call": "action",
    "local_shell_call": "action",
    "apply_patch_call": "operation",
    "computer_call": "action",
    "mcp_call": "arguments",
    "web_search_call": "action",
}
"""Items that are tool calls, and where they keep their arguments."""
_GROWING = frozenset({"function_call", "custom_tool_call", "mcp_call"})
"""Those whose arguments come as text, in pieces."""


class Item:
    """The state of one item.

    Attributes:
        index: Its place in the output.
        fields: What was said of it, but for what grows.
        call: The tool call, where it is one.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.fields: dict[str, Any] = {}
        self.parts: dict[str, dict[int, Piece]] = {"content": {}, "summary": {}}
        self.call: ToolCall | None = None
        self.ended = False

    def start(self, given: dict[str, Any], calls: ToolCalls) -> None:
        for name, value in given.items():
            if name in self.parts and isinstance(value, list):
                # The list is there, whether anything is in it yet or not.
                self.fields.setdefault(name, [])
                for place, each in enumerate(dicts_of(value)):
                    if place not in self.parts[name]:
                        self.part(name, place).add(each, ("text", "refusal"))
            elif value is not None or name not in self.fields:
                self.fields[name] = value
        kind = given.get("type")
        if isinstance(kind, str) and kind in _CALLS:
            call = self.called(calls)
            given_arguments = given.get(_CALLS[kind])
            if given_arguments and not call.raw:
                call.add_arguments(given_arguments)

    def fold_final(self, given: dict[str, Any], calls: ToolCalls) -> None:
        """What is said at the end is the whole."""
        self.start(given, calls)
        for name, parts in self.parts.items():
            for place, each in enumerate(dicts_of(given.get(name))):
                known = parts.get(place) or self.part(name, place)
                known.clear()
                known.add(each, ("text", "refusal"))
        self.fields.update({name: value for name, value in given.items() if name not in self.parts})
        if self.call is not None:
            self.call.close(complete=given.get("status") != "incomplete")
        self.ended = True

    def part(self, name: str, index: Any) -> Piece:
        parts = self.parts[name]
        known = as_index(index)
        key = max(parts, default=0) if known is None else known
        if key not in parts:
            parts[key] = Piece()
        return parts[key]

    def end_part(self, name: str, index: Any, given: dict[str, Any]) -> None:
        part = self.part(name, index)
        known = any(part.texts.values())
        part.add({key: value for key, value in given.items() if not (known and key in part.texts)}, ("text", "refusal"))

    def add_text(self, name: str, value: str, frame: dict[str, Any]) -> None:
        self.fields.setdefault("type", "message")
        part = self.part("content", frame.get("content_index"))
        part.fields.setdefault("type", "output_text" if name == "text" else name)
        part.join(name, value)
        if isinstance(frame.get("logprobs"), list) and frame["logprobs"]:
            part.extend("logprobs", frame["logprobs"])

    def add_thinking(self, stem: str, value: str, frame: dict[str, Any]) -> None:
        self.fields.setdefault("type", "reasoning")
        part = self._thinking_part(stem, frame)
        part.fields.setdefault("type", "summary_text" if stem.endswith("summary_text") else "reasoning_text")
        part.join("text", value)

    def has_text(self, name: str, frame: dict[str, Any]) -> bool:
        return bool(self.part("content", frame.get("content_index")).texts.get(name))

    def has_thinking(self, stem: str, frame: dict[str, Any]) -> bool:
        return bool(self._thinking_part(stem, frame).texts.get("text"))

    def _thinking_part(self, stem: str, frame: dict[str, Any]) -> Piece:
        if stem.endswith("summary_text"):
            return self.part("summary", frame.get("summary_index"))
        return self.part("content", frame.get("content_index"))

    def annotate(self, index: Any, annotation: Any) -> None:
        self.part("content", index).extend("annotations", [annotation])

    def called(self, calls: ToolCalls) -> ToolCall:
        """The tool call that this item is."""
        if self.call is None:
            self.fields.setdefault("type", "function_call")
            self.call = calls.open(
                id=self.fields.get("call_id") or self.fields.get("id"),
                index=self.index,
                name=self.fields.get("name") or _name_of(self.fields["type"]),
                type=self.fields["type"],
                **({"execution": self.fields["execution"]} if "execution" in self.fields else {}),
            )
        return self.call

    def _texts(self, kind: str) -> str:
        held = self.fields.get("type") == "reasoning"
        if kind == "text":
            return "" if held else self._join("content")
        return self._join("summary") + (self._join("content") if held else "")

    def _join(self, name: str) -> str:
        parts = self.parts[name]
        return "".join(joined(parts[index].texts.get("text", [])) for index in sorted(parts))

    @property
    def text(self) -> str:
        return self._texts("text")

    @property
    def refusal(self) -> str:
        parts = self.parts["content"]
        return "".join(joined(parts[index].texts.get("refusal", [])) for index in sorted(parts))

    @property
    def thinking(self) -> str:
        return self._texts("thinking")

    def body(self) -> dict[str, Any]:
        body = dict(self.fields)
        for name, parts in self.parts.items():
            if parts:
                body[name] = [parts[index].body() for index in sorted(parts)]
        kind = body.get("type")
        if self.call is not None and not self.ended and (kind in _GROWING or kind not in _CALLS):
            body[_CALLS.get(str(kind), "arguments")] = self.call.raw
        return body


def _name_of(kind: Any) -> str | None:
    """What a call of a tool that the API itself defines is named for: its type."""
    return None if not isinstance(kind, str) or kind in _GROWING else kind.removesuffix("_call")
