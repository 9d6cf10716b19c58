"""Google's Gemini, as events and as one JSON array: parts add up by candidate, and only a finish reason is an end.

Neighbouring texts become one part, as long as both or neither are thoughts; a part with a signature stays as
it is, since the signature is of that part. https://ai.google.dev/api/generate-content

The file is long since a stream, a whole answer and two ways to send arguments fold into the state of one candidate.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._finish_reason import finish_reason_of
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, joined, text_of
from ndstream.llm._limits import MAX_CHOICES, PartCounter
from ndstream.llm._metrics import Metrics
from ndstream.llm._tokens import Tokens, sum_of
from ndstream.llm._tool_calls.router import ToolCalls
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.gemini_paths import PartialArguments
from ndstream.llm._wires.merging import Piece
from ndstream.llm._wires.wire import Wire, merged_usage, overlay

_KEYS = frozenset({"candidates", "usageMetadata", "promptFeedback"})
_APART = frozenset({"content", "finishReason", "logprobsResult"})
_NO_REASON = frozenset({"", "null", "None", "FINISH_REASON_UNSPECIFIED"})
_NOT_BLOCKED = frozenset({"", "BLOCK_REASON_UNSPECIFIED"})


class _Candidate:
    """One of the answers that were asked for."""

    def __init__(self, part_counter: PartCounter) -> None:
        self.part_counter = part_counter
        self.fields: dict[str, Any] = {}
        self.content: dict[str, Any] = {}
        self.parts: list[Piece] = []
        self.texts: list[str] = []
        self.thoughts: list[str] = []
        self.calls = ToolCalls(part_counter)
        # The call whose arguments come path by path, and the part that it is.
        self.open: PartialArguments | None = None
        self.open_call: ToolCall | None = None
        self.open_part: dict[str, Any] = {}
        # Lists of log probabilities are of the frame's tokens alone.
        self.logprobs = Piece()

    def fold(self, given: dict[str, Any], frame: dict[str, Any], index: int) -> FullDelta:
        overlay(self.fields, given, _APART)
        if "finishReason" in given and (
            text_of(given["finishReason"]) not in _NO_REASON or "finishReason" not in self.fields
        ):
            self.fields["finishReason"] = given["finishReason"]
        if "logprobsResult" in given:
            self.logprobs.add_lists(dict_of(given["logprobsResult"]))
        content = given.get("content")
        if not isinstance(content, dict):
            # The parts alone.
            content = {"parts": content}
        overlay(self.content, content, ("parts",))
        texts: list[str] = []
        thoughts: list[str] = []
        calls: list[ToolCall] = []
        first = True
        parts = content.get("parts")
        for each in parts if isinstance(parts, list) else [parts]:
            # Text in place of a part is short for a part of text.
            part = {"text": each} if isinstance(each, str) and each else each
            if part and isinstance(part, dict):
                # Two parts of one frame are two parts.
                self.add(part, first, texts, thoughts, calls)
                first = False
        self.texts += texts
        self.thoughts += thoughts
        return FullDelta(frame, "".join(texts), "".join(thoughts), calls, choice=index)

    def add(
        self, part: dict[str, Any], joins: bool, texts: list[str], thoughts: list[str], calls: list[ToolCall]
    ) -> None:
        text = part.get("text")
        function = part.get("functionCall")
        # An empty call ends the one that is open; beside a text it says nothing.
        if isinstance(function, dict) and (function or not (isinstance(text, str) and text)):
            if isinstance(text, str):
                (thoughts if part.get("thought") is True else texts).append(text)
            self.add_call(part, function, calls)
        elif isinstance(text, str):
            (thoughts if part.get("thought") is True else texts).append(text)
            last = self.parts[-1] if self.parts else None
            if (
                last is None
                or not joins
                or "text" not in last.texts
                or {**part, "text": ""} != last.fields
                or "thoughtSignature" in part
            ):
                last = self.new_part()
            last.add(part, ("text",))
        else:
            self.new_part().add(part, ())

    def new_part(self) -> Piece:
        """One more part; it is kept if the limit allows it."""
        part = Piece()
        if self.part_counter.count():
            self.parts.append(part)
        return part

    def add_call(self, part: dict[str, Any], function: dict[str, Any], calls: list[ToolCall]) -> None:
        goes_on = function.get("willContinue") is True
        if self.open is not None and self.open_call is not None and not function.get("name"):
            # More of the call that is open; an empty object is its end.
            self.open.add(function.get("partialArgs"))
            calls.append(self.open_call)
            overlay(self.open_part, part, ("functionCall",))
            if not goes_on:
                self.end_call(complete=True)
            return
        self.end_call(complete=True)
        if not function:
            return
        arguments = function.get("args")
        partial = "partialArgs" in function or goes_on
        call = self.calls.open(
            id=function.get("id"), name=function.get("name"), arguments=None if partial else arguments
        )
        calls.append(call)
        held = self.new_part()
        held.add(part, ())
        if partial:
            self.open, self.open_call, self.open_part = PartialArguments(), call, held.fields
            call.set_partial_source(self.open.whole)
            self.open.add(function.get("partialArgs"))
            if isinstance(arguments, dict):
                self.open.value.update(arguments)
        if not goes_on:
            self.end_call(complete=True)

    def end_call(self, complete: bool) -> None:
        call = self.open_call or (self.calls[len(self.calls) - 1] if len(self.calls) else None)
        if call is None:
            return
        if self.open is not None:
            arguments = self.open.whole()
            call.add_arguments(arguments)
            complete = complete and not self.open.lost
            known = dict_of(self.open_part.get("functionCall"))
            kept = {name: value for name, value in known.items() if name not in ("willContinue", "partialArgs")}
            self.open_part["functionCall"] = {**kept, "args": arguments}
            self.open = self.open_call = None
        call.close(complete=complete)

    @property
    def finished(self) -> bool:
        return text_of(self.fields.get("finishReason")) not in _NO_REASON

    def body(self) -> dict[str, Any]:
        body = dict(self.fields)
        if self.logprobs.nested or self.logprobs.lists or self.logprobs.fields:
            body["logprobsResult"] = self.logprobs.body()
        parts = [part.body() for part in self.parts]
        if self.open is not None and self.parts:
            # What has come of a call so far is where the whole will be.
            for place, part in enumerate(self.parts):
                if part.fields is self.open_part:
                    name = dict_of(self.open_part.get("functionCall")).get("name")
                    parts[place] = {**part.body(), "functionCall": {"name": name, "args": self.open.whole()}}
        if parts or self.content:
            body["content"] = {**self.content, **({"parts": parts} if parts else {})}
        return body


class Gemini(Wire):
    """Gemini's ``:streamGenerateContent``, as server-sent events or as one JSON array."""

    name: ClassVar[str] = "gemini"

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self.candidates: dict[int, _Candidate] = {}
        self.first_index = 0

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        return not _KEYS.isdisjoint(frame)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        deltas: list[FullDelta] = []
        for position, given in enumerate(dicts_of(frame.get("candidates"))):
            index = as_index(given.get("index"))
            index = position if index is None else index
            candidate = self.candidates.get(index)
            if candidate is None:
                if len(self.candidates) >= MAX_CHOICES:
                    self.part_counter.exceeded = True
                    continue
                candidate = self.candidates[index] = _Candidate(self.part_counter)
            deltas.append(candidate.fold(given, frame, index))
            reason = text_of(given.get("finishReason"))
            if reason not in _NO_REASON:
                # Some servers put one on every frame, so that this ends no more than its calls.
                self.note_finish_reason(reason, index)
                deltas[-1].finish_reason = self.finish_reason_of(index)
                if finish_reason_of(reason) == "length":
                    candidate.end_call(complete=False)
        overlay(self.fields, frame, ("candidates", "usageMetadata", "error"))
        blocked = text_of(dict_of(frame.get("promptFeedback")).get("blockReason"))
        if blocked not in _NOT_BLOCKED:
            self.note_finish_reason(f"prompt blocked: {blocked}")
            self.ended = True
        usage = dict_of(frame.get("usageMetadata")) or None
        self.usage = merged_usage(self.usage, usage)
        if not deltas:
            return FullDelta(frame, usage=usage, finish_reason=self.finish_reason_of(0) if self.ended else None)
        if usage is not None:
            deltas[0].usage = usage
        self.extra_deltas += deltas[1:]
        return deltas[0]

    def finish(self, complete: bool) -> None:
        for candidate in self.candidates.values():
            if candidate.open is not None:
                candidate.end_call(complete=complete)
            # Calls come whole, but for those that come path by path.
            candidate.calls.finish(complete=True)
        if self.candidates and 0 not in self.candidates:
            self.first_index = min(self.candidates)

    @property
    def complete(self) -> bool:
        finished = bool(self.candidates) and all(candidate.finished for candidate in self.candidates.values())
        return self.ended or finished

    @property
    def body(self) -> Any:
        if not self.fields and not self.candidates and self.usage is None:
            return None
        body = dict(self.fields)
        if self.candidates:
            body["candidates"] = [self.candidates[index].body() for index in sorted(self.candidates)]
        if self.usage is not None:
            body["usageMetadata"] = dict(self.usage)
        return body

    @property
    def first_choice(self) -> int:
        return self.first_index

    def has_client_calls(self, choice: int) -> bool:
        candidate = self.candidates.get(choice)
        return candidate is not None and candidate.calls.has_client_calls

    @property
    def first(self) -> _Candidate:
        return self.candidates.get(self.first_index) or _Candidate(self.part_counter)

    @property
    def text(self) -> str:
        return joined(self.first.texts)

    @property
    def thinking(self) -> str:
        return joined(self.first.thoughts)

    @property
    def tool_calls(self) -> list[ToolCall]:
        return list(self.first.calls)

    @property
    def tokens(self) -> Tokens:
        # Their counts of candidates leave out the thoughts.
        usage = self.usage or {}
        thoughts = usage.get("thoughtsTokenCount")
        return Tokens.of(
            input=sum_of(usage.get("promptTokenCount"), usage.get("toolUsePromptTokenCount")),
            cached_input=usage.get("cachedContentTokenCount"),
            output=sum_of(usage.get("candidatesTokenCount"), thoughts),
            reasoning=thoughts,
            total=usage.get("totalTokenCount"),
        )

    @property
    def metrics(self) -> Metrics:
        usage = self.usage or {}
        counts = [usage.get(name) for name in ("candidatesTokenCount", "thoughtsTokenCount")]
        known = [count for count in counts if type(count) is int]
        return Metrics.of(
            "usageMetadata", prompt_tokens=usage.get("promptTokenCount"), output_tokens=sum(known) if known else None
        )
