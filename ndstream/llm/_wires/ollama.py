"""Ollama's own wires: /api/chat and /api/generate, and the progress of pull, push and create.

The server's rule for the whole answer: texts joined, tool calls and logprobs put together, every other
field from the last frame. https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta, TextDelta
from ndstream.llm._lenient_readers import dict_of, dicts_of, label_of, text_of, written_text_of
from ndstream.llm._metrics import Metrics, number_of
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.fragment import fragment_of
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._transfer_progress import Layer, Progress
from ndstream.llm._wires.openai_chat_content import texts_in_parts, thoughts_in
from ndstream.llm._wires.single_message import SingleMessage
from ndstream.llm._wires.wire import Wire, merged_usage, overlay, without_error

_NANOSECOND = 1e-9


class _Ollama(SingleMessage):
    """What chat and generate share."""

    def __init__(self) -> None:
        super().__init__()
        self.raw_calls: list[Any] = []
        self.logprobs: list[Any] = []
        # What the frames say beside what adds up, and the last plain frame, which still has to be put over it.
        self.folded: dict[str, Any] | None = None
        self.deferred: dict[str, Any] | None = None

    @property
    def last(self) -> dict[str, Any] | None:
        """What the last frame says, over what those before it said."""
        if self.deferred is not None:
            self.folded, self.deferred = _over(self.folded, self.deferred), None
        return self.folded

    def fold_general(self, frame: Any, event: Event | None, holder: dict[str, Any], text: str) -> Delta:
        """All but the plainest frames. ``holder`` is where the frame has its message."""
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        # What an earlier frame said counts as long as this one does not say it again.
        self.folded = _over(self.last, without_error(frame))
        thinking = text_of(holder.get("thinking")) or thoughts_in(holder)
        if text:
            self.texts.append(text)
        if thinking:
            self.thoughts.append(thinking)
        calls = self.add_calls(holder.get("tool_calls")) if "tool_calls" in holder else ()
        if isinstance(frame.get("logprobs"), list):
            self.logprobs += frame["logprobs"]
        usage = finish_reason = None
        if frame.get("done") is True or label_of(frame.get("done_reason")):
            # Old servers and some proxies send one without the other.
            if label_of(frame.get("done_reason")):
                self.note_finish_reason(frame["done_reason"])
            if frame.get("done") is True:
                self.note_end("done")
            # Counts are left out if they are zero.
            counts = {name: frame[name] for name in ("prompt_eval_count", "eval_count") if name in frame}
            usage = counts or None
            self.usage = merged_usage(self.usage, usage)
            finish_reason = self.finish_reason_of(0)
        return FullDelta(frame, text, thinking, calls, usage, finish_reason=finish_reason)

    def add_calls(self, value: Any) -> list[ToolCall]:
        added = []
        for call in dicts_of(value):
            fragment = fragment_of(call)
            if fragment.says_nothing:
                continue
            self.raw_calls.append(call)
            # Each is whole: an index that is repeated, as old servers do, must not join two of them.
            opened = self.calls.open(
                id=fragment.id,
                index=dict_of(call.get("function")).get("index", fragment.index),
                name=fragment.name,
                arguments=fragment.arguments,
            )
            added.append(opened)
        return added

    def finish(self, complete: bool) -> None:
        # Calls come whole or not at all.
        self.calls.finish(complete=True)

    @property
    def complete(self) -> bool:
        return self.ended or any(each.sign == "finish_reason" for each in self.evidence)

    def message(self, last: dict[str, Any], text_key: str) -> dict[str, Any]:
        """The message so far: what adds up, over what the last frame says."""
        message = {**last, text_key: self.text}
        for key, value in (("thinking", self.thinking), ("tool_calls", list(self.raw_calls))):
            if value:
                message[key] = value
        return message

    def whole(self, message: dict[str, Any]) -> dict[str, Any]:
        return {**message, "logprobs": list(self.logprobs)} if self.logprobs else message

    @property
    def tokens(self) -> Tokens:
        usage = self.usage or {}
        return Tokens.of(input=usage.get("prompt_eval_count"), output=usage.get("eval_count"))

    @property
    def metrics(self) -> Metrics:
        last = self.last or {}
        if last.get("done") is not True:
            return Metrics()

        def seconds(name: str) -> Any:
            return number_of(last.get(name), _NANOSECOND)

        return Metrics.of(
            "ollama",
            load_seconds=seconds("load_duration"),
            prompt_tokens=last.get("prompt_eval_count", 0),
            prompt_seconds=seconds("prompt_eval_duration"),
            output_tokens=last.get("eval_count", 0),
            output_seconds=seconds("eval_duration"),
            total_seconds=seconds("total_duration"),
        )


def _over(known: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """The fields of a frame over those of the ones before it, in one message as well.

    What is known is changed, and never a frame: a copy for each would take time that grows with all that came before.
    """
    message = new.get("message")
    if known is None:
        return {**new, "message": dict(message)} if isinstance(message, dict) else dict(new)
    known_message = known.get("message")
    if isinstance(known_message, dict) and isinstance(message, dict):
        overlay(known, new, ("message",))
        overlay(known_message, message)
    else:
        overlay(known, {**new, "message": dict(message)} if isinstance(message, dict) else new)
    return known


def _text_in(content: Any) -> str:
    """The text of a content, which gateways write as a list of parts as well."""
    return content if isinstance(content, str) else written_text_of(content) or texts_in_parts(content)[0]


class OllamaChat(_Ollama):
    """Ollama's ``/api/chat``."""

    name: ClassVar[str] = "ollama-chat"

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        return isinstance(frame.get("message"), dict) and ("done" in frame or "created_at" in frame)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        try:
            message = frame["message"]
            text = message["content"]
            if (
                len(frame) == 4
                and len(message) == 2
                and frame["done"] is False
                and type(text) is str
                and "role" in message
                and "created_at" in frame
                and "model" in frame
            ):
                self.deferred = frame
                self.texts.append(text)
                delta = TextDelta()
                delta.raw = frame
                delta.text = text
                return delta
        except (KeyError, TypeError, IndexError):
            message = dict_of(frame.get("message")) if isinstance(frame, dict) else {}
            text = message.get("content")
        return self.fold_general(frame, event, dict_of(message), _text_in(text))

    @property
    def body(self) -> Any:
        if self.last is None:
            return None
        message = self.message(dict_of(self.last.get("message")), "content")
        return self.whole({**self.last, "message": message})


