"""OpenAI's Responses: items grow under many kinds of events, and the last event holds all of it once more.

Servers that imitate it leave out most of what says where a delta belongs, and some change the ids of items
from event to event; so an item is looked up by its id, then by its index; where neither is given, the last
one is meant.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError, error_in
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.openai_responses_item import Item
from ndstream.llm._wires.wire import Wire, overlay

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_TEXT = frozenset({"response.output_text", "response.refusal"})
_THINKING = frozenset({"response.reasoning_text", "response.reasoning_summary_text"})
_ARGUMENTS = frozenset(
    {
        "response.function_call_arguments",
        "response.custom_tool_call_input",
        "response.mcp_call_arguments",
    }
)


class OpenAIResponses(Wire):
    """OpenAI's ``/v1/responses``, and what imitates it."""

    name: ClassVar[str] = "openai-responses"

    def __init__(self) -> None:
        super().__init__()
        self.response: dict[str, Any] | None = None
        self.items: list[Item] = []
        self.by_id: dict[str, Item] = {}
        self.by_index: dict[int, Item] = {}
        self.calls = ToolCalls()

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        return text_of(frame.get("type")).startswith("response.") or (
            frame.get("object") == "response" and isinstance(frame.get("output"), list)
        )

    def fold(self, frame: Any, event: Event | None) -> Delta:
        if not isinstance(frame, dict) or self.look_for_error(frame, event):
            return FullDelta(frame)
        kind = text_of(frame.get("type"))
        stem, _, verb = kind.rpartition(".")
        if verb == "delta":
            return self.add(stem, frame)
        if kind == "response.output_item.added":
            return self.start_item(dict_of(frame.get("item")), frame)
        if kind == "response.output_item.done":
            return self.end_item(dict_of(frame.get("item")), frame)
        if verb == "done":
            return self.fold_done(stem, frame)
        if kind == "response.content_part.added":
            self.item(frame).part("content", frame.get("content_index")).add(
                dict_of(frame.get("part")), ("text", "refusal")
            )
        elif kind == "response.reasoning_summary_part.added":
            self.item(frame).part("summary", frame.get("summary_index")).add(dict_of(frame.get("part")), ("text",))
        elif kind == "response.output_text.annotation.added":
            self.item(frame).annotate(frame.get("content_index"), frame.get("annotation"))
        elif isinstance(frame.get("response"), dict):
            return self.change(kind, frame["response"], frame)
        elif frame.get("object") == "response":
            # Not streamed at all.
            return self.change(f"response.{frame.get('status')}", frame, frame)
        return FullDelta(frame)

    def item(self, frame: dict[str, Any]) -> Item:
        """The item that an event is about."""
        identity, index = frame.get("item_id"), as_index(frame.get("output_index"))
        if isinstance(identity, str) and identity in self.by_id:
            return self.by_id[identity]
        if index is not None:
            return self.by_index[index] if index in self.by_index else self.new_item(identity, index)
        # An id that is new and all there is to go by is another item's.
        return self.items[-1] if self.items and not isinstance(identity, str) else self.new_item(identity, None)

    def new_item(self, identity: Any, index: int | None) -> Item:
        item = Item(len(self.items) if index is None else index)
        self.items.append(item)
        self.by_index.setdefault(item.index, item)
        if isinstance(identity, str):
            self.by_id[identity] = item
        return item

    def start_item(self, given: dict[str, Any], frame: dict[str, Any]) -> Delta:
        identity, index = given.get("id"), as_index(frame.get("output_index"))
        known = self.by_id.get(identity) if isinstance(identity, str) else None
        if known is None and index is not None:
            known = self.by_index.get(index)
        item = known or self.new_item(identity, index)
        item.start(given, self.calls)
        return FullDelta(frame, tool_calls=() if item.call is None else (item.call,))

    def end_item(self, given: dict[str, Any], frame: dict[str, Any]) -> Delta:
        item = self.item({"item_id": given.get("id"), "output_index": frame.get("output_index")})
        before = len(item.text), len(item.thinking)
        item.fold_final(given, self.calls)
        text, thinking = item.text[before[0] :], item.thinking[before[1] :]
        return FullDelta(frame, text, thinking, () if item.call is None else (item.call,))

    def add(self, stem: str, frame: dict[str, Any]) -> Delta:
        value = frame.get("delta")
        if not isinstance(value, str):
            return FullDelta(frame)
        if stem in _TEXT:
            item = self.item(frame)
            item.add_text("refusal" if stem == "response.refusal" else "text", value, frame)
            return FullDelta(frame, value if stem == "response.output_text" else "")
        if stem in _THINKING:
            self.item(frame).add_thinking(stem, value, frame)
            return FullDelta(frame, "", value)
        if stem in _ARGUMENTS:
            call = self.item(frame).called(self.calls)
            call.add_arguments(value)
            return FullDelta(frame, tool_calls=(call,))
        return FullDelta(frame)

    def fold_done(self, stem: str, frame: dict[str, Any]) -> Delta:
        """A text said once more at its end: news only where no delta came before."""
        if stem in _TEXT:
            name = "refusal" if stem == "response.refusal" else "text"
            if not self.item(frame).has_text(name, frame):
                return self.add(stem, {**frame, "delta": frame.get(name)})
        elif stem in _THINKING:
            if not self.item(frame).has_thinking(stem, frame):
                return self.add(stem, {**frame, "delta": frame.get("text")})
        elif stem in _ARGUMENTS:
            call = self.item(frame).called(self.calls)
            whole = frame.get("input" if stem == "response.custom_tool_call_input" else "arguments")
            if not call.raw and isinstance(whole, str):
                call.add_arguments(whole)
            return FullDelta(frame, tool_calls=(call,))
        elif stem == "response.content_part":
            self.item(frame).end_part("content", frame.get("content_index"), dict_of(frame.get("part")))
        elif stem == "response.reasoning_summary_part":
            self.item(frame).end_part("summary", frame.get("summary_index"), dict_of(frame.get("part")))
        return FullDelta(frame)

    def change(self, kind: str, response: dict[str, Any], frame: dict[str, Any]) -> Delta:
        """An event of the whole response's life; the last one holds all of it."""
        identity, known = response.get("id"), (self.response or {}).get("id")
        if kind == "response.created" and self.response and not self.ended and identity != known:
            # Only a second begin is a splice: Copilot's gateway gives each event of one response an id of its own.
            self.note_error(ServerError(f"another response ({identity}) begins inside the first ({known})", "spliced"))
            return FullDelta(frame)
        if self.response is None:
            self.response = {}
        overlay(self.response, response)
        usage = response.get("usage")
        usage = usage if isinstance(usage, dict) else None
        if usage is not None:
            self.usage = usage
        text = thinking = ""
        if kind in _TERMINAL:
            text, thinking = self.end_response(kind, response)
        finish_reason = self.finish_reason_of(0) if kind in _TERMINAL else None
        return FullDelta(frame, text, thinking, (), usage, finish_reason=finish_reason)

    def end_response(self, kind: str, response: dict[str, Any]) -> tuple[str, str]:
        before = len(self.text), len(self.thinking)
        for index, given in enumerate(dicts_of(response.get("output"))):
            # What no event told before, the last one does.
            if index >= len(self.items) or not self.items[index].fields:
                self.item({"item_id": given.get("id"), "output_index": index}).fold_final(given, self.calls)
        self.note_end(kind)
        reason = text_of(dict_of(response.get("incomplete_details")).get("reason"))
        if reason:
            self.note_evidence("finish_reason", reason)
        self.finish_words[0] = reason or kind.removeprefix("response.")
        if kind == "response.failed":
            told = error_in({"error": response.get("error")}) or ServerError("the response failed, without a reason")
            self.note_error(told)
        self.calls.finish(complete=kind == "response.completed")
        return self.text[before[0] :], self.thinking[before[1] :]

    def finish(self, complete: bool) -> None:
        self.calls.finish(complete=complete)

    def refusal_of(self, choice: int) -> str:
        return "".join(item.refusal for item in self.in_order())

    def has_client_calls(self, choice: int) -> bool:
        return self.calls.has_client_calls

    def in_order(self) -> list[Item]:
        return sorted(self.items, key=lambda item: item.index)

    @property
    def body(self) -> Any:
        if self.response is None and not self.items:
            return None
        body = dict(self.response or {})
        # Some servers end without saying all of it again.
        if not (self.ended and body.get("output")):
            body["output"] = [item.body() for item in self.in_order()]
        return body

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.in_order())

    @property
    def thinking(self) -> str:
        return "".join(item.thinking for item in self.in_order())

    @property
    def tool_calls(self) -> list[ToolCall]:
        return list(self.calls)

    @property
    def tokens(self) -> Tokens:
        usage = self.usage or {}
        return Tokens.of(
            input=usage.get("input_tokens"),
            cached_input=dict_of(usage.get("input_tokens_details")).get("cached_tokens"),
            output=usage.get("output_tokens"),
            reasoning=dict_of(usage.get("output_tokens_details")).get("reasoning_tokens"),
            total=usage.get("total_tokens"),
        )

    @property
    def metrics(self) -> Metrics:
        usage = self.usage or {}
        return Metrics.of("usage", prompt_tokens=usage.get("input_tokens"), output_tokens=usage.get("output_tokens"))
