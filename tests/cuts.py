"""The ways in which the tests cut a stream into chunks, and what comes out of a decoder for each.

Whatever the cut, the outcomes must be the same: `cuts` gives the cuts, `outcomes` what to compare.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from ndstream import DecodeError, Event, StreamError

# Past these sizes the cuts are samples, so that a stream of a megabyte stays affordable.
BYTEWISE_MOST = 64 * 1024
TWO_WAY_MOST = 4096

# Where a decoder has something to decide: terminators, quotes, escapes, separators, all but ASCII.
INTERESTING = re.compile(rb'[\0\n\r\x1e":,\\{}\[\]\x80-\xff]')

# What a decoder tells of the stream; not every decoder has all of it.
ATTRIBUTES = (
    "offset", "line", "frames", "errors", "pending", "done",
    "unterminated", "array_closed", "last_event_id", "retry", "comments", "stray",
)  # fmt: skip


class Cut(NamedTuple):
    """One way to cut a stream; the name is for the message of a failed test."""

    name: str
    chunks: list[bytes]


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


def cuts(data: bytes, *, two_way_most: int = TWO_WAY_MOST) -> Iterator[Cut]:
    """Yield the stream cut whole, byte by byte, at every place in two, at random, and with empty chunks.

    The same bytes always give the same cuts. Of streams longer than `two_way_most` only the places
    that look interesting, and some others, are cut in two; of those longer than 64 KiB only the two
    ends go byte by byte.
    """
    chance = random.Random(zlib.crc32(data))
    size = len(data)
    yield Cut("whole", [data])
    yield Cut("whole, with empty chunks", [b"", data, b""])
    if size <= BYTEWISE_MOST:
        each = [data[i : i + 1] for i in range(size)]
        yield Cut("byte by byte", each)
        if size <= two_way_most:
            spaced = [chunk for byte in each for chunk in (b"", byte, b"")]
            yield Cut("byte by byte, with empty chunks", spaced)
    else:
        first, middle, last = data[:256], data[256:-256], data[-256:]
        ends = [[end[i : i + 1] for i in range(len(end))] for end in (first, last)]
        yield Cut("both ends byte by byte", [*ends[0], middle, *ends[1]])
        yield Cut("a thousand bytes at a time", [data[i : i + 1000] for i in range(0, size, 1000)])
    for place in _places(data, two_way_most, chance):
        yield Cut(f"in two at {place}", [data[:place], data[place:]])
        if size <= 256:
            yield Cut(f"in two at {place}, with an empty chunk", [data[:place], b"", data[place:]])
    for number in range(6):
        yield Cut(f"at random ({number})", _pieces(data, chance))


def _places(data: bytes, two_way_most: int, chance: random.Random) -> Iterable[int]:
    size = len(data)
    if size <= two_way_most:
        return range(1, size)
    most = 200 if size <= BYTEWISE_MOST else 20
    near = {hit.start() + shift for hit in INTERESTING.finditer(data) for shift in (0, 1)}
    near.update(*(range(edge - 4, edge + 4) for edge in (0, 256, 4096, BYTEWISE_MOST, size)))
    inside = sorted(place for place in near if 0 < place < size)
    chosen = set(chance.sample(inside, min(most, len(inside))))
    chosen.update(chance.randrange(1, size) for _ in range(most // 4))
    return sorted(chosen)


def _pieces(data: bytes, chance: random.Random) -> list[bytes]:
    largest = chance.choice([2, 5, 17, 64, 1460]) if len(data) <= BYTEWISE_MOST else 65_536
    pieces = []
    start = 0
    while start < len(data):
        # Zero is among the sizes: an empty chunk is a cut as well.
        end = start + chance.randint(0, largest)
        pieces.append(data[start:end])
        start = end
    return pieces


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
    """A form of a value in which 1, 1.0 and True differ, as 0.0 and -0.0 do; an event as all its parts.

    A loop, since comparing values a thousand levels deep would exhaust the stack of older Pythons.
    """
    if isinstance(value, Event):
        return (
            value.event, value.data, value.id, value.retry, value.payload, value.raw, value.offset,
        )  # fmt: skip
    parts: list[str] = []
    rest: list[tuple[bool, object]] = [(False, value)]
    while rest:
        literal, item = rest.pop()
        if literal:
            parts.append(str(item))
        elif isinstance(item, list):
            rest.append((True, "]"))
            rest.extend(part for each in reversed(item) for part in ((True, ","), (False, each)))
            parts.append("[")
        elif isinstance(item, dict):
            rest.append((True, "}"))
            for key, each in reversed(item.items()):
                rest.extend([(True, ","), (False, each), (True, ":"), (False, key)])
            parts.append("{")
        else:
            parts.append(f"{type(item).__name__} {item!r}")
    return "".join(parts)
