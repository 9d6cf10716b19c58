"""What a target is: it turns the deltas of a reply into the frames of one front end's format.

To add a target, subclass `Target` in a file of its own, write the methods ``write_...`` that the format needs, and add
the class to `registry.py`. What holds for every subclass, whatever the upstream sends:

- `write_start` comes first and once, even if the reply has no delta at all.
- Every part that is started is ended before the end, `write_call_end` aside if the call is incomplete; text and
  thoughts are never empty, and come only between the start and the end of their part.
- Without `interleaves_calls` one part is open at a time, and what comes meanwhile waits its turn.
- A call starts once its name is known. The fragments of its arguments add up to its arguments.
- Exactly one of `write_end`, `write_error` and `write_abort` comes last. A reply that was cut, or whose server gave no
  reason for its end, is an error.

A target does no input or output. It is made for one reply.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from ndstream.llm import Answer, Delta, ToolCall
from ndstream.serving._targets.outcome import Failure, Summary
from ndstream.serving._targets.parts import CallPart, Part


class Target:
    """The base of all targets, which writes nothing.

    Attributes:
        name: What ``to=`` calls it.
        content_type: The Content-Type of the response.
        headers: Headers that the front end asks for, beside those of `ndstream.serving.HEADERS`.
        heartbeat: What keeps a silent connection open, between any two frames; b"" if the format has no such thing.
        other_choices: What becomes of a second answer to the same request: "write" it (`choice` says which one is
            being written), "refuse" it with an error, or "drop" it.
        interleaves_calls: Whether several calls, and text beside them, may be open at once.
        breaks_on_failure: Whether the format has no words for an error, so that the transfer is broken off instead.
        survives_bad_call: Whether a reply can be complete although a call has arguments that are not JSON.
        choice: The choice that is being written, counted from 0.
        answer: The reply so far. Set before anything is written.
    """

    name: ClassVar[str]
    content_type: ClassVar[str] = "text/event-stream"
    headers: ClassVar[Mapping[str, str]] = {}
    heartbeat: ClassVar[bytes] = b":\n\n"
    other_choices: ClassVar[Literal["write", "refuse", "drop"]] = "refuse"
    interleaves_calls: ClassVar[bool] = False
    breaks_on_failure: ClassVar[bool] = False
    survives_bad_call: ClassVar[bool] = False

    def __init__(self, *, model: str | None = None) -> None:
        """Make the target of one reply.

        Args:
            model: The name of the model to tell the client; None for the one that the upstream names.
        """
        self.choice = 0
        self.answer: Answer | None = None
        self.failure: Failure | None = None
        self._model = model
        self._frames: list[bytes] = []
        self._started = False
        self._choices: dict[int, _Choice] = {0: _Choice()}

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
        """The run of thoughts ends."""

    def write_call_start(self, part: CallPart) -> None:
        """A tool call begins: ``part.call.id``, ``part.call.name``; ``part.number`` among the calls of the choice."""

    def write_arguments(self, part: CallPart, fragment: str) -> None:
        """More of the call's arguments, as JSON text."""

    def write_call_end(self, part: CallPart) -> None:
        """The call has ended and is complete: ``part.call.arguments`` has its decoded arguments."""

    def write_call_error(self, part: CallPart) -> None:
        """The call has ended, and its arguments were cut or are not JSON (``part.call.error``)."""

    def write_end(self, summary: Summary) -> None:
        """The reply is complete: reason, usage, and the format's success sentinel if it has one."""

    def write_error(self, failure: Failure) -> None:
        """The reply is not complete. No success sentinel may follow."""

    def write_abort(self) -> None:
        """The reply was stopped on request. By default nothing is said."""

    # What subclasses use.

    def write(self, frame: bytes) -> None:
        """Add a frame to what is sent next."""
        self._frames.append(frame)

    @property
    def model(self) -> str:
        """The name of the model, "unknown" if neither the upstream nor the user tells it."""
        if self._model is None:
            body: Any = None if self.answer is None else self.answer.body
            named = body.get("model") if isinstance(body, dict) else None
            self._model = named if isinstance(named, str) and named else "unknown"
        return self._model

    # What the relay calls. Each returns the bytes to send, b"" for none.

    def take(self, deltas: Iterable[Delta]) -> bytes:
        """Write what these deltas add. After a failure nothing more is written."""
        for delta in deltas:
            if self.failure is not None:
                break
            if not self._started:
                self._start()
            self._take(delta)
        return self._written()

    def complete(self, answer: Answer) -> bytes:
        """The reply has ended as ``answer.ending`` says, "complete" being the verdict."""
        self.answer = answer
        summary = Summary.of(answer)
        if not self._started:
            self._start()
        if self.failure is None:
            self._end_parts()
            wrong = self._bad_call()
            if wrong is None:
                self.write_end(summary)
            else:
                self._fail(Failure(wrong, "malformed"))
        return self._written()

    def fail(self, failure: Failure) -> bytes:
        """The reply is not complete. The parts that are open are ended as far as they came."""
        if self.failure is None:
            if not self._started:
                self._start()
            self._end_parts()
            self._fail(failure)
        return self._written()

    def abort(self) -> bytes:
        """The reply is stopped on request."""
        if not self._started:
            self._start()
        if self.failure is None:
            self._end_parts()
            self.write_abort()
        return self._written()

    # The walk over the deltas.

    def _start(self) -> None:
        self._started = True
        self.write_start()

    def _written(self) -> bytes:
        frames = self._frames
        if not frames:
            return b""
        written = frames[0] if len(frames) == 1 else b"".join(frames)
        frames.clear()
        return written

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self.write_error(failure)

    def _take(self, delta: Delta) -> None:
        choice = self._choices.get(0)
        if delta.choice:
            if self.other_choices == "drop":
                return
            if self.other_choices == "refuse":
                self._end_parts()
                self._fail(Failure(f"the upstream sent several choices, and {self.name} has room for one", "server"))
                return
            choice = self._choices.setdefault(delta.choice, _Choice())
        assert choice is not None
        self.choice = delta.choice
        if delta.thinking:
            self._take_text(choice, "thinking", delta.thinking)
        if delta.text:
            self._take_text(choice, "text", delta.text)
        fragments = delta.arguments
        for place, call in enumerate(delta.tool_calls):
            self._take_call(choice, call, fragments[place] if place < len(fragments) else "")

    def _take_text(self, choice: _Choice, kind: str, text: str) -> None:
        queue = choice.queue
        last = queue[-1] if queue else None
        if last is None or last.kind != kind:
            last = Part(kind)
            queue.append(last)
        if len(queue) == 1 and last.index >= 0:
            self._write_piece(last, text)
            return
        last.pieces.append(text)
        self._advance(choice)

    def _take_call(self, choice: _Choice, call: ToolCall, fragment: str) -> None:
        part = choice.calls.get(id(call))
        if part is None:
            part = choice.calls[id(call)] = CallPart(call, len(choice.calls))
            if not self.interleaves_calls:
                choice.queue.append(part)
        if fragment:
            part.pieces.append(fragment)
        if self.interleaves_calls:
            self._write_call(choice, part)
        else:
            self._advance(choice)

    def _advance(self, choice: _Choice) -> None:
        """Write as much as the order of the parts allows: the first part, and those after it once it has ended."""
        queue = choice.queue
        while queue:
            part = queue[0]
            if isinstance(part, CallPart):
                if not self._write_call(choice, part):
                    return
            else:
                if part.index < 0:
                    self._open(choice, part)
                for piece in part.pieces:
                    self._write_piece(part, piece)
                part.pieces.clear()
                if len(queue) == 1:
                    return
                self._close_text(part)
            queue.popleft()

    def _write_call(self, choice: _Choice, part: CallPart) -> bool:
        """Write what a call has gained. Returns whether it has ended."""
        call = part.call
        if part.index < 0:
            if call.name is None:
                return False
            if self.interleaves_calls:
                self._close_texts(choice)
            self._open(choice, part)
        if part.ended:
            # Nothing can be added after the end of a call: `_bad_call` tells.
            return True
        fragment = part.next_fragment()
        if fragment:
            self.write_arguments(part, fragment)
        if not call.closed:
            return False
        part.ended = True
        if call.incomplete:
            self.write_call_error(part)
        else:
            self.write_call_end(part)
        return True

    def _open(self, choice: _Choice, part: Part) -> None:
        part.index = choice.opened
        choice.opened += 1
        if part.kind == "text":
            self.write_text_start(part)
        elif part.kind == "thinking":
            self.write_thinking_start(part)
        else:
            assert isinstance(part, CallPart)
            self.write_call_start(part)

    def _write_piece(self, part: Part, text: str) -> None:
        if part.kind == "text":
            self.write_text(part, text)
        else:
            self.write_thinking(part, text)

    def _close_text(self, part: Part) -> None:
        if part.kind == "text":
            self.write_text_end(part)
        else:
            self.write_thinking_end(part)

    def _close_texts(self, choice: _Choice) -> None:
        while choice.queue:
            self._close_text(choice.queue.popleft())

    def _end_parts(self) -> None:
        """Write what waits, and end what is open."""
        for number, choice in self._choices.items():
            self.choice = number
            if self.interleaves_calls:
                for part in choice.calls.values():
                    if not part.ended:
                        self._write_call(choice, part)
            self._advance(choice)
            # What is left is a text, or a call without a name and what waits for it.
            if choice.queue and not isinstance(choice.queue[0], CallPart):
                self._close_text(choice.queue[0])
            choice.queue.clear()

    def _bad_call(self) -> str | None:
        """What is wrong with a tool call of a reply that is complete otherwise."""
        for choice in self._choices.values():
            for part in choice.calls.values():
                if part.call.name is None:
                    return "the upstream sent a tool call without a name"
                if part.pieces or part.call.arguments_revised:
                    return "the upstream changed a tool call that it had sent"
                if part.call.incomplete and not self.survives_bad_call:
                    return "the upstream sent a tool call whose arguments are not JSON"
        return None


class _Choice:
    """How far the writing of one choice has come.

    Attributes:
        queue: The parts that are not ended, in order; the first one is open. Interleaved calls are not among them.
        calls: The calls, by identity.
        opened: How many parts were opened.
    """

    __slots__ = ("calls", "opened", "queue")

    def __init__(self) -> None:
        self.queue: deque[Part] = deque()
        self.calls: dict[int, CallPart] = {}
        self.opened = 0
