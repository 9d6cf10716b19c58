"""What writing one event costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import orjson

import ndstream
from benchmarks.harness.rounds import Loop
from benchmarks.serving.row import Row

EVENTS = 20_000
VALUE = {
    "id": "chatcmpl-B1x2y3z4",
    "object": "chat.completion.chunk",
    "created": 1_790_000_000,
    "model": "gpt-4o-mini-2026-07-18",
    "system_fingerprint": "fp_0123456789",
    "choices": [{"index": 0, "delta": {"content": " streaming"}, "logprobs": None, "finish_reason": None}],
    "usage": None,
}
PAYLOAD = orjson.dumps(VALUE)


def rows(scale: float) -> Iterator[Row]:
    """The rows of the encoders."""
    events = max(100, int(EVENTS * scale))

    def loop(write: Callable[[int], object]) -> Loop:
        def run() -> None:
            for number in range(events):
                write(number)

        return Loop(run, events)

    encode = ndstream.encode_sse
    peer: Any = import_module("sse_starlette.sse").ServerSentEvent
    text = PAYLOAD.decode()
    assert peer(data=text, event="token", id="7", sep="\n").encode().count(b"\n") == 4
    yield Row(
        "encode_sse of a ready payload of 250 bytes",
        {
            "encode_sse": loop(lambda number: encode(PAYLOAD)),
            "sse-starlette": loop(lambda number: peer(data=text).encode()),
            "the loop alone": loop(lambda number: None),
        },
        "event",
        at_most=150,
        faster_than={"sse-starlette": 10},
    )
    yield Row(
        "encode_sse of a ready payload with event and id",
        {
            "encode_sse": loop(lambda number: encode(PAYLOAD, event="token", id="1234")),
            "sse-starlette": loop(lambda number: peer(data=text, event="token", id="1234").encode()),
        },
        "event",
        at_most=200,
        faster_than={"sse-starlette": 10},
    )
    yield Row(
        "encode_sse of a JSON value",
        {
            "encode_sse": loop(lambda number: encode(VALUE)),
            "orjson.dumps": loop(lambda number: orjson.dumps(VALUE)),
        },
        "event",
        times_of={"orjson.dumps": 1.3},
    )
