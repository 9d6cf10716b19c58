"""What one frame adds to a reply: plain attributes, and nothing made for the parts that are absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ndstream.llm._finish_reason import FinishReason
    from ndstream.llm._tool_calls.tool_call import ToolCall

_SHOWN = ("text", "thinking", "signature", "tool_calls", "arguments", "usage", "finish_reason", "choice")


class Delta:
    """A step of a reply.

    Attributes:
        text: What it adds to the text; empty if it adds none.
        thinking: What it adds to the thoughts; empty if it adds none.
        signature: What Anthropic has signed the thoughts of the block with, which it takes back with them alone; empty
            of all deltas but the one that brings it. A block of thoughts that are kept secret has nothing else.
        tool_calls: The tool calls that it opens or adds to; they grow as the reply goes on.
        arguments: What each of `tool_calls` gained, as JSON text, in their order. A call's, over all deltas, add up
            to its `raw`, unless its `arguments_revised` is set.
        usage: The token counts that it brings, as the server writes them; mostly None.
        finish_reason: Why the choice finished, in the words of all wires; None of all deltas but the one that
            brings it.
        raw: The decoded frame it came from.
        choice: Which of several answers to one request it belongs to, counted from 0.

    Example:
        >>> from ndstream import llm
        >>> list(llm.reply(b'{"response":"Hi","done":true}'))
        [Delta(text='Hi')]
    """

    __slots__ = ("raw",)

    # Read from the class if a delta does not have its own.
    text: str = ""
    thinking: str = ""
    signature: str = ""
    tool_calls: Sequence[ToolCall] = ()
    arguments: Sequence[str] = ()
    usage: dict[str, Any] | None = None
    finish_reason: FinishReason | None = None
    choice: int = 0

    raw: Any

    def __repr__(self) -> str:
        parts = [f"{name}={value!r}" for name in _SHOWN if (value := getattr(self, name))]
        return f"Delta({', '.join(parts)})"


class TextDelta(Delta):
    """One that has text alone. Made without arguments and filled in: an ``__init__`` would cost half of it."""

    __slots__ = ("text",)

    text: str


class CallDelta(Delta):
    """One that adds to tool calls alone, made in the same way."""

    __slots__ = ("arguments", "tool_calls")

    tool_calls: Sequence[ToolCall]
    arguments: Sequence[str]


class FullDelta(Delta):
    """One of any kind."""

    __slots__ = ("arguments", "choice", "finish_reason", "text", "thinking", "tool_calls", "usage")

    def __init__(
        self,
        raw: Any,
        text: str = "",
        thinking: str = "",
        tool_calls: Sequence[ToolCall] = (),
        usage: dict[str, Any] | None = None,
        choice: int = 0,
        finish_reason: FinishReason | None = None,
    ) -> None:
        self.raw = raw
        self.text = text
        self.thinking = thinking
        self.tool_calls = tool_calls
        self.arguments = [call.take_added() for call in tool_calls] if tool_calls else ()
        self.usage = usage
        self.choice = choice
        self.finish_reason = finish_reason


class SignatureDelta(FullDelta):
    """One that brings a signature."""

    __slots__ = ("signature",)

    signature: str
