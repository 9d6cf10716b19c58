"""llama.cpp's own ``/completion``: pieces of content, and all else in the last frame.

https://github.com/ggml-org/llama.cpp/tree/master/tools/server
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._lenient_readers import dict_of, joined, text_of
from ndstream.llm._metrics import Metrics, number_of
from ndstream.llm._tokens import Tokens
from ndstream.llm._wires.wire import Wire, overlay

_MILLISECOND = 1e-3
# What is of no use in the whole.
_OF_A_FRAME = frozenset({"prompt_progress", "error"})


class LlamaCpp(Wire):
    """llama.cpp's ``/completion``."""

    name: ClassVar[str] = "llama-cpp"

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.probabilities: list[Any] = []
        # What the frames say beside what adds up, and the last frame, which still has to be put over it: as long as
        # frames have the same fields only the last one counts.
        self.folded: dict[str, Any] | None = None
        self.deferred: dict[str, Any] | None = None

    @property
    def last(self) -> dict[str, Any] | None:
        """What the last frame says, over what those before it said."""
        if self.deferred is not None:
            deferred, self.deferred = self.deferred, None
            self.folded = {} if self.folded is None else self.folded
            overlay(self.folded, deferred, _OF_A_FRAME)
            if "tokens" in deferred:
                # Each frame has the ids of its own; the whole answer has none, as the last one says.
                self.folded["tokens"] = deferred["tokens"]
        return self.folded

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        return isinstance(frame.get("content"), str) and isinstance(frame.get("stop"), bool)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        if self.deferred is not None and self.deferred.keys() != frame.keys():
            self.folded = self.last
        self.deferred = frame
        text = text_of(frame.get("content"))
        self.texts.append(text)
        if isinstance(frame.get("completion_probabilities"), list):
            self.probabilities += frame["completion_probabilities"]
        if frame.get("stop") is not True:
            return FullDelta(frame, text)
        self.usage = {name: frame[name] for name in ("tokens_evaluated", "tokens_predicted") if name in frame}
        if text_of(frame.get("stop_type")):
            self.note_finish_reason(frame["stop_type"])
        self.note_end("stop")
        return FullDelta(frame, text, usage=self.usage, finish_reason=self.finish_reason_of(0))

    @property
    def body(self) -> Any:
        if self.last is None:
            return None
        body = {**self.last, "content": self.text}
        if self.probabilities:
            body["completion_probabilities"] = list(self.probabilities)
        return body

    @property
    def text(self) -> str:
        return joined(self.texts)

    @property
    def tokens(self) -> Tokens:
        last = self.last or {}
        return Tokens.of(
            input=last.get("tokens_evaluated"),
            cached_input=dict_of(last.get("timings")).get("cache_n"),
            output=last.get("tokens_predicted"),
        )

    @property
    def metrics(self) -> Metrics:
        last = self.last or {}
        timings = dict_of(last.get("timings"))
        return Metrics.of(
            "timings",
            prompt_tokens=last.get("tokens_evaluated", timings.get("prompt_n")),
            prompt_seconds=number_of(timings.get("prompt_ms"), _MILLISECOND),
            output_tokens=last.get("tokens_predicted", timings.get("predicted_n")),
            output_seconds=number_of(timings.get("predicted_ms"), _MILLISECOND),
            tokens_per_second=timings.get("predicted_per_second"),
        )
