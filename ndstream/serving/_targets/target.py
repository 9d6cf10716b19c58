"""What a target is: it turns the deltas of a reply into the frames of one front end's format.

To add a target, subclass `Target` in a file of its own, write the methods ``write_...`` that the format needs, and add
the class to `registry.py`. What holds for every subclass, whatever the upstream sends:

- `write_start` comes first and once, even if the reply has no delta at all.
- Every part that is started is ended before the end; text and thoughts are never empty, and come only between the start
  and the end of their part. Thoughts that are signed and kept secret are a part without any. A call that the format
  cannot end is the last part, and the reply an error.
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

from collections.abc import Callable, Iterable

from ndstream._errors import EncodeError
from ndstream.llm import Answer, Delta
from ndstream.serving._targets.ordered_parts import Choice, OrderedParts
from ndstream.serving._targets.outcome import Failure, Summary


class Target(OrderedParts):
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
        writes_signatures: Whether what thoughts are signed with is written, at the end of their part; a part of
            thoughts may have nothing else then.
        writes_server_calls: Whether calls that the upstream runs by itself are written.
        choice: The choice that is being written, counted from 0.
        answer: The reply so far. Set before anything is written.
        failure: What the client was told if the reply is not complete.
        error: What could not be written, if that is the reason.
    """

    def __init__(self, *, model: str | None = None) -> None:
        """Make the target of one reply.

        Args:
            model: The name of the model to tell the client; None for the one that the upstream names.
        """
        super().__init__(model)
        self.failure: Failure | None = None
        self.error: EncodeError | None = None
        self._started = False

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
                self._at_end = True
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
            choice = self._choices.setdefault(delta.choice, Choice())
            if delta.finish_reason is not None:
                choice.finish_reason = delta.finish_reason
        assert choice is not None
        self.choice = delta.choice
        if delta.thinking:
            self._take_text(choice, "thinking", delta.thinking)
        if delta.signature and self.writes_signatures:
            self._take_signature(choice, delta.signature)
        if delta.text:
            self._take_text(choice, "text", delta.text)
        fragments = delta.arguments
        for place, call in enumerate(delta.tool_calls):
            self._take_call(choice, call, fragments[place] if place < len(fragments) else "")
