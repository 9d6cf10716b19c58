"""OpenAI's Responses: items grow under many kinds of events, and the last event holds all of it once more.

A text or arguments that an event says as a whole win over their pieces, and what only such an event says is handed
out with it. An item that has ended stays, whether the last event lists it or not.
https://platform.openai.com/docs/api-reference/responses-streaming

The file is long since there are dozens of types of events, each of which is sent to the part that it changes.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import CallDelta, Delta, FullDelta, TextDelta
from ndstream.llm._lenient_readers import dict_of, dicts_of, joined, label_of, text_of, written_text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError, error_in, error_of_reason
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.openai_responses_calls import EVENTS
from ndstream.llm._wires.openai_responses_output import OTHER_NAMES, PARTS, TEXTS, THOUGHTS, Output
from ndstream.llm._wires.openai_responses_sequence import Sequence
from ndstream.llm._wires.output_log import OutputLog
from ndstream.llm._wires.wire import Wire, merged_usage, overlay

_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})


class OpenAIResponses(Wire):
    """OpenAI's ``/v1/responses``, and what imitates it."""

    name: ClassVar[str] = "openai-responses"

    def __init__(self) -> None:
        super().__init__()
        self.response: dict[str, Any] | None = None
        self.log = OutputLog()
        self.calls = ToolCalls(self.part_counter)
        self.output = Output(self.part_counter, self.calls, self.log)
        self.whole_output_seen = False
        # Where the text of the previous frame went, if it is text, and its pieces there.
        self.place: tuple[Any, Any, Any] | None = None
        self.texts: list[str] = []
        # The same of arguments, and their call, which is there whenever the place is.
        self.call_place: tuple[Any, Any] | None = None
        self.open_call: tuple[ToolCall, ...]
        self.sequence = Sequence()

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        return text_of(frame.get("type")).startswith("response.") or (
            frame.get("object") == "response" and isinstance(frame.get("output"), list)
        )

    def fold(self, frame: Any, event: Event | None) -> Delta:
        try:
            # If the text goes where that of the previous frame went, there is nothing to look for.
            if frame["type"] == "response.output_text.delta":
                text = frame["delta"]
                if (
                    text.__class__ is str
                    and (frame.get("item_id"), frame.get("output_index"), frame.get("content_index")) == self.place
                    and not frame.get("logprobs")
                    and "error" not in frame
                ):
                    self.texts.append(text)
                    self.log.texts.append(text)
                    self.sequence.last_frame = frame
                    plain = TextDelta()
                    plain.raw = frame
                    plain.text = text
                    return plain
            elif frame["type"] == "response.function_call_arguments.delta":
                text = frame["delta"]
                if (
                    text.__class__ is str
                    and text
                    and (frame.get("item_id"), frame.get("output_index")) == self.call_place
                    and "error" not in frame
                ):
                    self.sequence.last_frame = frame
                    added = CallDelta()
                    added.raw = frame
                    added.tool_calls = self.open_call
                    added.arguments = (self.open_call[0].add_and_take(text),)
                    return added
        except (KeyError, TypeError, AttributeError):
            pass
        return self.fold_general(frame, event)

    def fold_general(self, frame: Any, event: Event | None) -> Delta:
        """Fold all but the most frequent frames."""
        self.place = self.call_place = None
        if not isinstance(frame, dict):
            return FullDelta(frame)
        place = self.sequence.place(frame)
        if place == "known" or (self.look_for_error(frame, event) and not self.matches(frame)):
            return FullDelta(frame)
        if place == "gap":
            if self.error is None:
                self.note_error(self.sequence.gap(frame))
            return FullDelta(frame)
        kind = text_of(frame.get("type"))
        if kind == "response.done":
            return self.change(_end_of(dict_of(frame.get("response"))), dict_of(frame.get("response")), frame)
        stem, _, verb = kind.rpartition(".")
        if verb == "delta":
            return self.add(stem, frame)
        if kind == "response.output_item.added":
            return self.delta(frame, self.output.start_item(frame))
        if kind == "response.output_item.done":
            return self.delta(frame, self.output.end_item(frame))
        if verb == "done":
            return self.delta(frame, self.output.fold_done(stem, frame))
        if stem in PARTS:
            self.output.set_part(stem, frame)
            return self.delta(frame)
        if kind == "response.output_text.annotation.added":
            self.output.item(frame).annotate(frame.get("content_index"), frame.get("annotation"))
        elif isinstance(frame.get("response"), dict) or kind in _TERMINAL:
            return self.change(kind, dict_of(frame.get("response")), frame)
        elif frame.get("object") == "response":
            # Not streamed at all.
            return self.change(f"response.{frame.get('status')}", frame, frame)
        return FullDelta(frame)

    @property
    def last_sequence_number(self) -> int | None:
        return self.sequence.last_number

    def resumed(self) -> OpenAIResponses:
        wire = copy.deepcopy(self)
        wire.sequence = Sequence(self.last_sequence_number)
        wire.place, wire.call_place, wire.error, wire.ended = None, None, None, False
        wire.evidence.clear()
        wire.extra_deltas.clear()
        for call in wire.calls:
            if call.incomplete:
                call.open_again()
        return wire

    def delta(self, frame: dict[str, Any], *calls: ToolCall | None) -> FullDelta:
        """The delta of an event: what it added to the log, and its calls."""
        return FullDelta(frame, *self.log.new(), [call for call in calls if call is not None])

    def add(self, stem: str, frame: dict[str, Any]) -> Delta:
        """Fold a piece."""
        given = frame.get("delta")
        if stem in EVENTS and given and isinstance(given, (str, dict)):
            # Some gateways send arguments as an object.
            call = self.output.item(frame).called(self.calls, EVENTS[stem])
            call.add_arguments(given)
            self.call_place = (frame.get("item_id"), frame.get("output_index"))
            self.open_call = (call,)
            return FullDelta(frame, tool_calls=self.open_call)
        value = given if given.__class__ is str else written_text_of(dict_of(given).get("text") or given)
        if not value:
            return FullDelta(frame)
        # The first name is OpenRouter's.
        stem = "response.output_text" if stem == "response.content_part" else OTHER_NAMES.get(stem, stem)
        if stem in TEXTS:
            self.texts = self.output.item(frame).add_text(TEXTS[stem], value, frame, self.log)
            self.place = (frame.get("item_id"), frame.get("output_index"), frame.get("content_index"))
            if stem == "response.refusal":
                self.place = None
        elif stem in THOUGHTS:
            self.output.item(frame).add_thought(stem, value, frame, self.log)
        return self.delta(frame)

    def change(self, kind: str, response: dict[str, Any], frame: dict[str, Any]) -> Delta:
        """An event of the whole response's life; the last one holds all of it."""
        identity, known = response.get("id"), (self.response or {}).get("id")
        if kind == "response.created" and self.response and not self.ended and identity != known:
            # Only a second begin is a splice: Copilot's gateway gives each event of one response an id of its own.
            self.note_error(ServerError(f"another response ({identity}) begins inside the first ({known})", "spliced"))
            return FullDelta(frame)
        if self.response is None:
            self.response = {}
        overlay(self.response, response, ("output",))
        if isinstance(response.get("output"), list):
            self.response.setdefault("output", [])
        usage = dict_of(response.get("usage")) or None
        self.usage = merged_usage(self.usage, usage)
        ends = kind in _TERMINAL
        if not ends and response is not frame:
            return FullDelta(frame, usage=usage)
        ended = self.ended
        # What was not streamed has its items though it goes on: a response in the background that is asked for again.
        delta = self.delta(frame, *self.fold_output(response, ends))
        delta.usage = usage
        if ends:
            self.end_response(kind, response)
        if ends and not ended:
            # It looks through all items, so that a server which ends again and again is answered once.
            delta.finish_reason = self.finish_reason_of(0)
        return delta

    def fold_output(self, response: dict[str, Any], ends: bool) -> list[ToolCall]:
        """Fold the whole output. Returns the calls that it opened or changed."""
        changed = []
        output = list(dicts_of(response.get("output")))
        if output and not self.whole_output_seen and (ends or not self.output.items):
            # Once is enough, and a server that says it again and again makes no work.
            self.whole_output_seen = ends
            for item, given in self.output.match(output):
                if item.fold(given, self.calls, self.log) and item.call is not None:
                    changed.append(item.call)
                if ends or given.get("status") == "completed":
                    item.end(given)
        return changed

    def end_response(self, kind: str, response: dict[str, Any]) -> None:
        """Note how the response ended."""
        self.note_end(kind)
        reason = label_of(dict_of(response.get("incomplete_details")).get("reason"))
        if reason:
            self.note_evidence("finish_reason", reason)
        self.finish_words[0] = reason or kind.removeprefix("response.")
        if kind == "response.cancelled":
            self.error = self.error or error_of_reason("cancelled")
        error = error_in({"error": response.get("error")})
        if error is not None or kind == "response.failed":
            self.note_error(error or ServerError("the response failed, without a reason"))
        self.calls.finish(complete=kind == "response.completed")

    def finish(self, complete: bool) -> None:
        self.calls.finish(complete=complete)

    def refusal_of(self, choice: int) -> str:
        return joined(self.log.refusals)

    def has_client_calls(self, choice: int) -> bool:
        return self.calls.has_client_calls

    @property
    def body(self) -> Any:
        if self.response is None and not self.output.items:
            return None
        body = dict(self.response or {})
        if self.output.items or "output" in body:
            body["output"] = [item.body() for item in self.output.in_order()]
        return body

    @property
    def text(self) -> str:
        if self.log.text_revised:
            return "".join(item.text for item in self.output.in_order())
        return self.log.text

    @property
    def text_revised(self) -> bool:
        return self.log.text_revised

    @property
    def thinking(self) -> str:
        if self.log.thinking_revised:
            return "".join(item.thinking for item in self.output.in_order())
        return self.log.thinking

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


def _end_of(response: dict[str, Any]) -> str:
    """The terminal event that ``response.done`` stands for, as some of Codex's streams end, by the status in it."""
    kind = f"response.{response.get('status')}"
    return kind if kind in _TERMINAL else "response.completed"
