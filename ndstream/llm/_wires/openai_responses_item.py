"""One item of a response: a message, a thought, a call of some tool."""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import as_index, dicts_of, label_of, says_nothing, text_of
from ndstream.llm._limits import PartCounter
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.merging import Piece
from ndstream.llm._wires.openai_responses_calls import (
    GROWING,
    WHERE_IT_RUNS,
    arguments_field,
    arguments_of,
    is_call,
    name_of,
)
from ndstream.llm._wires.output_log import OutputLog

_TEXTS = ("text", "refusal")
_TYPES_OF_TEXT = frozenset({"message", "reasoning"})
_BETWEEN_SUMMARIES = "\n\n"
"""What the official view puts between the parts of a summary, which are paragraphs."""


class Item:
    """The state of one item.

    Attributes:
        index: Its position in the output.
        fields: What was said of it, but for what grows.
        parts: The parts of its content and of its summary, by their index.
        call: The tool call, if it is one.
        ended: Whether the server said that it is done.
    """

    def __init__(self, index: int, part_counter: PartCounter) -> None:
        self.index = index
        self._part_counter = part_counter
        self.fields: dict[str, Any] = {}
        self.parts: dict[str, dict[int, Piece]] = {"content": {}, "summary": {}}
        self.call: ToolCall | None = None
        self.ended = False
        self._last_index = {"content": 0, "summary": 0}
        self._has_summary = False

    def fold(self, given: dict[str, Any], calls: ToolCalls, log: OutputLog) -> bool:
        """Fold the item as the server says it, at its beginning or as a whole at its end.

        What says nothing replaces nothing; a text goes on with its pieces or takes their place.

        Returns:
            Whether its call was opened, or its arguments changed.
        """
        for name, value in given.items():
            if name in self.parts:
                # The list is there, whether anything is in it yet or not.
                self.fields.setdefault(name, [] if isinstance(value, list) else value)
            elif name not in self.fields or not says_nothing(value):
                self.fields[name] = value
        for name in self.parts:
            parts = given.get(name)
            if not says_nothing(parts) and label_of(self.fields.get("type")) in _TYPES_OF_TEXT:
                # Text in place of a list, or of a part, is short for one part of text.
                parts = [
                    {"type": self._type_of_text(name), "text": part} if isinstance(part, str) else part
                    for part in (parts if isinstance(parts, list) else [parts])
                ]
            parts = list(dicts_of(parts))
            if parts:
                self._set_parts(name, parts, log)
        kind = label_of(given.get("type"))
        if not is_call(kind):
            return False
        before = None if self.call is None else self.call.raw
        call = self.called(calls, kind)
        call.set_final_arguments(arguments_of(kind, given))
        return before is None or call.raw != before

    def end(self, given: dict[str, Any]) -> None:
        """Note that the server said that it is done."""
        if self.call is not None:
            self.call.close(complete=given.get("status") != "incomplete")
        self.ended = True

    def part(self, name: str, index: Any) -> Piece:
        """The part with this index, or the last one that was meant if there is no index."""
        parts = self.parts[name]
        known = as_index(index)
        key = self._last_index[name] = self._last_index[name] if known is None else known
        part = parts.get(key)
        if part is None:
            part = Piece()
            if self._part_counter.count():
                parts[key] = part
        return part

    def set_part(self, name: str, index: Any, given: dict[str, Any], log: OutputLog) -> None:
        """Fold a part that comes as a whole."""
        if given:
            self._set_part(name, self.part(name, index), given, log)

    def add_text(self, name: str, value: str, frame: dict[str, Any], log: OutputLog) -> list[str]:
        """Add a piece of a text or of a refusal. Returns all of its pieces."""
        self.fields.setdefault("type", "message")
        part = self.part("content", frame.get("content_index"))
        part.fields.setdefault("type", "output_text" if name == "text" else name)
        pieces = part.join(name, value)
        if name == "text":
            log.add_text(value)
        else:
            log.refusals.append(value)
        if isinstance(frame.get("logprobs"), list) and frame["logprobs"]:
            part.extend("logprobs", frame["logprobs"])
        return pieces

    def set_text(self, name: str, value: str, frame: dict[str, Any], log: OutputLog) -> None:
        """Fold a text or a refusal that comes as a whole."""
        kind = "output_text" if name == "text" else name
        self.fields.setdefault("type", "message")
        self.set_part("content", frame.get("content_index"), {"type": kind, name: value}, log)

    def add_thought(self, stem: str, value: str, frame: dict[str, Any], log: OutputLog) -> None:
        """Add a piece of a thought."""
        self.fields.setdefault("type", "reasoning")
        name = "summary" if stem.endswith("summary_text") else "content"
        part = self.part(name, frame.get(f"{name}_index"))
        part.fields.setdefault("type", "reasoning_text" if name == "content" else "summary_text")
        begins = not part.text("text")
        part.join("text", value)
        self._log_thought(name, value, begins, log)

    def set_thought(self, stem: str, value: str, frame: dict[str, Any], log: OutputLog) -> None:
        """Fold a thought that comes as a whole."""
        self.fields.setdefault("type", "reasoning")
        name = "summary" if stem.endswith("summary_text") else "content"
        self.set_part(name, frame.get(f"{name}_index"), {"type": self._type_of_text(name), "text": value}, log)

    def annotate(self, index: Any, annotation: Any) -> None:
        self.part("content", index).extend("annotations", [annotation])

    def called(self, calls: ToolCalls, kind: str) -> ToolCall:
        """The tool call that this item is.

        Args:
            calls: The calls of the response.
            kind: The type of the item, as the event says it.
        """
        self.fields.setdefault("type", kind)
        where = {name: self.fields[name] for name in WHERE_IT_RUNS if name in self.fields}
        identity = label_of(self.fields.get("call_id")) or label_of(self.fields.get("id"))
        if self.call is None:
            self.call = calls.open(
                id=identity,
                index=self.index,
                name=name_of(self.fields),
                type=self.fields["type"],
                **where,
            )
        else:
            self.call.identify(identity, name_of(self.fields), self.fields["type"])
            self.call.extra.update(where)
        return self.call

    @property
    def text(self) -> str:
        """The text that belongs to the item, whenever it came."""
        return "" if self._thinks else self._join("content", "text")

    @property
    def thinking(self) -> str:
        summaries = [
            text for index in sorted(self.parts["summary"]) if (text := self.parts["summary"][index].text("text"))
        ]
        return _BETWEEN_SUMMARIES.join(summaries) + (self._join("content", "text") if self._thinks else "")

    def body(self) -> dict[str, Any]:
        body = dict(self.fields)
        for name, parts in self.parts.items():
            if parts:
                body[name] = [parts[index].body() for index in sorted(parts)]
        kind = label_of(body.get("type"))
        if self.call is not None and (kind in GROWING or not is_call(kind)):
            name = arguments_field(kind)
            if not self.ended or says_nothing(body.get(name)):
                body[name] = self.call.raw
        return body

    def _type_of_text(self, name: str) -> str:
        """The type of a part that is nothing but text."""
        if name == "summary":
            return "summary_text"
        return "reasoning_text" if self._thinks else "output_text"

    @property
    def _thinks(self) -> bool:
        return self.fields.get("type") == "reasoning"

    def _join(self, name: str, text: str) -> str:
        parts = self.parts[name]
        return "".join(parts[index].text(text) for index in sorted(parts))

    def _set_parts(self, name: str, given: list[dict[str, Any]], log: OutputLog) -> None:
        """Fold all parts as a whole, in their order, whatever index they had while they came."""
        known = self.parts[name]
        keys = sorted(known)
        for key in keys[len(given) :]:
            dropped = known.pop(key)
            if dropped.text("text"):
                self._revise(name, dropped, log)
        free_key = keys[-1] + 1 if keys else 0
        for position, each in enumerate(given):
            if position < len(keys):
                part = known[keys[position]]
            else:
                part = self.part(name, free_key)
                free_key += 1
            self._set_part(name, part, each, log)

    def _set_part(self, name: str, part: Piece, given: dict[str, Any], log: OutputLog) -> None:
        part.add({key: value for key, value in given.items() if key not in _TEXTS}, ())
        for text_name in _TEXTS:
            if text_name not in given:
                continue
            begins = not part.text(text_name)
            added = part.set_final(text_name, text_of(given[text_name]))
            if text_name == "refusal":
                if added is None:
                    log.refusals.clear()
                log.refusals.append(text_of(given[text_name]) if added is None else added)
            elif added is None:
                self._revise(name, part, log)
            elif self._is_thought(name, part):
                self._log_thought(name, added, begins, log)
            else:
                log.add_text(added)

    def _is_thought(self, name: str, part: Piece) -> bool:
        return name == "summary" or self._thinks or part.fields.get("type") == "reasoning_text"

    def _revise(self, name: str, part: Piece, log: OutputLog) -> None:
        if self._is_thought(name, part):
            log.thinking_revised = True
        else:
            log.text_revised = True

    def _log_thought(self, name: str, thought: str, begins: bool, log: OutputLog) -> None:
        if name == "summary" and thought:
            if begins and self._has_summary:
                log.add_thought(_BETWEEN_SUMMARIES)
            self._has_summary = True
        log.add_thought(thought)
