"""Wires whose reply is one message: text, thoughts and tool calls that only grow."""

from __future__ import annotations

from ndstream.llm._lenient_readers import joined
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.wire import Wire


class SingleMessage(Wire):
    """The base of such wires, which add to these.

    Attributes:
        texts: The text so far, in pieces.
        thoughts: The thoughts so far, in pieces.
        calls: The tool calls so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.calls = ToolCalls()

    @property
    def text(self) -> str:
        return joined(self.texts)

    @property
    def thinking(self) -> str:
        return joined(self.thoughts)

    def has_client_calls(self, choice: int) -> bool:
        return self.calls.has_client_calls

    @property
    def tool_calls(self) -> list[ToolCall]:
        return list(self.calls)
