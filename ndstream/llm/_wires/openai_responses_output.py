"""The output of a response: its items, and the events about one of them, by id, by index, or without either.

Servers that imitate the API leave out most of what says where a delta belongs, and some change the ids of items from
event to event; so an item is looked up by its id, then by its index; without either, the last one is meant.
"""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import as_index, dict_of, label_of, text_of
from ndstream.llm._limits import PartCounter
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.openai_responses_calls import EVENTS, arguments_field
from ndstream.llm._wires.openai_responses_item import Item
from ndstream.llm._wires.output_log import OutputLog

TEXTS = {"response.output_text": "text", "response.refusal": "refusal"}
"""Events that bring texts, before ``.delta`` and ``.done``, and the name of the text."""
THOUGHTS = frozenset({"response.reasoning_text", "response.reasoning_summary_text"})
OTHER_NAMES = {
    "response.text": "response.output_text",
    "response.reasoning": "response.reasoning_text",
    "response.reasoning_content": "response.reasoning_text",
    "response.reasoning_summary": "response.reasoning_summary_text",
}
"""What gateways and earlier versions of the API call these events."""
PARTS = {
    "response.content_part": "content",
    # As vLLM calls it.
    "response.reasoning_part": "content",
    "response.reasoning_summary_part": "summary",
}


class Output:
    """The items so far."""

    def __init__(self, part_counter: PartCounter, calls: ToolCalls, log: OutputLog) -> None:
        self._part_counter = part_counter
        self._calls = calls
        self._log = log
        self.items: list[Item] = []
        self._by_id: dict[str, Item] = {}
        self._by_index: dict[int, Item] = {}

    def item(self, event: dict[str, Any]) -> Item:
        """The item that an event is about."""
        return self.find(event.get("item_id"), event.get("output_index"))

    def start_item(self, event: dict[str, Any]) -> ToolCall | None:
        """Fold the begin of an item. Returns its call, if it is one."""
        given = dict_of(event.get("item"))
        if not given:
            return None
        item = self.start(given, event.get("output_index"))
        item.fold(given, self._calls, self._log)
        return item.call

    def end_item(self, event: dict[str, Any]) -> ToolCall | None:
        """Fold an item as a whole at its end. Returns its call, if it is one."""
        given = dict_of(event.get("item"))
        item = self.find(given.get("id"), event.get("output_index"))
        item.fold(given, self._calls, self._log)
        item.end(given)
        return item.call

    def fold_done(self, stem: str, event: dict[str, Any]) -> ToolCall | None:
        """Fold what an event says as a whole. Returns the call whose arguments these are."""
        stem = OTHER_NAMES.get(stem, stem)
        if stem in TEXTS:
            self.item(event).set_text(TEXTS[stem], text_of(event.get(TEXTS[stem])), event, self._log)
        elif stem in THOUGHTS:
            self.item(event).set_thought(stem, text_of(event.get("text")), event, self._log)
        elif stem in PARTS:
            self.set_part(stem, event)
        elif stem in EVENTS:
            call = self.item(event).called(self._calls, EVENTS[stem])
            call.set_final_arguments(event.get(arguments_field(EVENTS[stem])))
            return call
        return None

    def set_part(self, stem: str, event: dict[str, Any]) -> None:
        """Fold a part, which may have text when it begins, and has all of it when it ends."""
        name = PARTS[stem]
        self.item(event).set_part(name, event.get(f"{name}_index"), dict_of(event.get("part")), self._log)

    def find(self, identity: Any, index: Any) -> Item:
        """The item that an event is about, which may be a new one."""
        key, number = label_of(identity), as_index(index)
        if key in self._by_id:
            return self._by_id[key]
        if number is not None:
            return self._by_index.get(number) or self._new(key, number)
        # An id that is new and all there is to go by is another item's.
        return self.items[-1] if self.items and not key else self._new(key, None)

    def start(self, given: dict[str, Any], index: Any) -> Item:
        """The item that begins with an event, or that deltas have begun already. One that has ended is another."""
        key, number = label_of(given.get("id")), as_index(index)
        known = self._by_id.get(key) or (None if number is None else self._by_index.get(number))
        if known is not None and not known.ended:
            self._name(known, given)
            return known
        item = self._new(key, number)
        self._name(item, given)
        return item

    def in_order(self) -> list[Item]:
        return sorted(self.items, key=lambda item: item.index)

    def match(self, output: list[dict[str, Any]]) -> list[tuple[Item, dict[str, Any]]]:
        """The item for each one of a whole output.

        It is known by its id or by that of its call; else by its position, if it is of the same type; else it is the
        first one of its type that is left. What the output leaves out stays.
        """
        before = self.in_order()
        found: list[Item | None] = []
        for given in output:
            names = (label_of(given.get(name)) for name in ("id", "call_id"))
            found.append(next((self._by_id[name] for name in names if name in self._by_id), None))
        taken = {id(item) for item in found if item is not None}
        for position, given in enumerate(output):
            if found[position] is None and position < len(before):
                item = before[position]
                if id(item) not in taken and item.fields.get("type") in (None, given.get("type")):
                    found[position] = item
                    taken.add(id(item))
        left: dict[Any, list[Item]] = {}
        for item in reversed(before):
            if id(item) not in taken:
                left.setdefault(label_of(item.fields.get("type")), []).append(item)
        matched = []
        free = max(self._by_index, default=-1) + 1
        for position, given in enumerate(output):
            item_or_none = found[position]
            if item_or_none is None:
                of_type = left.get(label_of(given.get("type")))
                item_or_none = of_type.pop() if of_type else None
            if item_or_none is None:
                index = position if position not in self._by_index else free
                free = max(free, index + 1)
                item_or_none = self._new("", index)
            self._name(item_or_none, given)
            matched.append((item_or_none, given))
        return matched

    def _new(self, key: str, number: int | None) -> Item:
        item = Item(len(self.items) if number is None else number, self._part_counter)
        if not self._part_counter.count():
            return item
        self.items.append(item)
        known = self._by_index.get(item.index)
        if known is None or known.ended:
            self._by_index[item.index] = item
        if key:
            self._by_id[key] = item
        return item

    def _name(self, item: Item, given: dict[str, Any]) -> None:
        for name in ("id", "call_id"):
            key = label_of(given.get(name))
            if key:
                self._by_id.setdefault(key, item)
