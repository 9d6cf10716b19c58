"""One block of the content of a Bedrock message."""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import dict_of, joined, label_of
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.merging import Piece


class Block:
    """One block of the content: text, reasoning, a tool call, or what its start says."""

    __slots__ = (
        "call",
        "citations",
        "fields",
        "index",
        "more",
        "redacted",
        "results",
        "signature",
        "stopped",
        "texts",
        "thoughts",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.fields: dict[str, Any] = {}
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.signature: list[str] = []
        self.redacted: Any = None
        self.citations: list[Any] = []
        self.results: list[Any] = []
        # Of deltas, what images and blocks to come are made of.
        self.more = Piece()
        self.call: ToolCall | None = None
        self.stopped = False

    def goes_on_with(self, tool: dict[str, Any]) -> bool:
        """Whether the begin of a tool call is about this block once more, and not about another with its index."""
        if self.call is None:
            return not (self.texts or self.thoughts)
        identity = label_of(tool.get("toolUseId"))
        return identity == self.call.id or self.call.synthetic or not (identity or self.call.has_arguments)

    def body(self) -> dict[str, Any]:
        body = dict(self.fields)
        for name, value in self.more.body().items():
            body[name] = {**dict_of(body.get(name)), **value} if isinstance(value, dict) else value
        if self.call is not None:
            body["toolUse"] = {**dict_of(body.get("toolUse")), "toolUseId": self.call.id, "name": self.call.name}
            if self.call.arguments is not None:
                body["toolUse"]["input"] = self.call.arguments
        if self.thoughts or self.signature:
            reasoning = {"text": joined(self.thoughts)}
            if self.signature:
                reasoning["signature"] = joined(self.signature)
            body["reasoningContent"] = {"reasoningText": reasoning}
        elif self.redacted is not None:
            body["reasoningContent"] = {"redactedContent": self.redacted}
        if self.results:
            body["toolResult"] = {**dict_of(body.get("toolResult")), "content": list(self.results)}
        if self.citations:
            body["citationsContent"] = {"content": [{"text": joined(self.texts)}], "citations": list(self.citations)}
        elif self.texts:
            body["text"] = joined(self.texts)
        return body
