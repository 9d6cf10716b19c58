"""Hugging Face's Text Generation Inference, by its own ``/generate_stream``: a token a frame, all of it in the last.

https://huggingface.co/docs/text-generation-inference/conceptual/streaming
"""

from __future__ import annotations

from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._lenient_readers import dict_of, label_of, text_of
from ndstream.llm._metrics import Metrics
from ndstream.llm._tokens import Tokens, first_of
from ndstream.llm._wires.single_message import SingleMessage
from ndstream.llm._wires.wire import merged_usage


class TGI(SingleMessage):
    """TGI's ``/generate_stream``."""

    name: ClassVar[str] = "tgi"

    def __init__(self) -> None:
        super().__init__()
        self.generated: list[Any] = []
        self.top_tokens: list[Any] = []
        self.whole: str | None = None
        self.details: dict[str, Any] | None = None

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        # The second is an answer that was not streamed.
        streamed = isinstance(frame.get("token"), dict) and "text" in frame["token"]
        return streamed or isinstance(frame.get("generated_text"), str)

    def fold(self, frame: Any, event: Event | None) -> Delta:
        if self.has_nothing_but_error(frame, event):
            return FullDelta(frame)
        token = frame.get("token")
        text = ""
        if isinstance(token, dict):
            self.generated.append(token)
            if token.get("special") is not True:
                text = text_of(token.get("text"))
                self.texts.append(text)
        if isinstance(frame.get("top_tokens"), list) and frame["top_tokens"]:
            self.top_tokens.append(frame["top_tokens"])
        details = frame.get("details")
        if isinstance(details, dict) and details:
            self.details = details
            self.usage = merged_usage(self.usage, {"generated_tokens": details.get("generated_tokens")})
            if label_of(details.get("finish_reason")):
                self.note_finish_reason(details["finish_reason"])
        if isinstance(frame.get("generated_text"), str):
            self.whole = frame["generated_text"]
            text += self.set_final(self.whole)[0]
            self.note_end("generated_text")
        if not isinstance(details, dict):
            return FullDelta(frame, text)
        return FullDelta(
            frame, text, usage=None if self.usage is None else dict(self.usage), finish_reason=self.finish_reason_of(0)
        )

    @property
    def body(self) -> Any:
        if not self.generated and self.whole is None:
            return None
        body: dict[str, Any] = {"generated_text": self.text}
        if self.details is not None:
            body["details"] = dict(self.details)
            if self.generated:
                body["details"]["tokens"] = list(self.generated)
            if self.top_tokens:
                body["details"]["top_tokens"] = list(self.top_tokens)
        return body

    @property
    def tokens(self) -> Tokens:
        details = dict_of(self.details)
        prompt = details.get("prefill")
        return Tokens.of(
            input=first_of(details.get("input_length"), len(prompt) if isinstance(prompt, list) and prompt else None),
            output=details.get("generated_tokens"),
        )

    @property
    def metrics(self) -> Metrics:
        details = dict_of(self.details)
        return Metrics.of(
            "details", prompt_tokens=details.get("input_length"), output_tokens=details.get("generated_tokens")
        )
