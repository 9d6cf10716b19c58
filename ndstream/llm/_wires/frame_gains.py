"""What one frame adds to a reply, gathered while the frame is folded and joined once at its end.

A frame may hold any number of parts, so that adding each to the delta's text would cost their number squared.
"""

from __future__ import annotations

from typing import Any

from ndstream.llm._delta import FullDelta
from ndstream.llm._finish_reason import FinishReason
from ndstream.llm._tool_calls.tool_call import ToolCall


class FrameGains:
    """The parts of a delta, as they are found in a frame."""

    __slots__ = ("finish_reason", "texts", "thoughts", "tool_calls", "usage")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.tool_calls: list[ToolCall] = []
        self.usage: dict[str, Any] | None = None
        self.finish_reason: FinishReason | None = None

    def delta(self, frame: Any) -> FullDelta:
        """The delta of the frame, now that all of it is folded."""
        return FullDelta(
            frame,
            "".join(self.texts),
            "".join(self.thoughts),
            self.tool_calls,
            self.usage,
            finish_reason=self.finish_reason,
        )
