"""What translating a reply costs without sockets, beside the official client and sse-starlette's encoder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

import ndstream
from benchmarks.harness import shapes
from benchmarks.harness.rounds import Loop
from benchmarks.serving.row import Row
from ndstream.serving import TARGETS

EVENTS = 5000


def rows(scale: float) -> Iterator[Row]:
    """The rows of the targets."""
    events = max(100, int(EVENTS * scale))
    shape = shapes.openai_events(events)
    pieces = list(shape.pieces)
    large = shapes.cut(shape.data, 64 * shapes.KIB)

    def translate(target: Any, chunks: list[bytes] = pieces) -> bytes:
        return b"".join(ndstream.relay(chunks, target, format="sse"))

    assert text_of(translate("ui")) == text_of(translate("ui", large)) == text_of(by_peers(pieces))

    peers = "openai client + sse-starlette encode"
    yield Row(
        "relay of an OpenAI reply as UI messages, an event a chunk",
        {
            "relay": Loop(lambda: translate("ui"), events),
            "relay, 64 KiB a chunk": Loop(lambda: translate("ui", large), events),
            peers: Loop(lambda: by_peers(pieces), events),
        },
        "event",
        at_most=6000,
        faster_than={peers: 10},
    )
    for target in TARGETS:
        if target not in ("ui", "text"):
            loop = Loop(partial(translate, target), events)
            yield Row(f"relay of an OpenAI reply as {target}, an event a chunk", {"relay": loop}, "event")


def text_of(written: bytes) -> str:
    """The text of a UI message stream."""
    values = [json.loads(event.data) for event in ndstream.sse(written) if event.data != "[DONE]"]
    return "".join(value["delta"] for value in values if value["type"] == "text-delta")


def by_peers(chunks: list[bytes]) -> bytes:
    """What a service writes today: the official client's chunks, each as an event of sse-starlette."""
    openai: Any = import_module("openai")
    http: Any = import_module("httpx2")
    event_type: Any = import_module("sse_starlette.sse").ServerSentEvent
    transport = http.MockTransport(
        lambda request: http.Response(200, headers={"content-type": "text/event-stream"}, content=iter(chunks))
    )
    written = []
    with openai.OpenAI(api_key="k", base_url="http://x", http_client=http.Client(transport=transport)) as client:
        for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
            text = chunk.choices[0].delta.content if chunk.choices else None
            if text:
                data = json.dumps({"type": "text-delta", "id": "0", "delta": text})
                written.append(event_type(data=data, sep="\n").encode())
    return b"".join(written)
