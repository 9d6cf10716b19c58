"""One block of an Anthropic message, and which blocks of a whole message are those that came in events.

A whole message wins over its events, but what has ended stays, though the message leaves it out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from ndstream.llm._lenient_readers import label_of, says_nothing
from ndstream.llm._tool_calls.argument_texts import are_equal
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.merging import Piece

TEXTS = ("text", "thinking")
_IDENTITY = ("type", "id", "name", "tool_use_id")


class Block(Piece):
    """One block of the content.

    Attributes:
        index: Its index.
        call: The tool call, if it is one.
        stopped: Whether it has ended.
    """

    __slots__ = ("call", "index", "stopped")

    def __init__(self, index: int) -> None:
        super().__init__()
        self.call: ToolCall | None = None
        self.index = index
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True
        if self.call is not None:
            self.call.close()

    def goes_on_with(self, begun: dict[str, Any]) -> bool:
        """Whether a begin is about this block once more."""
        if self.stopped:
            return False
        for name in _IDENTITY:
            known, new = label_of(self.fields.get(name)), label_of(begun.get(name))
            if known and new and known != new:
                return False
        if self.call is not None:
            return bool(label_of(begun.get("id"))) or not self.call.has_arguments
        if self.fields.get("type") in TEXTS:
            # A signature ends what it signs.
            return says_nothing(self.fields.get("signature"))
        return all(are_equal(self.fields.get(name), value) for name, value in begun.items())

    def body(self) -> dict[str, Any]:
        if self.call is not None and self.call.arguments is not None:
            return {**super().body(), "input": self.call.arguments}
        return super().body()


def matched(whole: list[dict[str, Any]], known: list[Block]) -> Iterator[tuple[dict[str, Any], Block | None]]:
    """Each block of a whole content with the one that it says once more; None if it is new.

    They are matched by their id; by their position, if they have the same type; else they are the first ones of their
    type that are left, since gateways leave out thoughts.
    """
    by_id = {identity: block for block in known if (identity := label_of(block.fields.get("id")))}
    left: dict[str, deque[Block]] = {}
    for block in known:
        left.setdefault(label_of(block.fields.get("type")), deque()).append(block)
    taken: set[int] = set()
    named = {id(by_id[identity]) for content in whole if (identity := label_of(content.get("id"))) in by_id}
    for position, content in enumerate(whole):
        kind = label_of(content.get("type"))
        found = by_id.get(label_of(content.get("id")))
        if found is None and position < len(known) and label_of(known[position].fields.get("type")) == kind:
            found = known[position] if id(known[position]) not in named else None
        if found is None or id(found) in taken or label_of(found.fields.get("type")) != kind:
            found = None
            others = left.get(kind, ())
            while others and found is None:
                other = others.popleft()
                found = None if id(other) in taken or id(other) in named else other
        if found is not None:
            taken.add(id(found))
        yield content, found
