"""One step of an interaction: an output, a thought, a call or its result."""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import label_of, parts_of, says_nothing, text_of
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.merging import Piece


class Step:
    """One step; its texts are joined, and what grows item by item is kept as items."""

    __slots__ = ("call", "fields", "items", "stopped")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        # The content of an output, or the summary of a thought.
        self.items: list[Piece] = []
        self.call: ToolCall | None = None
        self.stopped = False

    def goes_on_with(self, begun: dict[str, Any]) -> bool:
        """Whether a begin is about this step once more, so that it is not another one with the same index."""
        for name in ("type", "id", "name", "call_id"):
            known, new = label_of(self.fields.get(name)), label_of(begun.get(name))
            if known and new and known != new:
                return False
        # A signature ends what it signs.
        return says_nothing(self.fields.get("signature"))

    def text_item(self) -> Piece:
        """The item that text is added to: the last one, if it is text."""
        if not self.items or self.items[-1].fields.get("type") != "text":
            self.items.append(Piece())
            self.items[-1].fields["type"] = "text"
        return self.items[-1]

    def body(self) -> dict[str, Any]:
        body = dict(self.fields)
        if self.items:
            body["summary" if body.get("type") == "thought" else "content"] = [item.body() for item in self.items]
        if self.call is not None and self.call.arguments is not None:
            body["arguments"] = self.call.arguments
        return body


def is_call(kind: str) -> bool:
    """Whether steps of this type are tool calls."""
    return kind.endswith("_call")


def call_of(step: dict[str, Any]) -> dict[str, Any]:
    """The call that a step is, in the words of the router: a tool of the server's has its type for a name."""
    kind = text_of(step.get("type"))
    name = label_of(step.get("name")) or kind.removesuffix("_call")
    return {"id": step.get("id"), "name": name, "arguments": step.get("arguments") or None, "type": kind}


def texts_of(steps: list[dict[str, Any]]) -> tuple[str, str]:
    """The text and the thoughts of whole steps."""
    texts: list[str] = []
    thoughts: list[str] = []
    for step in steps:
        is_thought = step.get("type") == "thought"
        for item in parts_of(step.get("summary" if is_thought else "content")):
            if item.get("type", "text") == "text":
                (thoughts if is_thought else texts).append(text_of(item.get("text")))
    return "".join(texts), "".join(thoughts)


def step_of(content: dict[str, Any]) -> dict[str, Any]:
    """The step that a content of the first version of the API is."""
    kind = text_of(content.get("type"))
    if kind == "thought" or kind.endswith(("_call", "_result")):
        return content
    return {"type": "model_output", "content": [content]}


def outputs_of(steps: list[dict[str, Any]]) -> list[Any]:
    """The contents that these steps are in the first version of the API, which has no outputs around them."""
    outputs: list[Any] = []
    for step in steps:
        outputs += step.get("content", []) if step.get("type") == "model_output" else [step]
    return outputs
