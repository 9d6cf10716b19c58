"""From frames and an ending to an answer. It reads nothing: whoever reads the stream says what came."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from ndstream._core import ConcatenatedJSONDecoder, Decoder, Event, SSEDecoder
from ndstream._errors import DecodeError, StreamError, TruncatedError
from ndstream.llm._answer import Answer, ReplyState
from ndstream.llm._delta import Delta
from ndstream.llm._ending import Ending, Verdict
from ndstream.llm._errors import ReplyError
from ndstream.llm._frame_recovery import (
    errors_in_lines,
    frames_in_tail,
    frames_on_one_line,
    is_partial_frame,
    values_in,
)
from ndstream.llm._recognition import Recognition
from ndstream.llm._server_error import ServerError
from ndstream.llm._verdict import SOURCE_FAILURES, error_of, shown

OnIncomplete: TypeAlias = Literal["raise", "return"]


class Folder:
    """Folds the frames of a reply, and notes the way it ends.

    Attributes:
        state: What is known of the reply.
    """

    def __init__(
        self, wire: str | None, on_incomplete: OnIncomplete, after: Answer | None = None, cumulative: bool = False
    ) -> None:
        if after is not None and not isinstance(after, Answer):
            raise TypeError(f"after= takes an earlier reply, or the `reply` of its error, not {type(after).__name__}")
        resumed = None if after is None else after._resumed_wire()
        if resumed is not None and wire not in (None, resumed.name):
            raise TypeError(f"after= goes on with a reply of the wire {resumed.name!r}, not of {wire!r}")
        self._recognition = Recognition(wire if resumed is None else resumed.name, cumulative)
        if on_incomplete not in ("raise", "return"):
            raise ValueError(f"on_incomplete must be 'raise' or 'return', not {on_incomplete!r}")
        self._raises = on_incomplete == "raise"
        self.state = ReplyState(resumed or self._recognition.first_wire())
        self._began = time.monotonic()
        self._sentinel_seen = False

    @property
    def wire_known(self) -> bool:
        """Whether the wire is known, so that frames can go straight to `wire_fold`."""
        return self._recognition.wire_known

    @property
    def wire_fold(self) -> Callable[[Any, Event | None], Delta]:
        """The wire's own way to fold a frame, without the search for the wire and without the clock."""
        return self.state.wire.fold

    @property
    def awaits_text(self) -> bool:
        """Whether no text has come yet."""
        return "first_text" not in self.state.times

    def extra_deltas(self) -> list[Delta]:
        """Deltas of the frame folded last, after the one that was returned. Each is handed out once."""
        extra = self.state.wire.extra_deltas
        deltas = list(extra)
        extra.clear()
        return deltas

    def note_first_byte(self) -> None:
        self._note_time("first_byte")

    def note_first_text(self) -> None:
        self._note_time("first_text")

    def fold(self, item: Any) -> Delta | None:
        """Fold an event or value; None for an event without data.

        Raises:
            DecodeError: The event holds no JSON.
        """
        if isinstance(item, Event):
            return self._fold_frame(item.json(), item) if item.payload.strip() else None
        return self._fold_frame(item, None)

    def note_end_of_stream(self, decoder: Decoder[Any] | None) -> ReplyError | None:
        """Note that the stream is at its end. Returns what to raise, if anything."""
        if self.state.ending is not None:
            return None
        self._look_at_stray_bytes(decoder)
        error = self._recognition.error_in_unknown_frame()
        wire = self.state.wire
        wire.note_limits()
        if error is not None and wire.error is None:
            wire.note_error(error)
        if self.wire_known and isinstance(decoder, ConcatenatedJSONDecoder) and decoder.array_closed:
            wire.note_end("]")
        self._note_sentinel(decoder)
        if not self._sentinel_seen:
            wire.note_evidence("end_of_stream", "")
        return self._end(complete=self._is_ended_by_sentinel or wire.complete)

    def note_failure(self, error: StreamError, decoder: Decoder[Any] | None, item: Any) -> ReplyError | None:
        """Note that the stream failed, or that a frame is bad. Returns what to raise, if anything.

        Args:
            error: What was raised.
            decoder: The stream's decoder.
            item: The event or value that came last, which a `DecodeError` of an event is about.
        """
        if self.state.ending is not None:
            return None
        self._look_at_stray_bytes(decoder)
        self.state.wire.note_limits()
        if error.reason in SOURCE_FAILURES:
            self._fold_tail(error.frame)
            cause = error.__cause__
            self.state.wire.note_evidence("transport_error", f"{type(cause).__name__}: {cause}")
        elif isinstance(error, TruncatedError):
            if not self._fold_tail(error.frame):
                if is_partial_frame(error.frame):
                    self.state.wire.note_evidence("cut_frame", shown(error.frame))
                else:
                    self._note_malformed(error)
            self.state.wire.note_evidence("end_of_stream", "")
        elif isinstance(error, DecodeError) and isinstance(item, Event) and item.event == "error":
            self._fold_late([(error.frame.decode(errors="replace"), item)])
        elif not self._fold_late((frame, None) for frame in frames_on_one_line(error.frame)):
            self._note_malformed(error)
        return self._end(complete=self.state.wire.complete, cause=error)

    def note_closed(self, decoder: Decoder[Any] | None, detail: str = "") -> None:
        """Note that the reader stops here."""
        if self.state.ending is None:
            self._note_sentinel(decoder)
            complete = self._is_ended_by_sentinel or self.state.wire.complete
            self.state.wire.note_evidence("closed", detail)
            self._conclude("error" if self.state.wire.error else "complete" if complete else "cancelled")

    def _fold_frame(self, frame: Any, event: Event | None) -> Delta:
        self._note_time("first_payload")
        if not self.wire_known:
            self.state.wire = self._recognition.look_at(frame, self.state.wire)
        delta = self.state.wire.fold(frame, event)
        if delta.text:
            self.note_first_text()
        return delta

    def _note_time(self, name: str) -> None:
        self.state.times.setdefault(name, time.monotonic() - self._began)

    @property
    def _is_ended_by_sentinel(self) -> bool:
        """Whether the sentinel came, and is the end of a reply: alone, or after unknown frames, it ends nothing."""
        return self._sentinel_seen and self.state.wire.begun

    def _note_sentinel(self, decoder: Decoder[Any] | None) -> None:
        if decoder is not None and decoder.done:
            self._sentinel_seen = True
            self.state.wire.note_evidence("sentinel", "[DONE]")

    def _note_malformed(self, error: StreamError) -> None:
        wire = self.state.wire
        wire.note_evidence("malformed_frame", str(error))
        # What follows the end makes no difference to what came before it.
        if not wire.ended:
            wire.error = wire.error or ServerError(str(error), "malformed")

    def _end(self, complete: bool, cause: StreamError | None = None) -> ReplyError | None:
        self._conclude("error" if self.state.wire.error else "complete" if complete else "truncated")
        return error_of(self.state, cause, self._recognition.unknown_frame) if self._raises else None

    def _conclude(self, verdict: Verdict) -> None:
        self._note_time("end")
        wire = self.state.wire
        wire.finish(complete=verdict == "complete")
        self.state.ending = Ending(verdict, tuple(wire.evidence), wire.error if verdict == "error" else None)

    def _fold_tail(self, tail: bytes) -> bool:
        """Fold the frames in what the end cut off. Returns whether there were any."""
        return self._fold_late(frames_in_tail(tail)) or self._fold_late(
            (frame, None) for frame in frames_on_one_line(tail)
        )

    def _fold_late(self, frames: Iterable[tuple[Any, Event | None]]) -> bool:
        """Fold frames that were found at the end; their deltas come out after the others."""
        folded = False
        for frame, event in frames:
            folded = True
            earlier = self.extra_deltas()
            delta = self._fold_frame(frame, event)
            self.state.wire.extra_deltas.extendleft(reversed([*earlier, delta]))
        return folded

    def _look_at_stray_bytes(self, decoder: Decoder[Any] | None) -> None:
        """JSON without ``data:`` among events: this is how some servers report an error. Or a proxy's page."""
        stray = decoder.stray if isinstance(decoder, SSEDecoder) else None
        if stray is None:
            return
        wire = self.state.wire
        for value in errors_in_lines(stray) or values_in(stray):
            for frame in value if isinstance(value, list) else [value]:
                wire.look_for_error(frame, None)
        if stray.lstrip().startswith(b"<") and not wire.complete:
            wire.note_evidence("malformed_frame", shown(stray))
            message = f"the server sent a page in the middle of its answer: {shown(stray)}"
            wire.error = wire.error or ServerError(message, "malformed")
