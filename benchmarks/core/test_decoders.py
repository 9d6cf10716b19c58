"""The main shapes through the decoders, for pytest-benchmark: ``pytest benchmarks``.

To compare one build with another; `compare.py` compares with other libraries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import ndstream
from benchmarks.harness import shapes
from benchmarks.harness.shapes import Shape

MAKERS = (
    shapes.token_lines,
    shapes.access_logs,
    shapes.openai_events,
    shapes.anthropic_events,
    shapes.multi_line_data,
    shapes.heartbeats,
    shapes.cr_floods,
)
EVENTS = [make for make in MAKERS if make().format == "sse"]

each_shape = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
each_event_shape = pytest.mark.parametrize("make", EVENTS, ids=lambda make: make.__name__)


def exhaust(iterator: Any) -> None:
    for _ in iterator:
        pass


@each_shape
@pytest.mark.parametrize("chunks", ["64 KiB", "1,460 B", "a piece"])
def test_values(benchmark: Any, make: Callable[[], Shape], chunks: str) -> None:
    shape = make()
    sizes = {"64 KiB": 64 * shapes.KIB, "1,460 B": 1460}
    cut = list(shape.pieces) if chunks == "a piece" else shapes.cut(shape.data, sizes[chunks])
    benchmark(lambda: exhaust(ndstream.stream(cut, format=shape.format)))


@each_event_shape
def test_events(benchmark: Any, make: Callable[[], Shape]) -> None:
    cut = shapes.cut(make().data, 64 * shapes.KIB)

    def read() -> None:
        for event in ndstream.sse(cut):
            _ = event.data

    benchmark(read)


def test_a_frame_of_a_mebibyte_in_single_bytes(benchmark: Any) -> None:
    data = shapes.one_frame(shapes.MIB).data
    benchmark(lambda: exhaust(ndstream.ndjson(shapes.drip(data))))


def test_a_line_in_a_hundred_by_what_it_contains(benchmark: Any) -> None:
    cut = shapes.cut(shapes.access_logs().data, 64 * shapes.KIB)
    benchmark(lambda: exhaust(ndstream.ndjson(cut, contains=b'"level":"error"')))
