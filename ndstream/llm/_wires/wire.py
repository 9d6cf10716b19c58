"""What a wire is: it takes the frames of one server's stream in turn, and knows at each moment the whole.

A wire lives as long as one reply. Whatever is in a frame, `fold` raises nothing: what cannot be
used is skipped, and is still in the delta's `raw`.

The file is long since it has all that wires share, and all that each of them has to answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from typing import Any, ClassVar

from ndstream._core import Event
from ndstream.llm._delta import Delta, FullDelta
from ndstream.llm._ending import Evidence, Sign
from ndstream.llm._finish_reason import FinishReason, finish_reason_of
from ndstream.llm._heartbeats import is_heartbeat_frame
from ndstream.llm._lenient_readers import says_nothing
from ndstream.llm._limits import MAX_CHOICES, MAX_PARTS, PartCounter
from ndstream.llm._metrics import Metrics
from ndstream.llm._server_error import ServerError, error_in, error_in_plain_answer, error_of_reason
from ndstream.llm._tokens import Tokens
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._transfer_progress import Progress

_MAX_EVIDENCE = 1000
# What a plain answer that is an error has beside its sentence.
_OF_A_FAILURE = frozenset(
    {
        "code",
        "detail",
        "errors",
        "errorCode",
        "error_code",
        "__type",
        "status_code",
        "StatusCode",
        "statusCode",
        "success",
    }
)
_OF_THE_FRAME = frozenset({"type", "status"})
_NEVER_0 = frozenset(
    {
        "input_tokens", "prompt_tokens", "total_tokens", "promptTokenCount", "totalTokenCount", "prompt_eval_count",
        "inputTokens", "totalTokens", "tokens_evaluated", "total_input_tokens",
    }
)  # fmt: skip
"""Counts that no server can mean to be 0."""


class Wire:
    """The base of all wires, and the wire of a reply that no wire knows: it keeps deltas' `raw` alone.

    Attributes:
        name: What ``wire=`` calls it.
        may_be_cumulative: Whether some of its servers send the whole text so far in each frame.
        cumulative: Whether each frame holds the whole text so far.
        evidence: What was seen of the ending so far.
        error: What the server reported as wrong.
        ended: Whether a frame came that this wire ends with.
        usage: The token counts so far, as the server writes them.
        part_counter: Counts the parts of the reply, up to the limit.
        finish_words: Why each choice finished, in the server's words.
        extra_deltas: Deltas of the frame folded last, after the one that was returned.
    """

    name: ClassVar[str] = "unknown"
    may_be_cumulative: ClassVar[bool] = False
    cumulative = False

    def __init__(self) -> None:
        self.evidence: list[Evidence] = []
        self.error: ServerError | None = None
        self.ended = False
        self.usage: dict[str, Any] | None = None
        self.finish_words: dict[int, str] = {}
        self.part_counter = PartCounter()
        self.extra_deltas: deque[Delta] = deque()

    @classmethod
    def matches(cls, frame: dict[str, Any]) -> bool:
        """Whether a stream that begins with this frame is of this wire."""
        return False

    def fold(self, frame: Any, event: Event | None) -> Delta:
        """Fold one frame, and say what it adds. This is the path of every token.

        Args:
            frame: The decoded frame, of any type.
            event: The server-sent event that it came in; None for NDJSON.
        """
        self.look_for_error(frame, event)
        return FullDelta(frame)

    def finish(self, complete: bool) -> None:
        """Close what is open, at the end of the stream: of a reply cut short, open tool calls are incomplete."""

    @property
    def last_sequence_number(self) -> int | None:
        """The number of the last event, of a server that numbers them and can resume its stream."""
        return None

    def resumed(self) -> Wire:
        """A wire that goes on from what this one knows, for a server that resumes its stream.

        Raises:
            TypeError: Servers of this wire cannot resume.
        """
        raise TypeError(
            f"after= goes on with a reply of the wire 'openai-responses', whose servers resume a stream; that of "
            f"{self.name!r} cannot be resumed: send the request again"
        )

    @property
    def complete(self) -> bool:
        """Whether what was seen so far says that the server was done."""
        return self.ended

    @property
    def begun(self) -> bool:
        """Whether anything of a reply came, so that a sentinel can be its end."""
        return self.body is not None

    @property
    def body(self) -> Any:
        """The answer that the server would have given without streaming, so far."""
        return None

    @property
    def text(self) -> str:
        """The text so far, of the first choice: what deltas added, unless it was revised."""
        return ""

    @property
    def text_revised(self) -> bool:
        """Whether the server said a text at the end that does not go on with what it had sent before."""
        return False

    @property
    def thinking(self) -> str:
        """The thoughts so far, of the first choice."""
        return ""

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls so far, of the first choice."""
        return []

    @property
    def refusal(self) -> str:
        """What the model said in place of an answer that it refuses to give, of the first choice."""
        return self.refusal_of(self.first_choice)

    @property
    def tokens(self) -> Tokens:
        """The token counts so far, counted in one way over all wires."""
        return Tokens()

    @property
    def metrics(self) -> Metrics:
        """What the server measured, so far."""
        return Metrics()

    @property
    def progress(self) -> Progress | None:
        """How far a transfer is; None if the stream is about something else."""
        return None

    # Why a choice finished, over all wires.

    @property
    def first_choice(self) -> int:
        """The index of the choice that `text` and the like are of: 0, or at the end the lowest if there is no 0."""
        return 0

    def refusal_of(self, choice: int) -> str:
        """The refusal of a choice; empty if there is none."""
        return ""

    def has_client_calls(self, choice: int) -> bool:
        """Whether a choice has tool calls that the client is to run."""
        return False

    def finish_reason_of(self, choice: int) -> FinishReason | None:
        """Why a choice finished, in the words of all wires; None if the server has not said so."""
        if self.error is not None:
            return "content_filter" if self.error.kind == "content_filter" else "error"
        word = self.finish_words.get(choice)
        if word is None:
            return None
        reason = finish_reason_of(word)
        if reason != "stop":
            return reason
        # OpenAI says "stop" of a refusal; Gemini, Ollama and Responses say it of a message that ends in calls.
        if self.refusal_of(choice):
            return "refusal"
        return "tool_calls" if self.has_client_calls(choice) else "stop"

    # What the wires share.

    def look_for_error(self, frame: Any, event: Event | None) -> bool:
        """Note the error that a frame reports; False if there is none.

        What a frame of this wire says beside an error counts all the same.
        """
        named = None if event is None else event.event
        found = error_in(frame, named)
        if found is not None and isinstance(frame, dict) and (self.matches(frame) or is_heartbeat_frame(frame)):
            # What names the frame, and how far the answer is, says nothing of the error beside it.
            found = error_in({name: value for name, value in frame.items() if name not in _OF_THE_FRAME}, named)
        if found is None and isinstance(frame, dict) and not (_OF_A_FAILURE.isdisjoint(frame) or self.matches(frame)):
            # Gateways put a plain answer in the middle of a stream, too.
            found = error_in_plain_answer(frame)
        if found is not None:
            self.note_error(found)
        return found is not None

    def has_nothing_but_error(self, frame: Any, event: Event | None) -> bool:
        """Note the error of a frame, if it has one. Returns whether nothing else of it is of this wire."""
        return not isinstance(frame, dict) or (self.look_for_error(frame, event) and not self.matches(frame))

    def note_limits(self) -> None:
        """Note that the server sent more than a reply may have, if it did."""
        if self.part_counter.exceeded:
            message = f"the server sent more than {MAX_PARTS:,} parts, or {MAX_CHOICES:,} choices, in one reply"
            self.note_error(ServerError(message, "too_large"))

    def note_error(self, error: ServerError) -> None:
        """Note an error. The first one stays: those after it follow from it."""
        self.error = self.error or error
        self.note_evidence("error_frame", error.message)

    def note_evidence(self, sign: Sign, detail: str) -> None:
        # A server that repeats itself a million times proves nothing more, and is to cost no memory.
        evidence = Evidence(sign, detail)
        if self.evidence and self.evidence[-1] == evidence:
            return
        self.evidence.append(evidence)
        if len(self.evidence) > _MAX_EVIDENCE:
            del self.evidence[0]

    def note_finish_reason(self, reason: str, choice: int = 0) -> None:
        """Note a choice's reason for finishing, which may report an error."""
        self.finish_words[choice] = reason
        self.note_evidence("finish_reason", reason)
        error = error_of_reason(reason)
        if error is not None:
            self.error = self.error or error

    def note_end(self, frame_type: str) -> None:
        """Note the frame that this wire ends with."""
        self.ended = True
        self.note_evidence("terminal_event", frame_type)


