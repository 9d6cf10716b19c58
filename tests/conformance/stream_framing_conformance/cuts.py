"""The ways in which a stream is cut into chunks. Whatever the cut, the outcomes must be the same."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# Past these sizes the cuts are samples, so that a stream of a megabyte stays affordable.
BYTEWISE_MOST = 64 * 1024
TWO_WAY_MOST = 4096

# Where a decoder has something to decide: terminators, quotes, escapes, separators, all but ASCII.
INTERESTING = re.compile(rb'[\0\n\r\x1e":,\\{}\[\]\x80-\xff]')


class Cut(NamedTuple):
    """One way to cut a stream; the name is for the message of a failed test."""

    name: str
    chunks: list[bytes]


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
