"""The rows of the core: framing and decoding, against the floor and against other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from benchmarks.core import loops as by
from benchmarks.harness import shapes
from benchmarks.harness.contenders import Case
from benchmarks.harness.rows import Budget, Entry, Row
from benchmarks.harness.shapes import KIB, MIB, Shape

BY_FRAME = "a frame"
CHUNKS = {"64 KiB": 64 * KIB, "1,460 B": 1460}

LINES, EVENTS = 8000, 3200
"""A stream of 1 MiB: like most streams it is not in the processor's own cache before it is read."""
STRETCHES = 8
"""How many parts a stream has that is short enough to stay there, and goes over the same part again."""

CLOSE = 15
"""How many processes tell a few percent: from one to another, ratios differ by more than that."""

DONE = b"data: [DONE]\n\n"


def all_rows(scale: float = 1.0) -> list[Row]:
    """The rows in order; a scale below 1 makes the streams that much shorter, to check and not to time."""

    def scaled(count: int) -> int:
        return max(100, int(count * scale))

    return [
        *ndjson_rows(scaled(LINES)),
        *sse_value_rows(scaled(EVENTS)),
        *cached_rows(scaled(LINES), scaled(EVENTS)),
        *concatenated_rows(scaled(LINES)),
        *sse_event_rows(scaled(EVENTS)),
        *async_rows(scaled(LINES)),
        contains_row(scaled(LINES)),
        typed_row(scaled(LINES)),
        *doubling_rows(scaled),
    ]


# Kept, so that all contenders of a row read the very same objects.


@lru_cache(maxsize=2)
def _shape(make: Callable[..., Shape], size: int) -> Shape:
    return make(size)


