"""From frames and an ending to an answer. It does no input: whoever reads the stream tells it what came.

It is longer than most files here, since what counts as an ending is decided in one place.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any, Literal, TypeAlias

import orjson

from ndstream._core import Decoder, Event, SSEDecoder
from ndstream._errors import DecodeError, FrameTooLargeError, StreamError, TruncatedError
from ndstream.llm._answer import Answer
from ndstream.llm._delta import Delta
from ndstream.llm._ending import Ending, Verdict
from ndstream.llm._errors import ReplyError, ReplyServerError, ReplyTruncatedError
from ndstream.llm._frames import Head
from ndstream.llm._server_error import ServerError, error_in
from ndstream.llm._wires.registry import WIRES, wire_of
from ndstream.llm._wires.wire import Wire

OnIncomplete: TypeAlias = Literal["raise", "return"]

_EXCERPT = 200
_FAILED = ("source_failed", "stalled")
_PING = {"type": "ping"}
# It matches everywhere, if only nothing, so that there is an end to ask for.
_BLANKS = re.compile(r"\s*")


class Folder:
    """Takes the frames of a reply, and the way it ends.

    Attributes:
        wire: The wire, one that knows nothing until a frame has told it.
        ending: How it ended; None while it goes on.
        clock: When things came.
        head: What looks at the first bytes.
        told: Whether the wire is known, so that frames can go straight to its `take`.
    """

    def __init__(self, wire: str | None, on_incomplete: OnIncomplete) -> None:
        if wire is not None and wire not in WIRES:
            raise ValueError(f"wire must be one of {', '.join(map(repr, WIRES))}, or None, not {wire!r}")
        if on_incomplete not in ("raise", "return"):
            raise ValueError(f"on_incomplete must be 'raise' or 'return', not {on_incomplete!r}")
        self.wire = Wire() if wire is None else WIRES[wire]()
        self.ending: Ending | None = None
        self.clock: dict[str, float] = {}
        self._raises = on_incomplete == "raise"
        self._began = time.monotonic()
        self.told = wire is not None
        self._sentinel = False
        self._strange: Any = None
        self.head = Head(self.first_byte)

    def mark(self, name: str) -> bool:
        """Note when something came first. Returns whether it is still to come, which it is not."""
        if name not in self.clock:
            self.clock[name] = time.monotonic() - self._began
        return False

    def first_byte(self) -> None:
        self.mark("first_byte")

    def take(self, item: Any) -> Delta | None:
        """Fold an event or value; None for an event without data.

        Raises:
            DecodeError: The event holds no JSON.
        """
        if isinstance(item, Event):
            return self.take_frame(item.json(), item) if item.payload.strip() else None
        return self.take_frame(item, None)

    def take_frame(self, frame: Any, event: Event | None) -> Delta:
        self.mark("first_payload")
        if not self.told:
            self._tell(frame)
        delta = self.wire.take(frame, event)
        if delta.text:
            self.mark("first_text")
        return delta

    def _tell(self, frame: Any) -> None:
        """Find the wire that knows this frame."""
        kind = wire_of(frame)
        if kind is not None:
            before = self.wire
            self.wire = kind()
            self.wire.evidence += before.evidence
            self.wire.error = before.error
            self.told = True
        elif self._strange is None and frame != _PING:
            self._strange = frame

    def end(self, decoder: Decoder[Any] | None) -> ReplyError | None:
        """The stream is at its end. Returns what to raise, if anything."""
        if self.ending is not None:
            return None
        self._look_at_stray(decoder)
        self._look_for_reply()
        if self.told and self.head.documents is not None and self.head.documents.closed:
            self.wire.end("]")
        if not self._is_done(decoder):
            self.wire.note("end_of_stream", "")
        return self._ended(complete=self._sentinel or self.wire.complete)

    def fail(self, error: StreamError, decoder: Decoder[Any] | None, item: Any) -> ReplyError | None:
        """The stream failed, or a frame is bad. Returns what to raise, if anything.

        Args:
            error: What was raised.
            decoder: The stream's decoder.
            item: The event or value that came last, which a `DecodeError` of an event is about.
        """
        if self.ending is not None:
            return None
        self._look_at_stray(decoder)
        if error.reason in _FAILED:
            if not self._take_tail(error.frame):
                self._take_joined(error.frame)
            cause = error.__cause__
            self.wire.note("transport_error", f"{type(cause).__name__}: {cause}")
        elif isinstance(error, TruncatedError):
            if not self._take_tail(error.frame) and not self._take_joined(error.frame):
                if _is_half_a_frame(error.frame):
                    self.wire.note("cut_frame", _shown(error.frame))
                else:
                    self._malformed(error)
            self.wire.note("end_of_stream", "")
        elif isinstance(error, DecodeError) and isinstance(item, Event) and item.event == "error":
            self._take_late(error.frame.decode(errors="replace"), item)
        elif not self._take_joined(error.frame):
            self._malformed(error)
        return self._ended(complete=self.wire.complete, cause=error)

    def close(self, decoder: Decoder[Any] | None, detail: str = "") -> None:
        """The reader stops here."""
        if self.ending is None:
            complete = self._is_done(decoder) or self.wire.complete
            self.wire.note("closed", detail)
            self._settle("error" if self.wire.error else "complete" if complete else "cancelled")

    def _is_done(self, decoder: Decoder[Any] | None) -> bool:
        """Whether the sentinel was seen."""
        if decoder is None or not decoder.done:
            return False
        self._sentinel = True
        self.wire.note("sentinel", "[DONE]")
        return True

    def _malformed(self, error: StreamError) -> None:
        self.wire.note("malformed_frame", str(error))
        # What stands behind the end makes no difference to what came before it.
        if not self.wire.ended:
            self.wire.error = self.wire.error or ServerError(str(error), "malformed")

    def _ended(self, complete: bool, cause: StreamError | None = None) -> ReplyError | None:
        self._settle("error" if self.wire.error else "complete" if complete else "truncated")
        ending = self.ending
        assert ending is not None
        if ending.verdict == "complete" or not self._raises:
            return None
        facts: dict[str, Any] = {"reply": Answer(self)}
        if cause is not None:
            facts.update(frame=cause.frame, offset=cause.offset, line=cause.line, position=cause.position)
        if ending.error is not None:
            kind = ending.error.kind
            reason = kind if kind in ("malformed", "spliced") else "server_error"
            if isinstance(cause, FrameTooLargeError):
                reason = cause.reason
            raised: ReplyError = ReplyServerError(
                ending.error.message,
                kind=kind,
                code=ending.error.code,
                retryable=ending.error.retryable,
                reason=reason,
                **facts,
            )
        else:
            reason = "unfinished" if cause is None else cause.reason
            raised = ReplyTruncatedError(self._cut_message(cause), retryable=True, reason=reason, **facts)
        raised.__cause__ = cause
        return raised

    def _cut_message(self, cause: StreamError | None) -> str:
        seen = Answer(self)
        how = (
            "the stream ended"
            if cause is None or cause.reason not in _FAILED
            else f"the source failed ({cause.__cause__})"
        )
        if not self.told and self._strange is not None:
            return (
                f"{how}, and none of its frames was of a wire that is known, as the first one: "
                f"{_shown(orjson.dumps(self._strange, default=str))}; if it is one of llm.WIRES, name it with wire="
            )
        what = f"after {len(seen.text)} characters of text" if seen.output_started else "before any output"
        return (
            f"{how} {what}, and the server had not said that it was done; what came is in error.reply: send the "
            'request again, or pass on_incomplete="return" and look at reply.ending'
        )

    def _settle(self, verdict: Verdict) -> None:
        self.mark("end")
        self.wire.finish(complete=verdict == "complete")
        self.ending = Ending(verdict, tuple(self.wire.evidence), self.wire.error if verdict == "error" else None)

    # What is left over when a stream ends in disorder.

    def _take_late(self, frame: Any, event: Event | None) -> None:
        """Fold a frame that was found at the end; its delta comes out behind the others."""
        place = len(self.wire.more)
        delta = self.take_frame(frame, event)
        self.wire.more.insert(place, delta)

    def _take_tail(self, tail: bytes) -> bool:
        """Take what the end cut, where it is whole but for its blank line or line end, or a bare error."""
        decoder = SSEDecoder(on_truncated="emit", max_frame_size=None)
        events: list[Event | None] = [event for event in decoder.feed(tail).finish() if event.payload]
        taken = False
        for event in events or [None]:
            payload = tail if event is None else event.payload
            frame = _decoded(payload)
            if event is not None and event.event == "error":
                frame = payload.decode(errors="replace") if frame is None else frame
            elif not isinstance(frame, (dict, list)):
                continue
            taken = True
            for each in frame if isinstance(frame, list) else [frame]:
                self._take_late(each, event)
        return taken

    def _take_joined(self, line: bytes) -> bool:
        """Take several values on one line: a proxy that reports an error puts no line end before it."""
        frames = _values(line)
        if len(frames) < 2 or error_in(frames[-1]) is None:
            return False
        for frame in frames:
            self._take_late(frame, None)
        return True

    def _look_at_stray(self, decoder: Decoder[Any] | None) -> None:
        """JSON without ``data:`` among events: this is how some servers report an error. Or a proxy's page."""
        stray = decoder.stray if isinstance(decoder, SSEDecoder) else None
        if stray is None:
            return
        for frame in _values(stray):
            for each in frame if isinstance(frame, list) else [frame]:
                self.wire.look_for_error(each, None)
        if stray.lstrip().startswith(b"<") and not self.wire.complete:
            self.wire.note("malformed_frame", _shown(stray))
            message = f"the server sent a page in the middle of its answer: {_shown(stray)}"
            self.wire.error = self.wire.error or ServerError(message, "malformed")

    def _look_for_reply(self) -> None:
        """Where no frame was of any wire, the first one may be a plain answer that says what is wrong."""
        if not self.told and self.wire.error is None and isinstance(self._strange, dict):
            told = error_in(self._strange, "error")
            if told is not None and any(
                isinstance(self._strange.get(name), str) for name in ("message", "detail", "title")
            ):
                self.wire.fail(told)