class OllamaGenerate(_Ollama):
    """Ollama's ``/api/generate``."""

    name: ClassVar[str] = "ollama-generate"

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        # Proxies leave out a text that is empty.
        has_text = isinstance(frame.get("response"), str) or bool(text_of(frame.get("thinking")))
        return has_text and ("done" in frame or "created_at" in frame)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        try:
            text = frame["response"]
            if (
                len(frame) == 4
                and frame["done"] is False
                and type(text) is str
                and "created_at" in frame
                and "model" in frame
            ):
                self.deferred = frame
                self.texts.append(text)
                delta = TextDelta()
                delta.raw = frame
                delta.text = text
                return delta
        except (KeyError, TypeError, IndexError):
            text = frame.get("response") if isinstance(frame, dict) else None
        return self.fold_general(frame, event, dict_of(frame), _text_in(text))

    @property
    def body(self) -> Any:
        if self.last is None:
            return None
        return self.whole(self.message(self.last, "response"))


class OllamaProgress(Wire):
    """Ollama's ``/api/pull``, ``/api/push`` and ``/api/create``: layers that come side by side."""

    name: ClassVar[str] = "ollama-progress"

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, Any] | None = None
        self.layers: dict[str, tuple[int, int]] = {}
        self.sums = [0, 0]

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        return isinstance(frame.get("status"), str) and frame.keys() <= {"status", "digest", "total", "completed"}

    def fold(self, frame: Any, event: Event | None) -> Delta:
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        self.last = frame
        digest, total, completed = frame.get("digest"), frame.get("total"), frame.get("completed", 0)
        if isinstance(digest, str) and type(total) is int and type(completed) is int:
            before = self.layers.get(digest, (0, 0))
            self.layers[digest] = (completed, total)
            self.sums[0] += completed - before[0]
            self.sums[1] += total - before[1]
        if frame.get("status") == "success":
            self.note_end("success")
        return FullDelta(frame)

    @property
    def body(self) -> Any:
        return None if self.last is None else dict(self.last)

    @property
    def progress(self) -> Progress:
        layers = {digest: Layer(*numbers) for digest, numbers in self.layers.items()}
        return Progress(text_of((self.last or {}).get("status")), self.sums[0], self.sums[1], layers)
