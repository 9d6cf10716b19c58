"""Events and payloads that nobody holds are used again; whoever holds one never sees it change."""

from __future__ import annotations

import random
import sys
import sysconfig
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

import ndstream
from ndstream import Event

needs_lock = pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="nothing is used again without the interpreter's lock"
)

EVENTS = [f"event: e{i % 3}\nid: {i}\ndata: {'x' * (i % 50)}{i}\n\n".encode() for i in range(500)]


def said(event: Event) -> tuple[str, str, str, bytes]:
    return event.event, event.id, event.data, event.payload


EXPECTED = [(f"e{i % 3}", str(i), "x" * (i % 50) + str(i), b"x" * (i % 50) + str(i).encode()) for i in range(500)]


@needs_lock
def test_a_loop_over_events_uses_two_objects_in_turn() -> None:
    seen = []
    for event in ndstream.SSEDecoder().feed(b"".join(EVENTS)):
        seen.append(id(event))
    assert len(set(seen)) == 2


@pytest.mark.parametrize("keep", [1, 2, 3, 10])
def test_events_that_are_held_for_a_while_stay_what_they_were(keep: int) -> None:
    held: deque[Event] = deque(maxlen=keep)
    for index, event in enumerate(ndstream.SSEDecoder().feed(b"".join(EVENTS))):
        held.append(event)
        assert [said(event) for event in held] == EXPECTED[max(0, index + 1 - keep) : index + 1]


@pytest.mark.parametrize("seed", range(20))
def test_events_kept_at_random_stay_what_they_were_for_any_cut(seed: int) -> None:
    rng = random.Random(seed)
    data = b"".join(EVENTS)
    decoder = ndstream.SSEDecoder()
    kept: dict[int, Event] = {}
    index = 0
    while data:
        size = rng.choice((1, 7, 100, 3000))
        for event in decoder.feed(data[:size]):
            if rng.random() < 0.3:
                kept[index] = event
            if rng.random() < 0.1:
                assert said(event) == EXPECTED[index]
            index += 1
        data = data[size:]
    assert index == 500
    del decoder
    assert {index: said(event) for index, event in kept.items()} == {index: EXPECTED[index] for index in kept}


@needs_lock
def test_a_payload_that_loads_kept_is_not_used_again() -> None:
    lines = [b"%d" % 10 ** (i % 12 + 2) for i in range(200)]
    kept: list[bytes] = []
    hashes: list[int] = []

    def loads(payload: bytes) -> int:
        if len(payload) % 2:
            kept.append(payload)
        hashes.append(hash(payload))
        return 0

    assert len(list(ndstream.ndjson(b"\n".join(lines), loads=loads))) == 200
    assert kept == [line for line in lines if len(line) % 2]
    assert hashes == [hash(line) for line in lines]


def test_a_payload_that_a_view_refers_to_is_not_used_again() -> None:
    kept: list[memoryview] = []

    def loads(payload: bytes) -> None:
        kept.append(memoryview(payload))

    for event in ndstream.SSEDecoder(values=True, loads=loads).feed(b"".join(EVENTS)):
        assert event is None
    assert [bytes(view) for view in kept] == [payload for *_, payload in EXPECTED]


@needs_lock
@pytest.mark.parametrize("end", ["iterate on", "next chunk", "reset", "drop", "sentinel"])
def test_a_kept_event_does_not_keep_its_chunk(end: str) -> None:
    chunk = b"".join(EVENTS) + b"data: [DONE]\n\n"
    decoder: Any = ndstream.SSEDecoder(done="[DONE]")
    before = sys.getrefcount(chunk)
    first = next(decoder.feed(chunk))
    second = next(decoder)
    if end == "iterate on":
        next(decoder), next(decoder)
    elif end == "next chunk":
        for _ in range(498):
            next(decoder)
        for _ in decoder.feed(b"data: 1\n\n"):
            pass
    elif end == "reset":
        decoder.reset()
    elif end == "sentinel":
        list(decoder)
    else:
        del decoder
    # In the middle the decoder has it in hand, and the two events that came since refer to it.
    assert sys.getrefcount(chunk) == before + (3 if end == "iterate on" else 0)
    assert [said(first), said(second)] == EXPECTED[:2]


@needs_lock
def test_a_stream_lets_go_of_a_chunk_before_it_asks_for_the_next_one() -> None:
    chunk = b"".join(EVENTS)
    references: list[int] = []

    def chunks() -> Iterator[bytes]:
        references.append(sys.getrefcount(chunk))
        yield chunk
        references.append(sys.getrefcount(chunk))

    kept = list(ndstream.sse(chunks()))
    assert references[0] == references[1]
    assert [said(event) for event in kept] == EXPECTED


def test_an_event_of_a_chunk_that_is_not_much_longer_needs_no_copy() -> None:
    decoder = ndstream.SSEDecoder()
    events = [event for one in EVENTS for event in decoder.feed(one)]
    assert [said(event) for event in events] == EXPECTED


def test_events_of_one_decoder_with_changed_options_are_not_mixed_up() -> None:
    decoder = ndstream.SSEDecoder(loads=lambda payload: "first")
    [event] = decoder.feed(b"data: 1\n\n")
    decoder.__init__(loads=lambda payload: "second")
    [other] = decoder.feed(b"data: 1\n\n")
    assert (event.json(), other.json()) == ("first", "second")
