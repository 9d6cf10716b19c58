"""The parts of a message, as targets write them: one open at a time, unless calls may interleave."""

from __future__ import annotations

from ndstream.llm import ToolCall


class Part:
    """A run of text, a run of thoughts, or a tool call.

    Attributes:
        kind: ``text``, ``thinking`` or ``call``.
        index: Which part of the message it is, counted from 0 in the order in which parts open; -1 before that.
        pieces: What came and is not written yet.
    """

    __slots__ = ("index", "kind", "pieces")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.index = -1
        self.pieces: list[str] = []


class CallPart(Part):
    """A tool call.

    Attributes:
        call: The call, which grows as the reply goes on.
        number: Which call of the choice it is, counted from 0.
        written: How many characters of its arguments are written; what came since is in `pieces`.
        ended: Whether its end is written.
    """

    __slots__ = ("call", "ended", "number", "written")

    def __init__(self, call: ToolCall, number: int) -> None:
        super().__init__("call")
        self.call = call
        self.number = number
        self.written = 0
        self.ended = False

    def next_fragment(self) -> str:
        """What the arguments have gained since the last time; "" if nothing."""
        if self.pieces:
            fragment = "".join(self.pieces)
            self.pieces.clear()
        elif self.call.complete and not self.written and self.call.arguments == {}:
            # None came, which is an empty object to the server and no JSON at all to clients.
            fragment = "{}"
        else:
            return ""
        self.written += len(fragment)
        return fragment
