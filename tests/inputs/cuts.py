"""The ways in which the tests cut a stream into chunks, and what comes out of a decoder for each.

Whatever the cut, the outcomes must be the same: `cuts` gives the cuts, `outcomes` what to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol

from ndstream import DecodeError, Event, StreamError
from stream_framing_conformance import Cut as Cut
from stream_framing_conformance import cuts as cuts
from stream_framing_conformance import exact as exact_json

# What a decoder tells of the stream; not every decoder has all of it.
ATTRIBUTES = (
    "offset", "line", "frames", "errors", "pending", "done",
    "unterminated", "array_closed", "last_event_id", "retry", "comments", "stray",
)  # fmt: skip


class Progress(NamedTuple):
    """How far a decoder says it has come."""

    offset: int
    frames: int
    errors: int


class Wrong(NamedTuple):
    """All that a program can see of an error, but for its message."""

    type: str
    reason: str
    frame: bytes
    offset: int
    line: int | None
    position: int | None


class Outcome(NamedTuple):
    """A value or an error, and where the decoder stood when it came out."""

    value: Any
    error: Wrong | None
    progress: Progress
    line: int | None


class Run(NamedTuple):
    """All that came out of a stream: a list for each feed and one for finish, then the last state."""

    by_feed: list[list[Outcome]]
    state: dict[str, Any]

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for outcomes in self.by_feed for outcome in outcomes]


class Decoder(Protocol):
    @property
    def offset(self) -> int: ...
    @property
    def frames(self) -> int: ...
    @property
    def errors(self) -> int: ...
    def feed(self, data: Any, /) -> Any: ...
    def finish(self) -> Any: ...
    def __next__(self) -> Any: ...


def run(decoder: Decoder, chunks: Iterable[Any], *, finish: bool = True) -> Run:
    """Feed the chunks and then finish, each time taking all that comes out, errors among it."""
    by_feed = [_drain(decoder.feed(chunk)) for chunk in chunks]
    if finish:
        by_feed.append(_drain(decoder.finish()))
    return Run(by_feed, state_of(decoder))


def outcomes(make: Callable[[], Decoder], chunks: Iterable[Any], *, finish: bool = True) -> list[Outcome]:
    """What comes out of a new decoder for these chunks, in order."""
    return run(make(), chunks, finish=finish).outcomes


def _drain(decoder: Decoder) -> list[Outcome]:
    taken: list[Outcome] = []
    while True:
        value, error = None, None
        try:
            value = exact(next(decoder))
        except StopIteration:
            return taken
        except StreamError as raised:
            error = wrong(raised)
        progress = Progress(decoder.offset, decoder.frames, decoder.errors)
        taken.append(Outcome(value, error, progress, getattr(decoder, "line", None)))
        # An error that comes again for ever is a failure to report, not a test that hangs.
        if len(taken) > 2 and taken[-1] == taken[-2] == taken[-3]:
            raise AssertionError(f"the decoder repeats itself: {taken[-1]}")


def kind_of(error: BaseException) -> str:
    """The name of an error's class; a `DecodeError` is one, whatever else it is."""
    return "DecodeError" if isinstance(error, DecodeError) else type(error).__name__


def wrong(error: StreamError) -> Wrong:
    """The facts of an error, to compare."""
    return Wrong(kind_of(error), error.reason, error.frame, error.offset, error.line, error.position)


def state_of(decoder: Decoder) -> dict[str, Any]:
    """The attributes that the decoder has."""
    return {name: getattr(decoder, name) for name in ATTRIBUTES if hasattr(decoder, name)}


def exact(value: object) -> object:
    """A form of a value in which 1, 1.0 and True differ, as 0.0 and -0.0 do; an event as all its parts."""
    if isinstance(value, Event):
        return (
            value.event, value.data, value.id, value.retry, value.payload, value.raw, value.offset,
        )  # fmt: skip
    return exact_json(value)
