"""The events of AG-UI 1.0, the protocol between agents and user interfaces.

A run is started first and ends with one event, after which nothing may come. Each run of text is a message of its own,
and a call belongs to the last of them. A call that was cut is not ended, so that nobody runs it. Keys that have
nothing to say are left out, since clients refuse null.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from ndstream._core import encode_sse
from ndstream.serving._targets.outcome import Failure, Summary, named_counts
from ndstream.serving._targets.parts import CallPart, Part
from ndstream.serving._targets.target import Target


class AGUITarget(Target):
    """A run of one reply. The ids are those of the client's request.

    Example:
        >>> from ndstream import llm
        >>> reply = llm.reply(b'{"response":"Hi","done":false}\\n{"response":"","done":true}\\n')
        >>> target = AGUITarget(thread_id="t", run_id="r")
        >>> events = (target.take(reply) + target.complete(reply)).split(b"\\n\\n")
        >>> events[0]
        b'data: {"type":"RUN_STARTED","threadId":"t","runId":"r","protocolVersion":"1.0"}'
    """

    name = "ag-ui"
    # A run can only finish if all its calls have ended, and clients run what has.
    survives_cut_call = False

    def __init__(self, *, model: str | None = None, thread_id: str | None = None, run_id: str | None = None) -> None:
        """Make the target of one run.

        Args:
            model: The name of the model to tell the client; None for the one that the upstream names.
            thread_id: The ``threadId`` of the client's request; None to make one up.
            run_id: The ``runId`` of the client's request; None to make one up.
        """
        super().__init__(model=model)
        self._run = {"threadId": thread_id or str(uuid4()), "runId": run_id or str(uuid4())}
        self._message_id = str(uuid4())
        self._message_taken = False
        self._open_call = False
        self._reasoning_id = ""
        self._pending_calls: list[str] = []

    def write_start(self) -> None:
        self._write_event("RUN_STARTED", **self._run, protocolVersion="1.0")

    def write_text_start(self, part: Part) -> None:
        if self._message_taken:
            self._message_id = str(uuid4())
        self._message_taken = True
        self._write_event("TEXT_MESSAGE_START", messageId=self._message_id, role="assistant")

    def write_text(self, part: Part, text: str) -> None:
        self._write_event("TEXT_MESSAGE_CONTENT", messageId=self._message_id, delta=text)

    def write_text_end(self, part: Part) -> None:
        self._write_event("TEXT_MESSAGE_END", messageId=self._message_id)

    def write_thinking_start(self, part: Part) -> None:
        self._reasoning_id = str(uuid4())
        self._write_event("REASONING_START", messageId=self._reasoning_id)
        self._write_event("REASONING_MESSAGE_START", messageId=self._reasoning_id, role="reasoning")

    def write_thinking(self, part: Part, text: str) -> None:
        self._write_event("REASONING_MESSAGE_CONTENT", messageId=self._reasoning_id, delta=text)

    def write_thinking_end(self, part: Part) -> None:
        self._write_event("REASONING_MESSAGE_END", messageId=self._reasoning_id)
        self._write_event("REASONING_END", messageId=self._reasoning_id)

    def write_call_start(self, part: CallPart) -> None:
        self._message_taken = self._open_call = True
        names = {"toolCallId": part.id, "toolCallName": part.name}
        self._write_event("TOOL_CALL_START", **names, parentMessageId=self._message_id)

    def write_arguments(self, part: CallPart, fragment: str) -> None:
        self._write_event("TOOL_CALL_ARGS", toolCallId=part.id, delta=fragment)

    def write_call_end(self, part: CallPart) -> None:
        self._open_call = False
        self._pending_calls.append(part.id)
        self._write_event("TOOL_CALL_END", toolCallId=part.id)

    def write_end(self, summary: Summary) -> None:
        outcome: dict[str, Any] = {"type": "success"}
        if self._pending_calls:
            outcome["pendingToolCallIds"] = self._pending_calls
        result = {"finishReason": summary.finish_reason}
        self._write_event("RUN_FINISHED", **self._run, result=result, outcome=outcome, **self._usage())

    def write_error(self, failure: Failure) -> None:
        self._write_event("RUN_ERROR", message=failure.message, code=failure.kind, **self._usage())

    def write_abort(self) -> None:
        if self._open_call:
            # A run cannot finish with it, and clients run what has ended.
            message = "the reply was stopped in the middle of a tool call"
            self._write_event("RUN_ERROR", message=message, code="cancelled", **self._usage())
            return
        self._write_event("RUN_FINISHED", **self._run, outcome={"type": "cancelled"}, **self._usage())

    def _usage(self) -> dict[str, Any]:
        """The ``usage`` of the run; nothing if the upstream counts nothing."""
        counts = named_counts(self.tokens)
        return {"usage": [{"model": self.model, **counts}]} if counts else {}

    def _write_event(self, type: str, **fields: Any) -> None:
        self.write(encode_sse({"type": type, **fields}))
