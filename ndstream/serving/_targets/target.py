"""What a target is: it turns the deltas of a reply into the frames of one front end's format.

To add a target, subclass `Target` in a file of its own, write the methods ``write_...`` that the format needs, and add
the class to `registry.py`. What holds for every subclass, whatever the upstream sends:

- `write_start` comes first and once, even if the reply has no delta at all.
- Every part that is started is ended before the end; text and thoughts are never empty, and come only between the start
  and the end of their part. A call that the format cannot end is the last part, and the reply an error.
- Without `interleaves_calls` one part is open at a time, and what comes meanwhile waits its turn.
- A call starts once its whole name is known, with an id that no other call of the reply has. The fragments of its
  arguments add up to its arguments.
- A call that the upstream runs by itself is left out, unless the format has a word for it.
- What a model says in place of an answer that it refuses is a text, unless the format has a word for it.
- Exactly one of `write_end`, `write_error` and `write_abort` comes last. A reply that was cut, or whose server gave no
  reason for its end, is an error. So is one whose server took back what was written.
- Nothing raises `EncodeError`: what cannot be written is an error of the reply.

A target does no input or output. It is made for one reply.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal
from uuid import uuid4

from ndstream._errors import EncodeError
from ndstream.llm import Answer, Delta, FinishReason, Tokens, ToolCall
from ndstream.serving._targets.outcome import Failure, Refusal, Summary, plausible_tokens
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
        survives_cut_call: Whether a reply can be complete although a call was cut by the limit that ended the reply.
        needs_object_arguments: Whether arguments have to be a JSON object; others are not JSON to it.
        writes_server_calls: Whether calls that the upstream runs by itself are written.
        choice: The choice that is being written, counted from 0.
        answer: The reply so far. Set before anything is written.
        failure: What the client was told if the reply is not complete.
        error: What could not be written, if that is the reason.
    """

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
    writes_server_calls: ClassVar[bool] = False

    def __init__(self, *, model: str | None = None) -> None:
        """Make the target of one reply.

        Args:
            model: The name of the model to tell the client; None for the one that the upstream names.
        """
        self.choice = 0
        self.answer: Answer | None = None
        self.failure: Failure | None = None
        self.error: EncodeError | None = None
        self._model = model
        self._frames: list[bytes] = []
        self._started = False
        # Whether a call went wrong in a way that the format has no words for, so that no part may follow.
        self._broken = False
        self._choices: dict[int, _Choice] = {0: _Choice()}
        self._call_ids: set[str] = set()

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
        """A tool call begins: ``part.id``, ``part.call.name``; ``part.number`` among the calls of the choice."""

    def write_arguments(self, part: CallPart, fragment: str) -> None:
        """More of the call's arguments, as JSON text."""

    def write_call_end(self, part: CallPart) -> None:
        """The call has ended and is complete: ``part.arguments`` has its decoded arguments."""

    def write_call_error(self, part: CallPart) -> None:
        """The call has ended, and its arguments were cut or are not JSON (``part.call.error``)."""

    def write_refusal(self, text: str) -> None:
        """What the model said in place of an answer that it refuses to give. By default it is a text."""
        self._take_text(self._choices[0], "text", text)

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

    # What the relay calls. Each returns the bytes to send, b"" for none.

    def take(self, deltas: Iterable[Delta]) -> bytes:
        """Write what these deltas add. After a failure nothing more is written."""
        for delta in deltas:
            if self.failure is not None:
                break
            try:
                if not self._started:
                    self._start()
                self._take(delta)
                if self._broken and self.failure is None:
                    self._fail(Failure(self._bad_call() or "", "malformed"))
            except EncodeError as error:
                self._fail_to_write(error)
        return self._written()

    def complete(self, answer: Answer) -> bytes:
        """The reply has ended as ``answer.ending`` says, "complete" being the verdict."""
        self.answer = answer
        return self._end(self._complete)

    def fail(self, failure: Failure) -> bytes:
        """The reply is not complete. The parts that are open are ended as far as they came."""
        return self._end(lambda: self._fail(failure))

    def abort(self) -> bytes:
        """The reply is stopped on request."""
        return self._end(self.write_abort)

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

    def _end(self, write: Callable[[], None]) -> bytes:
        """End the parts, then the reply."""
        if self.failure is None:
            try:
                if not self._started:
                    self._start()
                self._end_parts()
                write()
            except EncodeError as error:
                self._fail_to_write(error)
        return self._written()

    def _complete(self) -> None:
        assert self.answer is not None
        wrong = "the upstream changed text that it had sent" if self.answer.text_revised else self._bad_call()
        if wrong is not None:
            self._fail(Failure(wrong, "malformed"))
            return
        summary = Summary.of(self.answer)
        for number, choice in sorted(self._choices.items()):
            self.choice = number
            self.write_choice_end(summary.finish_reason if number == 0 else choice.finish_reason)
        self.write_end(summary)

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self.write_error(failure)

    def _fail_to_write(self, error: EncodeError) -> None:
        self.error = error
        self._close_parts()
        self._fail(Failure("the upstream sent text that cannot be written", "malformed"))

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
            if delta.finish_reason is not None:
                choice.finish_reason = delta.finish_reason
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
            part = choice.calls[id(call)] = CallPart(call)
            part.is_left_out = not (self.writes_server_calls or call.run_by == "client")
            if not part.is_left_out:
                (choice.unopened if self.interleaves_calls else choice.queue).append(part)
        if part.is_left_out:
            return
        if fragment:
            part.pieces.append(fragment)
        if self.interleaves_calls:
            self._write_call(choice, part)
        else:
            self._advance(choice)

    def _advance(self, choice: _Choice) -> None:
        """Write as much as the order of the parts allows: the first part, and those after it once it has ended."""
        queue = choice.queue
        while queue and not self._broken:
            part = queue[0]
            if isinstance(part, CallPart):
                if not self._write_call(choice, part):
                    return
            else:
                if part.index < 0:
                    self._open(choice, part)
                pieces, part.pieces = part.pieces, []
                for piece in pieces:
                    self._write_piece(part, piece)
                if len(queue) == 1:
                    return
                self._close_text(part)
            queue.popleft()

    def _write_call(self, choice: _Choice, part: CallPart) -> bool:
        """Write what a call has gained. Returns whether it has ended."""
        call = part.call
        if part.index < 0:
            if not part.name or not (part.pieces or call.closed):
                # Some servers send the name in pieces before the arguments.
                return False
            if self.interleaves_calls:
                self._close_texts(choice)
                if not self._open_earlier_calls(choice, part):
                    return False
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
        if not self._has_arguments(part):
            self.write_call_error(part)
            self._broken = not self._survives(part)
        else:
            self.write_call_end(part)
        return True

    def _open_earlier_calls(self, choice: _Choice, part: CallPart) -> bool:
        """Start the calls that came before this one, so that calls start in order. Returns whether all have a name."""
        unopened = choice.unopened
        while unopened[0] is not part:
            if not unopened[0].name:
                return False
            self._open(choice, unopened.popleft())
        unopened.popleft()
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
            part.number = choice.calls_opened
            choice.calls_opened += 1
            part.id = self._unique_id(part.call)
            self.write_call_start(part)

    def _unique_id(self, call: ToolCall) -> str:
        """The call's id, or another one if it is made up, which would come again in the next reply, or used already."""
        id = f"call_{uuid4().hex}" if call.synthetic or call.id in self._call_ids else call.id
        self._call_ids.add(id)
        return id

    def _has_arguments(self, part: CallPart) -> bool:
        """Whether a call that has ended has arguments that the format can hold."""
        return not part.call.incomplete and (not self.needs_object_arguments or isinstance(part.arguments, dict))

    def _survives(self, part: CallPart) -> bool:
        """Whether a reply can be complete although this call has not the arguments that it should have."""
        return self.survives_cut_call if self.is_cut_by_limit(part) else self.survives_bad_call

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
        if self.answer is not None and self.answer.refusal:
            self.choice = 0
            self.write_refusal(self.answer.refusal)
        for number, choice in self._choices.items():
            self.choice = number
            if self.interleaves_calls:
                for part in choice.calls.values():
                    if not (part.ended or part.is_left_out):
                        self._write_call(choice, part)
            self._advance(choice)
        self._close_parts()

    def _close_parts(self) -> None:
        """End what is open, without what waits."""
        for number, choice in self._choices.items():
            self.choice = number
            if choice.queue and not isinstance(choice.queue[0], CallPart) and choice.queue[0].index >= 0:
                self._close_text(choice.queue[0])
            choice.queue.clear()
            for part in choice.calls.values():
                if part.index >= 0 and not part.ended:
                    part.ended = True
                    self.write_call_error(part)

    def _bad_call(self) -> str | None:
        """What is wrong with a tool call of a reply that is complete otherwise."""
        wanted = "a JSON object" if self.needs_object_arguments else "JSON"
        for choice in self._choices.values():
            for part in choice.calls.values():
                if part.is_left_out:
                    continue
                if part.index < 0:
                    return "the upstream sent a tool call without a name"
                if part.is_changed:
                    return "the upstream changed a tool call that it had sent"
                if part.ended and not (self._has_arguments(part) or self._survives(part)):
                    if self.is_cut_by_limit(part):
                        return "the reply reached its limit in the middle of a tool call"
                    what = "were cut off" if part.call.incomplete and part.call.error is None else f"are not {wanted}"
                    return f"the upstream sent a tool call whose arguments {what}"
        return None


class _Choice:
    """How far the writing of one choice has come.

    Attributes:
        queue: The parts that are not ended, in order; the first one is open. Interleaved calls are not among them.
        calls: The calls, by identity.
        unopened: The interleaved calls that have not started, in order.
        opened: How many parts were opened.
        calls_opened: How many of them are calls.
        finish_reason: Why the choice finished; known of all but the first, of which the reply itself tells it.
    """

    __slots__ = ("calls", "calls_opened", "finish_reason", "opened", "queue", "unopened")

    def __init__(self) -> None:
        self.queue: deque[Part] = deque()
        self.unopened: deque[CallPart] = deque()
        self.calls: dict[int, CallPart] = {}
        self.opened = 0
        self.calls_opened = 0
        self.finish_reason: FinishReason = "stop"
