"""What a format is to the code that writes it: its constants, and one method for each thing that can happen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from ndstream.llm import Answer, FinishReason, Tokens
from ndstream.serving._targets.outcome import Failure, Refusal, Summary, plausible_tokens
from ndstream.serving._targets.parts import CallPart, Part


class FrameWriter:
    """The base of `Target`: what its subclasses override and use. It writes nothing by itself."""

    name: ClassVar[str]
    content_type: ClassVar[str] = "text/event-stream"
    headers: ClassVar[Mapping[str, str]] = {}
    heartbeat: ClassVar[bytes] = b":\n\n"
    other_choices: ClassVar[Literal["write", "refuse", "drop"]] = "refuse"
    interleaves_calls: ClassVar[bool] = False
    breaks_on_failure: ClassVar[bool] = False
    survives_bad_call: ClassVar[bool] = False
    survives_cut_call: ClassVar[bool] = True
    needs_object_arguments: ClassVar[bool] = False
    writes_signatures: ClassVar[bool] = False
    writes_server_calls: ClassVar[bool] = False

    def __init__(self, model: str | None) -> None:
        if model is not None and not isinstance(model, str):
            raise TypeError(f"model must be a str or None, not {model!r:.80}")
        self.choice = 0
        self.answer: Answer | None = None
        self._model = model
        self._frames: list[bytes] = []

    # What subclasses write. Each calls `write` as often as it needs to.

    def write_start(self) -> None:
        """The reply begins. `model` is known as far as the upstream has told it."""

    def write_text_start(self, part: Part) -> None:
        """A run of text begins."""

    def write_text(self, part: Part, text: str) -> None:
        """More of the text."""

    def write_text_end(self, part: Part) -> None:
        """The run of text ends."""

    def write_thinking_start(self, part: Part) -> None:
        """A run of thoughts begins."""

    def write_thinking(self, part: Part, text: str) -> None:
        """More of the thoughts."""

    def write_thinking_end(self, part: Part) -> None:
        """The run of thoughts ends, signed by ``part.signature`` unless that is empty."""

    def write_call_start(self, part: CallPart) -> None:
        """A tool call begins: ``part.id``, ``part.call.name``; ``part.number`` among the calls of the choice."""

    def write_arguments(self, part: CallPart, fragment: str) -> None:
        """More of the call's arguments, as JSON text."""

    def write_call_end(self, part: CallPart) -> None:
        """The call has ended and is complete: ``part.arguments`` has its decoded arguments, ``part.json`` those to be
        written in a frame."""

    def write_call_error(self, part: CallPart) -> None:
        """The call has ended, and its arguments were cut or are not JSON (``part.call.error``)."""

    def write_choice_end(self, finish_reason: FinishReason) -> None:
        """A choice of a complete reply is at its end: `choice`. `write_end` follows after the last one."""

    def write_end(self, summary: Summary) -> None:
        """The reply is complete: reason, usage, and the format's success sentinel if it has one."""

    def write_error(self, failure: Failure) -> None:
        """The reply is not complete. No success sentinel may follow."""

    def refusal(self, failure: Failure) -> Refusal:
        """What a server of this format answers instead of a stream, together with a status that says so."""
        return failure.refusal

    def write_abort(self) -> None:
        """The reply was stopped on request. By default nothing is said."""

    # What subclasses use.

    def write(self, frame: bytes) -> None:
        """Add a frame to what is sent next."""
        self._frames.append(frame)

    @property
    def tokens(self) -> Tokens:
        """The token counts as far as the upstream has told them."""
        return Tokens() if self.answer is None else plausible_tokens(self.answer)

    def is_cut_by_limit(self, part: CallPart) -> bool:
        """Whether a call is incomplete for the same reason as a reply that is complete, such as a limit of tokens."""
        answer = self.answer
        cut = part.call.incomplete and part.call.error is None
        return cut and answer is not None and answer.finish_reason in ("length", "content_filter")

    @property
    def model(self) -> str:
        """The name of the model, "unknown" if neither the upstream nor the user tells it."""
        if self._model is None:
            body: Any = None if self.answer is None else self.answer.body
            names = (body.get("model"), body.get("modelVersion")) if isinstance(body, dict) else ()
            self._model = next((name for name in names if isinstance(name, str) and name), "unknown")
        return self._model