@lru_cache(maxsize=4)
def case(make: Callable[..., Shape], size: int, chunks: str, events: bool = False, stretches: int = 1) -> Case:
    """A shape in such chunks, to come out as its values, or as the data of its events.

    With several stretches it is shorter by that factor, and repeated as often.
    """
    shape = _shape(make, size // stretches)
    sentinel = shape.pieces[-1] == DONE
    pieces = shape.pieces[:-1] if sentinel else shape.pieces
    cut = list(pieces) if chunks == BY_FRAME else shapes.cut(b"".join(pieces), CHUNKS[chunks])
    expected: list[Any] = [payload.decode() for payload in shape.payloads] if events else shape.values
    return Case(
        cut * stretches + [DONE] * sentinel,
        list(shape.payloads) * stretches,
        expected * stretches + ["[DONE]"] * (sentinel and events),
        len(pieces) * stretches,
    )


@lru_cache(maxsize=4)
def whole(make: Callable[..., Shape], size: int) -> Case:
    """A shape in one chunk, to come out as its payloads, in the units that its size is told in."""
    shape = _shape(make, size)
    return Case([shape.data], list(shape.payloads), list(shape.payloads), size)


def ndjson_rows(count: int) -> Iterator[Row]:
    for chunks, limit in (("64 KiB", 1.03), ("1,460 B", 1.05), (BY_FRAME, 1.10)):
        tokens = partial(case, shapes.token_lines, count, chunks)
        # These need all bytes at once, so that chunks mean nothing to them.
        at_once = tokens if chunks == "64 KiB" else None
        yield Row(
            f"ndjson, {chunks}",
            f"NDJSON to values: `token_lines`, {chunks} a chunk",
            "line",
            (
                Entry(by.FLOOR, tokens),
                Entry(by.NDJSON, tokens, Budget("at most", limit)),
                Entry(by.NDJSON_DECODER, tokens, Budget("at most", limit)),
                Entry(by.BYTES_IO, at_once),
                Entry(by.MSGSPEC_LINES, at_once),
                Entry(by.HTTPX_LINES, tokens),
                Entry(by.HTTPX_LINES_JSON, tokens),
            ),
            processes=CLOSE,
        )


def sse_value_rows(count: int) -> Iterator[Row]:
    for chunks, limit in (("64 KiB", 1.08), (BY_FRAME, 1.18)):
        tokens = partial(case, shapes.openai_events, count, chunks)
        yield Row(
            f"sse values, {chunks}",
            f"SSE to values: `openai_events`, {chunks} a chunk",
            "event",
            (
                Entry(by.FLOOR, tokens),
                Entry(by.SSE_VALUES, tokens, Budget("at most", limit)),
                Entry(by.SSE_VALUES_DECODER, tokens, Budget("at most", limit)),
                Entry(by.SSE_EVENTS_JSON, tokens),
                *(Entry(by.peer_values(peer), tokens) for peer in by.PEERS),
            ),
            processes=CLOSE,
        )


def cached_rows(lines: int, events: int) -> Iterator[Row]:
    """NDJSON and SSE to values again, where all that is read is in the cache: the floor at its best."""
    ndjson = ("NDJSON", "line", shapes.token_lines, lines, (by.NDJSON, by.NDJSON_DECODER))
    sse = ("SSE", "event", shapes.openai_events, events, (by.SSE_VALUES, by.SSE_VALUES_DECODER))
    for (name, unit, make, size, ours), chunks, limit in (
        (ndjson, "64 KiB", 1.03),
        (ndjson, "1,460 B", 1.06),
        (ndjson, BY_FRAME, 1.12),
        (sse, "64 KiB", 1.08),
        (sse, BY_FRAME, 1.18),
    ):
        tokens = partial(case, make, size, chunks, stretches=STRETCHES)
        yield Row(
            f"cached {name.lower()}, {chunks}",
            f"{name} to values, all in the cache: `{make.__name__}`, {chunks} a chunk",
            unit,
            (
                Entry(by.FLOOR, tokens),
                *(Entry(contender, tokens, Budget("at most", limit)) for contender in ours),
            ),
            processes=CLOSE,
        )


def concatenated_rows(count: int) -> Iterator[Row]:
    """Values without line ends, and the elements of one array: against the floor, and against a JSON stream parser."""
    values = ("concatenated", "Concatenated JSON", "value", (b"", b"", b""), 2.0)
    items = ("items", "Elements of one array", "element", (b"[", b",", b"]"), 2.5)
    for (key, title, unit, punctuation, faster), ours, peer in (
        (values, (by.CONCATENATED, by.CONCATENATED_DECODER), by.CONCATENATED_IJSON),
        (items, (by.ITEMS, by.ITEMS_DECODER), by.ITEMS_IJSON),
    ):
        for stretches, where in ((1, ""), (STRETCHES, ", all in the cache")):
            tokens = partial(_punctuated, shapes.token_lines, count, stretches, punctuation)
            yield Row(
                f"{'cached ' if where else ''}{key}, 64 KiB",
                f"{title} to values{where}: `token_lines` without line ends, 64 KiB a chunk",
                unit,
                (Entry(by.FLOOR, tokens), *(Entry(contender, tokens, Budget("at most", 1.3)) for contender in ours)),
                processes=CLOSE,
            )
        whole = partial(_punctuated, shapes.token_lines, count, 1, punctuation)
        yield Row(
            f"{key}, ijson",
            f"{title} to values, against ijson: `token_lines` without line ends, 64 KiB a chunk",
            unit,
            (Entry(ours[0], whole), Entry(peer, whole, Budget("at least", faster))),
        )


@lru_cache(maxsize=2)
def _punctuated(
    make: Callable[..., Shape], count: int, stretches: int, punctuation: tuple[bytes, bytes, bytes]
) -> Case:
    """The payloads of a shape with nothing between them but this: before the first, between two, after the last."""
    shape = _shape(make, count // stretches)
    first, between, last = punctuation
    data = first + between.join(shape.payloads) + last
    chunks = shapes.cut(data, CHUNKS["64 KiB"])
    return Case(
        chunks * stretches, list(shape.payloads) * stretches, shape.values * stretches, len(shape.payloads) * stretches
    )


def sse_event_rows(count: int) -> Iterator[Row]:
    faster = {
        by.OPENAI: Budget("at least", 20),
        by.HTTPX2: Budget("at least", 15),
        by.SSECLIENT: Budget("at least", 15),
    }
    for make, chunks in (
        (shapes.openai_events, "64 KiB"),
        (shapes.openai_events, BY_FRAME),
        (shapes.anthropic_events, "64 KiB"),
    ):
        events = partial(case, make, count, chunks, events=True)
        promised = faster if make is shapes.openai_events and chunks == "64 KiB" else {}
        yield Row(
            f"{make.__name__}, {chunks}",
            f"SSE to events, `data` read: `{make.__name__}`, {chunks} a chunk",
            "event",
            (
                Entry(by.SSE_EVENTS, events),
                Entry(by.SSE_EVENTS_DECODER, events),
                Entry(by.SSE_EVENTS_HTTPX, events),
                *(Entry(by.peer_events(peer), events, promised.get(peer)) for peer in by.PEERS),
            ),
        )


def async_rows(count: int) -> Iterator[Row]:
    for chunks in ("64 KiB", BY_FRAME):
        tokens = partial(case, shapes.token_lines, count, chunks)
        # With a frame a chunk it is the source's own awaiting that is timed most.
        promised = Budget("more", 100) if chunks == "64 KiB" else None
        yield Row(
            f"async, {chunks}",
            f"Async iteration: `token_lines`, {chunks} a chunk",
            "line",
            (
                Entry(by.NDJSON, tokens),
                Entry(by.NDJSON_ASYNC, tokens, promised),
                Entry(by.NDJSON_ASYNC_BY_HAND, tokens),
            ),
        )


def contains_row(count: int) -> Row:
    logs = partial(case, shapes.access_logs, count, "64 KiB")

    def errors() -> Case:
        return replace(logs(), expected=[value for value in logs().expected if value["level"] == "error"])

    return Row(
        "contains",
        "`contains=` with 1 hit in 100: `access_logs`, 64 KiB a chunk",
        "line",
        (
            Entry(by.CONTAINS, errors),
            Entry(by.DECODE_ALL, errors, Budget("at least", 10)),
            Entry(by.CONTAINS_IN_PAYLOADS, errors),
        ),
    )


def typed_row(count: int) -> Row:
    logs = partial(case, shapes.access_logs, count, "64 KiB")
    return Row(
        "typed",
        "`loads=msgspec.json.Decoder(T).decode`: `access_logs`, 64 KiB a chunk",
        "line",
        (
            Entry(by.TYPED, logs),
            Entry(by.FLOOR, logs, Budget("at least", 1.5)),
            Entry(by.TYPED_LINES, logs),
        ),
    )


def doubling_rows(scaled: Callable[[int], int]) -> Iterator[Row]:
    """A stream and one of half its size, where the work could grow faster than the stream."""
    dripped = "1 byte a chunk"
    at_once = "all in one chunk"
    line, drops, chunk = by.DRIPPED_LINE, by.DRIPPED_EVENTS, by.WHOLE_EVENTS
    for key, title, unit, make, size, (half, full) in (
        ("one frame", f"One frame of 16 MiB, {dripped}", "byte", shapes.one_frame, 16 * MIB, line),
        ("crs", f"CR floods of 16 MiB, {at_once}", "event", shapes.cr_floods, 80_000, chunk),
        ("crs dripped", f"CR floods of 4 MiB, {dripped}", "event", shapes.cr_floods, 20_000, drops),
        ("fields", f"Two million tiny fields, {at_once}", "field", shapes.tiny_fields, 2_000_000, chunk),
        (
            "fields dripped",
            f"A million tiny fields, {dripped}",
            "field",
            shapes.tiny_fields,
            1_000_000,
            drops,
        ),
    ):
        yield Row(
            key,
            title,
            unit,
            (
                Entry(half, partial(whole, make, scaled(size) // 2)),
                Entry(full, partial(whole, make, scaled(size)), Budget("at most", 2.2)),
            ),
            processes=2,
            settle=False,
        )
