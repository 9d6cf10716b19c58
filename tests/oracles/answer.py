"""What an oracle answers: all that comes out of a stream, and what to say of a frame that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from inputs.cuts import Outcome, Progress, Wrong, exact

BOM = b"\xef\xbb\xbf"
SPACE = b" \t\r\n"  # what JSON counts as white space
NULS = bytes(8)  # a run that only a lost write leaves behind
PREVIEW = 256  # bytes of an over-long frame that its error shows
NO_LIMIT = 2**60


@dataclass
class Answer:
    """All that comes out of a stream, and the decoder's attributes after the last of it."""

    outcomes: list[Outcome] = field(default_factory=list)
    offset: int = 0
    frames: int = 0
    errors: int = 0
    line: int | None = 0
    done: bool = False
    was_cut: bool = False
    unterminated: bool = False
    array_closed: bool = False
    last_event_id: str = ""
    retry: int | None = None
    comments: int = 0

    def value(self, value: Any) -> None:
        self.frames += 1
        self._add(exact(value), None)

    def event(self, parts: tuple[Any, ...]) -> None:
        self.frames += 1
        self._add(parts, None)

    def error(
        self, kind: str, reason: str, frame: bytes, offset: int, line: int | None, position: int | None = None
    ) -> None:
        self.errors += 1
        self._add(None, Wrong(kind, reason, frame, offset, line, position))

    def _add(self, value: Any, error: Wrong | None) -> None:
        self.outcomes.append(Outcome(value, error, Progress(self.offset, self.frames, self.errors), self.line))

    def cut(self, reason: str, frame: bytes, offset: int, line: int | None, position: int) -> None:
        """The end of the stream came inside a frame; the decoder stays in front of it."""
        self.was_cut = True
        self.error("TruncatedError", reason, frame, offset, line, position)

    def no_sentinel(self, end: int) -> Answer:
        """The sentinel did not come; where the end cut a frame, that says enough already."""
        if not self.done and not self.was_cut:
            self.error("TruncatedError", "no_sentinel", b"", end, None)
        return self


def comparable(outcomes: list[Outcome]) -> list[Outcome]:
    """What the rules fix: a missing sentinel is in no line, so that any number will do."""
    return [
        outcome._replace(error=outcome.error._replace(line=None))
        if outcome.error and outcome.error.reason == "no_sentinel"
        else outcome
        for outcome in outcomes
    ]


class Bad(NamedTuple):
    reason: str
    position: int | None


def decode(frame: bytes, loads: Callable[[bytes], Any], *, is_line: bool = False) -> Any:
    """The value in a frame, or why there is none."""
    try:
        return loads(frame)
    except Exception:
        pass
    if frame.startswith(BOM):
        return Bad("byte_order_mark", 0)
    if is_line and (frame.startswith(b"\0") or NULS in frame):
        return Bad("nul_run", frame.index(b"\0"))
    try:
        frame.decode()
        orjson.loads(frame)
    except UnicodeDecodeError as error:
        return Bad("invalid_utf8", error.start)
    except orjson.JSONDecodeError as error:
        return Bad("invalid_json", len(error.doc[: error.pos].encode()))
    return Bad("rejected", None)


def preview(frame: bytes, limit: int) -> bytes:
    """What is known of an over-long frame at the byte that proves it over."""
    return frame[: min(PREVIEW, limit + 1)]
