"""Wires whose reply is one message: text, thoughts and tool calls that only grow."""

from __future__ import annotations

from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.growing_text import GrowingText
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
        self._text = GrowingText()
        self._thinking = GrowingText()
        self.texts = self._text.pieces
        self.thoughts = self._thinking.pieces
        self.calls = ToolCalls(self.part_counter)

    def finish(self, complete: bool) -> None:
        self.calls.finish(complete=complete)

    @property
    def text(self) -> str:
        return self._text.text

    @property
    def text_revised(self) -> bool:
        return self._text.revised

    @property
    def thinking(self) -> str:
        return self._thinking.text

    def set_final(self, text: str, thinking: str = "") -> tuple[str, str]:
        """Let a whole text and whole thoughts count in place of their pieces. Returns what they add to them."""
        return self._text.set_final(text), self._thinking.set_final(thinking)

    def has_client_calls(self, choice: int) -> bool:
        return self.calls.has_client_calls

    @property
    def tool_calls(self) -> list[ToolCall]:
        return list(self.calls)
