"""The parts of a message, as targets write them: one open at a time, unless calls may interleave."""

from __future__ import annotations

from typing import Any

import orjson

from ndstream.llm import ToolCall
from ndstream.llm._tool_calls.argument_texts import encoded
from ndstream.llm._tool_calls.call_types import FREE_TEXT


class Part:
    """A run of text, a run of thoughts, or a tool call.

    Attributes:
        kind: ``text``, ``thinking`` or ``call``.
        index: Which part of the message it is, counted from 0 in the order in which parts open; -1 before that.
        pieces: What came and is not written yet.
        signature: What the server has signed its thoughts with; "" if nothing.
    """

    __slots__ = ("index", "kind", "pieces", "signature")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.index = -1
        self.pieces: list[str] = []
        self.signature = ""


class CallPart(Part):
    """A tool call.

    Attributes:
        call: The call, which grows as the reply goes on.
        number: Which call of the choice it is, counted from 0 in the order in which calls start; -1 before that.
        id: The call's id, which no other call of the reply has; "" before the call starts.
        written: How many characters of its arguments are written; what came since is in `pieces`.
        ended: Whether its end is written.
        ended_well: Whether it was complete then.
        is_left_out: Whether it is not for the client, since the upstream runs it by itself.
    """

    __slots__ = (
        "_beginning", "_in_pieces", "_looked_at", "_name_at_start", "call", "ended", "ended_well", "id", "is_left_out",
        "number", "written",
    )  # fmt: skip

    def __init__(self, call: ToolCall) -> None:
        super().__init__("call")
        self.call = call
        self.number = -1
        self.id = ""
        self.written = 0
        self.ended = False
        self.ended_well = False
        self.is_left_out = False
        self._name_at_start = ""
        # Whether arguments were written before the call ended.
        self._in_pieces = False
        # The first characters of the arguments but for white space, and how many pieces were looked at for them.
        self._beginning = ""
        self._looked_at = 0

    @property
    def is_changed(self) -> bool:
        """Whether the upstream changed what is written, or added to a call whose end is written."""
        renamed = self.name != self._name_at_start
        return renamed or bool(self.pieces) or (self._in_pieces and self.call.arguments_revised)

    def start(self, number: int, id: str) -> None:
        """Note that its start is written now."""
        self.number = number
        self.id = id
        self._name_at_start = self.name

    @property
    def name(self) -> str:
        """The name of the tool; "" while it is not known. A server's own tool may have no name but its type."""
        return self.call.name or (self.call.type or "" if self.call.run_by == "server" else "")

    @property
    def arguments(self) -> Any:
        """The decoded arguments of a complete call. The text of a custom call is an object with this ``input``."""
        arguments = self.call.arguments
        return {"input": arguments} if self._is_free_text else arguments

    @property
    def json(self) -> Any:
        """The arguments as a value of a frame. Whole numbers past 64 bits are JSON, though orjson writes none."""
        text = encoded(self.arguments)
        return orjson.Fragment(text) if text else self.arguments

    def next_fragment(self) -> str:
        """What the arguments have gained since the last time; "" if nothing, or if it has to wait for the end.

        All of it waits unless it surely begins the arguments: a custom call's text is no JSON, JSON may be encoded
        twice, and some servers send ``{}`` or ``null`` first and the arguments later.
        """
        if not self.written:
            if not self.call.closed:
                if self.call.came_decoded or self.call.arguments_revised or not self._begins_object():
                    return ""
                self._in_pieces = True
            else:
                raw = self.call.raw
                as_sent = self.call.incomplete or (raw.lstrip()[:1] == "{" and not self._is_free_text)
                self.pieces[:] = [raw if as_sent else encoded(self.arguments)]
        fragment = "".join(self.pieces)
        self.pieces.clear()
        self.written += len(fragment)
        return fragment

    def _begins_object(self) -> bool:
        """Whether the pieces are sure to begin an object that says something. Each is looked at once."""
        for piece in self.pieces[self._looked_at :]:
            if len(self._beginning) < 2:
                self._beginning += "".join(piece.split())[:2]
        self._looked_at = len(self.pieces)
        beginning = self._beginning
        return len(beginning) > 1 and beginning[0] == "{" and beginning[1] != "}" and not self._is_free_text

    @property
    def _is_free_text(self) -> bool:
        return self.call.type in FREE_TEXT
