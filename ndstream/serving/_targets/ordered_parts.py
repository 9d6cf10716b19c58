"""The parts of a reply in order: each is started, gets its pieces and is ended before what has to come after it.

What arrives out of turn waits: the text after a call that has not ended, a call whose name is not known.
"""

from __future__ import annotations

from collections import deque
from uuid import uuid4

from ndstream.llm import FinishReason, ToolCall
from ndstream.serving._targets.frame_writer import FrameWriter
from ndstream.serving._targets.parts import CallPart, Part


class OrderedParts(FrameWriter):
    """Takes texts, thoughts and calls as they come, and writes them in the order that the format can have."""

    def __init__(self, model: str | None) -> None:
        super().__init__(model)
        self._choices: dict[int, Choice] = {0: Choice()}
        self._call_ids: set[str] = set()
        # Whether the reply has ended, so that nothing more is known later.
        self._at_end = False
        # Whether a call went wrong in a way that the format has no words for, so that no part may follow.
        self._broken = False

    def write_refusal(self, text: str) -> None:
        """What the model said in place of an answer that it refuses to give. By default it is a text."""
        self._take_text(self._choices[0], "text", text)

    def _take_text(self, choice: Choice, kind: str, text: str) -> None:
        queue = choice.queue
        last = queue[-1] if queue else None
        if last is None or last.kind != kind or last.signature:
            last = Part(kind)
            queue.append(last)
        if len(queue) == 1 and last.index >= 0:
            self._write_piece(last, text)
            return
        last.pieces.append(text)
        self._advance(choice)

    def _take_signature(self, choice: Choice, signature: str) -> None:
        """Keep what the thoughts so far are signed with until their end. Thoughts that are kept secret have no text."""
        last = choice.queue[-1] if choice.queue else None
        if last is None or last.kind != "thinking" or last.signature not in ("", signature):
            last = Part("thinking")
            choice.queue.append(last)
        last.signature = signature
        self._advance(choice)

    def _take_call(self, choice: Choice, call: ToolCall, fragment: str) -> None:
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

    def _advance(self, choice: Choice) -> None:
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

    def _write_call(self, choice: Choice, part: CallPart) -> bool:
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
        has_arguments = call.closed and self._has_arguments(part)
        if not call.closed or not (has_arguments or self._survives(part) or self._at_end):
            # What is not JSON may have been cut by a limit, which the end of the reply tells.
            return False
        part.ended = True
        if has_arguments:
            part.ended_well = True
            self.write_call_end(part)
        else:
            self.write_call_error(part)
            self._broken = not self._survives(part)
        return True

    def _open_earlier_calls(self, choice: Choice, part: CallPart) -> bool:
        """Start the calls that came before this one, so that calls start in order. Returns whether all have a name."""
        unopened = choice.unopened
        while unopened[0] is not part:
            if not unopened[0].name:
                return False
            self._open(choice, unopened.popleft())
        unopened.popleft()
        return True

    def _open(self, choice: Choice, part: Part) -> None:
        part.index = choice.opened
        choice.opened += 1
        if part.kind == "text":
            self.write_text_start(part)
        elif part.kind == "thinking":
            self.write_thinking_start(part)
        else:
            assert isinstance(part, CallPart)
            part.start(choice.calls_opened, self._unique_id(part.call))
            choice.calls_opened += 1
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

    def _close_texts(self, choice: Choice) -> None:
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
                if part.is_changed or (part.ended_well and part.call.incomplete and not self.is_cut_by_limit(part)):
                    return "the upstream changed a tool call that it had sent"
                if part.ended and not (self._has_arguments(part) or self._survives(part)):
                    if self.is_cut_by_limit(part):
                        return "the reply reached its limit in the middle of a tool call"
                    what = "were cut off" if part.call.incomplete and part.call.error is None else f"are not {wanted}"
                    return f"the upstream sent a tool call whose arguments {what}"
        return None


class Choice:
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
