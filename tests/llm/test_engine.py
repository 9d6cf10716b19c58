"""Streams of a real inference engine over real HTTP: llama.cpp, four wires, one random model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

import ndstream


class Wire(NamedTuple):
    """A request of a wire; asked for twice, streamed and not, it gets one and the same reply."""

    path: str
    body: dict[str, Any]


SAMPLING = {"model": "nonsense", "seed": 7, "temperature": 0.8}
MESSAGES = [{"role": "user", "content": "hello"}]
WIRES = {
    "chat": Wire("/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 80}),
    "responses": Wire("/v1/responses", {"input": "hello", "max_output_tokens": 80}),
    "messages": Wire("/v1/messages", {"messages": MESSAGES, "max_tokens": 80}),
    "completion": Wire("/completion", {"prompt": "hello", "n_predict": 80}),
}
LONG = {"messages": MESSAGES, "max_tokens": 3500, "ignore_eos": True, "stream": True} | SAMPLING
"""A reply that runs for a while: two at once need more context than the engine has."""

each_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES.keys())


@pytest.fixture
def client(engine: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=engine, timeout=60) as client:
        yield client


def values_by_hand(data: bytes) -> list[Any]:
    """The values of a whole stream of the engine, which ends lines with LF, without our code."""
    payloads = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(payload) for payload in payloads if payload != b"[DONE]"]


class TestFrames:
    @each_wire
    def test_the_values_are_those_a_reader_finds_in_the_whole_body(self, client: httpx.Client, wire: Wire) -> None:
        received = []

        def chunks(response: httpx.Response) -> Iterator[bytes]:
            for chunk in response.iter_bytes():
                received.append(chunk)
                yield chunk

        with client.stream("POST", wire.path, json=wire.body | SAMPLING | {"stream": True}) as response:
            values = list(ndstream.stream(chunks(response)))
        assert values == values_by_hand(b"".join(received))
        assert len(values) > 40

    def test_a_stream_taken_up_at_the_decoders_offset_goes_on_where_it_was_left(self, client: httpx.Client) -> None:
        conversation = "left-and-taken-up"
        headers = {"X-Conversation-Id": conversation}
        with client.stream("POST", "/v1/chat/completions", json=LONG, headers=headers) as response:
            stream = ndstream.stream(response.iter_bytes())
            first = [next(stream) for _ in range(20)]
        assert stream.decoder is not None
        offset = stream.decoder.offset

        def rest(start: int) -> list[Any]:
            place: dict[str, str | int] = {"conv_id": conversation, "from": start}
            with client.stream("GET", "/v1/stream", params=place) as response:
                return list(ndstream.stream(response.iter_bytes(), require_done=True))

        whole = rest(0)
        assert first + rest(offset) == whole
        assert len(whole) > 1000