def without_error(frame: dict[str, Any]) -> dict[str, Any]:
    """What a frame says beside its error."""
    return {name: value for name, value in frame.items() if name != "error"} if "error" in frame else frame


def overlay(known: dict[str, Any], new: dict[str, Any], apart: Container[str] = ()) -> None:
    """Let a later frame's values replace what is known; a value that says nothing replaces none.

    Args:
        known: What is known.
        new: What the frame says.
        apart: The names that are not looked at.
    """
    for name, value in new.items():
        # The first test is for most values, and costs less than a call.
        if name not in apart and (
            (value and value.__class__ is not str) or name not in known or not says_nothing(value)
        ):
            known[name] = value


def merged_usage(known: dict[str, Any] | None, new: Any) -> dict[str, Any] | None:
    """Token counts with those of a later frame, which are of the whole so far. What is known is changed, and no frame.

    Every prompt has a token, so that 0 tokens of input are none that were counted: some servers write them at the end.
    """
    if not isinstance(new, dict) or not new:
        return known
    if known is None:
        return dict(new)
    for name, value in new.items():
        # The first test is for most values, as above.
        if (
            (value and value.__class__ is not str)
            or name not in known
            or not (says_nothing(value) or (value == 0 and name in _NEVER_0))
        ):
            known[name] = value
    return known