def is_blank(error: DecodeError) -> bool:
    """Whether it is about an event with nothing in its data, as some servers send to keep a connection open."""
    return not error.frame.strip()


def is_heartbeat(event: Event) -> bool:
    """Whether it keeps the connection open and says nothing: without data, or a ping."""
    payload = event.payload.strip()
    return not payload or (b"ping" in payload[:40] and _decoded(payload) == _PING)


def _decoded(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except ValueError:
        return None


def _values(text: bytes) -> list[Any]:
    """The JSON values that a text consists of; none where anything else stands in it."""
    decoder = json.JSONDecoder()
    whole = text.decode(errors="replace")
    found: list[Any] = []
    place = _BLANKS.match(whole, 0).end()  # type: ignore[union-attr]
    while place < len(whole):
        try:
            value, place = decoder.raw_decode(whole, place)
        except (ValueError, RecursionError):
            return []
        found.append(value)
        place = _BLANKS.match(whole, place).end()  # type: ignore[union-attr]
    return found


def _is_half_a_frame(tail: bytes) -> bool:
    """Whether it may be the beginning of a frame, not a page or a sentence."""
    begin = tail.removeprefix(b"\xef\xbb\xbf").lstrip()
    return begin.startswith((b"{", b"[", b"\x1e", b"data", b"event", b"id", b"retry", b":")) or len(begin) < 6


def _shown(tail: bytes) -> str:
    return tail[:_EXCERPT].decode(errors="replace")
