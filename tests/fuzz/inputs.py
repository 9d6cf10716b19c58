"""An input is four bytes that choose options and cuts, and a stream. So whatever a fuzzer makes is a case."""

from __future__ import annotations

import random
from typing import Any

from fuzz.names import HEAD
from inputs import cuts
from ndstream import Event, StreamError


def split(data: bytes) -> tuple[bytes, bytes]:
    """The bytes that choose, and the stream."""
    return data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]


def _sizes(seed: int) -> list[int]:
    chance = random.Random(seed)
    return [chance.choice((0, 1, 1, 2, 3, 5, 9, 17, 40)) for _ in range(64)]


# Made once: a cut is to cost less than what it is for.
_SIZES = [_sizes(seed) for seed in range(256)]


def pieces(stream: bytes, seed: int) -> list[bytes]:
    """The stream, cut: in two, byte by byte (or nearly), or at random. Always the same for a seed."""
    if seed % 4 == 0:
        place = seed // 4 * len(stream) // 63
        return [stream[:place], stream[place:]]
    if seed % 4 == 1:
        size = 1 + len(stream) // 64
        return [stream[place : place + size] for place in range(0, len(stream), size)]
    found, place, sizes = [], 0, _SIZES[seed]
    while place < len(stream):
        for size in sizes:
            found.append(stream[place : place + size])
            place += size
    return found


def facts(given: Any) -> Any:
    """What two things that came out of a stream are compared by."""
    if isinstance(given, StreamError):
        return cuts.wrong(given)
    if isinstance(given, Event):
        return given.event, given.data, given.id, given.retry, given.payload, given.raw, given.offset
    return given


def same(one: list[Any], other: list[Any]) -> bool:
    """Whether two lists of values, events and errors are equal; NaN is itself."""
    one, other = list(map(facts, one)), list(map(facts, other))
    try:
        if one == other:
            return True
    except RecursionError:
        pass
    return list(map(cuts.exact, one)) == list(map(cuts.exact, other))
