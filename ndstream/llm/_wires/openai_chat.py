"""OpenAI's chat completions, and all who speak that way: Azure, vLLM, llama.cpp, DeepSeek, OpenRouter, Groq,
Mistral, Hugging Face, TGI, LM Studio, Ollama's own imitation.

One adapter, since no server says reliably which dialect it speaks: every field is read wherever any of
them puts it. Texts are joined, choices kept by index, tool calls sent through the router, lists of numbered
parts merged by their index; of every other field the last frame that says something counts.
https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, label_of, says_nothing, text_of
from ndstream.llm._limits import MAX_CHOICES
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import HOLDERS, error_of_reason
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires.openai_chat_choice import Choice
from ndstream.llm._wires.openai_chat_counts import metrics_of, tokens_of
from ndstream.llm._wires.wire import Wire, merged_usage, overlay

# Azure's first chunk has these, but empty.
_FIRST = frozenset({"id", "created", "model"})
# Of a choice, what is folded from any frame or never is a list.
_NO_PIECES = frozenset({"index", "delta", "finish_reason", "logprobs", "content_filter_results"})
# Of a frame, what is the same in all, or is looked at by itself.
_NOT_WATCHED = frozenset({"id", "object", "created", "model", "choices", "usage", "obfuscation"})
_APART = frozenset({"choices", "usage", "error", "obfuscation"})


class OpenAIChat(Wire):
    """The chat completions family, and the older completions with ``text`` in place of ``delta``."""

    name: ClassVar[str] = "openai-chat"
    may_be_cumulative: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self.choices: dict[int, Choice] = {}
        # The frame folded last, if all but what it added still has to be folded, and what keys such a frame has.
        self.deferred: dict[str, Any] | None = None
        self.keys: list[str] = []
        self.choice_keys: list[str] = []
        self.has_usage = self.has_logprobs = self.has_filter_results = False
        self.filter_results: Any = None
        # What reads the values of a frame that such a frame may have as well, and those of the last frame.
        self.read_watched: Callable[[dict[str, Any]], Any] = _read_nothing
        self.watched: Any = None
        self.watched_names: list[str] = []
        # Those of its choice that must be null in such a frame, since they may bring a piece of a list.
        self.pieces_keys: list[str] = []
        self.first_index = 0

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        return "choices" in frame or text_of(frame.get("object")).startswith(("chat.completion", "text_completion"))

    def fold(self, frame: Any, event: Event | None) -> Delta:
        try:
            # If the keys are those of the previous frame, only the delta is folded now.
            if list(frame) == self.keys:
                (choice,) = frame["choices"]
                delta = choice["delta"]
                if (
                    len(delta) == 1
                    and choice["finish_reason"] is None
                    and list(choice) == self.choice_keys
                    and (not self.has_logprobs or choice["logprobs"] is None)
                    and (not self.has_usage or frame["usage"] is None)
                    and not (self.pieces_keys and any(choice[name] is not None for name in self.pieces_keys))
                    and (not self.has_filter_results or choice["content_filter_results"] == self.filter_results)
                    and (self.read_watched(frame) == self.watched or self.may_be_deferred(frame))
                ):
                    known = self.choices[choice["index"]]
                    added = known.fold_frequent(delta, frame)
                    if added is not None:
                        known.deferred = choice
                        self.deferred = frame
                        return added
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            pass
        return self.fold_general(frame, event)

    def fold_general(self, frame: Any, event: Event | None) -> Delta:
        """Fold all but the most frequent frames."""
        failed = self.look_for_error(frame, event)
        # What a flat error says is of the error, not of the answer.
        if not isinstance(frame, dict) or (failed and "choices" not in frame):
            return FullDelta(frame)
        self.fold_deferred()
        self.choice_keys = self.pieces_keys = []
        choices = list(dicts_of(frame.get("choices")))
        deltas = [self.fold_choice(each, frame, position) for position, each in enumerate(choices)]
        self.fold_fields(frame)
        # Of those of which the first counts, none may be left to a frame that is deferred.
        first_known = all(self.fields.get(name) for name in _FIRST if name in frame)
        self.has_usage = "usage" in frame
        self.keys = list(frame) if first_known and HOLDERS.isdisjoint(frame) and not self.cumulative else []
        self.watched_names = [name for name in self.keys if name not in _NOT_WATCHED]
        self.read_watched = itemgetter(*self.watched_names) if self.watched_names else _read_nothing
        self.watched = self.read_watched(frame)
        # Most have it in the frame, Groq in a field of its own, Moonshot in the choice.
        holders = (frame, dict_of(frame.get("x_groq")), *choices, *(dict_of(each.get("delta")) for each in choices))
        usage = next((found for holder in holders if (found := dict_of(holder.get("usage")))), None)
        self.usage = merged_usage(self.usage, usage)
        if not deltas:
            return FullDelta(frame, usage=usage)
        if usage is not None:
            deltas[0].usage = usage
        self.extra_deltas += deltas[1:]
        return deltas[0]

    def may_be_deferred(self, frame: dict[str, Any]) -> bool:
        """Whether a frame says something wherever the last one did, and nothing wherever that did not.

        Else a value that comes in one frame and is null in the next would be lost: of those that are deferred only
        the last is folded.
        """
        values = (self.watched,) if len(self.watched_names) == 1 else self.watched
        return all(
            bool(frame[name]) if value else frame[name] == value
            for name, value in zip(self.watched_names, values, strict=True)
        )

    def fold_deferred(self) -> None:
        """Fold what the frame before said beside what it added."""
        if self.deferred is not None:
            self.fold_fields(self.deferred)
            self.deferred = None

    def fold_fields(self, frame: dict[str, Any]) -> None:
        overlay(
            self.fields,
            {
                name: value
                for name, value in frame.items()
                if name not in _APART and not (name in _FIRST and self.fields.get(name))
            },
        )

    def fold_choice(self, choice: dict[str, Any], frame: dict[str, Any], position: int) -> FullDelta:
        index = as_index(choice.get("index"))
        index = position if index is None else index
        known = self.choices.get(index)
        if known is None:
            if len(self.choices) >= MAX_CHOICES:
                self.part_counter.exceeded = True
                return FullDelta(frame, choice=index)
            known = self.choices[index] = Choice(index, self.part_counter, self.cumulative)
        delta = known.fold(choice, frame)
        for holder in (choice, dict_of(choice.get("delta"))):
            if not says_nothing(holder.get("error")):
                # OpenRouter reports it inside the choice that failed; it says more than the reason beside it.
                self.look_for_error({"error": holder["error"]}, None)
        for name in ("finish_reason", "native_finish_reason"):
            reason = label_of(choice.get(name))
            if reason and (name == "finish_reason" or error_of_reason(reason)):
                self.note_finish_reason(reason, index)
                delta.finish_reason = self.finish_reason_of(index)
        self.choice_keys = list(choice)
        self.has_logprobs = "logprobs" in choice
        self.has_filter_results = "content_filter_results" in choice
        self.filter_results = choice.get("content_filter_results")
        self.pieces_keys = [name for name in choice if name not in _NO_PIECES]
        return delta

    def finish(self, complete: bool) -> None:
        for choice in self.choices.values():
            choice.finish(complete)
        if self.choices and 0 not in self.choices:
            self.first_index = min(self.choices)

    @property
    def complete(self) -> bool:
        return bool(self.choices) and all(choice.finished for choice in self.choices.values())

    @property
    def begun(self) -> bool:
        return bool(self.choices)

    @property
    def first_choice(self) -> int:
        return self.first_index

    def refusal_of(self, choice: int) -> str:
        known = self.choices.get(choice)
        return "" if known is None else known.refusal

    def has_client_calls(self, choice: int) -> bool:
        known = self.choices.get(choice)
        return known is not None and (known.calls.has_client_calls or known.legacy_call.has_client_calls)

    @property
    def first(self) -> Choice | None:
        return self.choices.get(self.first_index)

    @property
    def body(self) -> Any:
        self.fold_deferred()
        if not self.fields and not self.choices:
            return None
        body = {**self.fields, "choices": [self.choices[index].body() for index in sorted(self.choices)]}
        # Perplexity says of its last frame that it is done.
        if body.get("object") in ("chat.completion.chunk", "chat.completion.done", "", None):
            body["object"] = "chat.completion"
        if self.usage is not None:
            body["usage"] = dict(self.usage)
        return body

    @property
    def text(self) -> str:
        return self.first.text.text if self.first else ""

    @property
    def text_revised(self) -> bool:
        return self.first is not None and self.first.text.revised

    @property
    def thinking(self) -> str:
        return self.first.thinking.text if self.first else ""

    @property
    def tool_calls(self) -> list[ToolCall]:
        return self.first.tool_calls if self.first else []

    @property
    def tokens(self) -> Tokens:
        self.fold_deferred()
        return tokens_of(self.usage or {})

    @property
    def metrics(self) -> Metrics:
        self.fold_deferred()
        return metrics_of(self.usage or {}, self.fields.get("timings"))


def _read_nothing(frame: dict[str, Any]) -> None:
    """What is read of a frame in which nothing is watched."""
