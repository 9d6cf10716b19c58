"""Callbacks that call the decoder they are called by get a RuntimeError, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

import ndstream
from fuzz.inputs import pieces, same, split
from fuzz.targets.decoders import CONCATENATED, JSONSEQ, NDJSON, SSE, collect
from inputs.cuts import state_of

DECODERS: list[tuple[Callable[..., Any], list[dict[str, Any]]]] = [
    (ndstream.NDJSONDecoder, NDJSON),
    (ndstream.SSEDecoder, SSE),
    (ndstream.JSONSeqDecoder, JSONSEQ),
    (ndstream.ConcatenatedJSONDecoder, CONCATENATED),
]

CALLS: list[Callable[[Any], object]] = [
    lambda decoder: decoder.feed(b'{"a":9}\n\n'),
    lambda decoder: decoder.feed(b""),
    next,
    list,
    lambda decoder: decoder.finish(),
    lambda decoder: decoder.reset(),
    lambda decoder: decoder.__init__(),
]


def chosen_decoder(head: bytes) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A decoder and its options, without `loads`."""
    make, choices = DECODERS[head[0] & 3]
    options = dict(choices[(head[0] >> 2 | head[1] << 6) % len(choices)])
    options.pop("loads", None)
    return make, options


def reentry(data: bytes) -> None:
    head, stream = split(data)
    make, options = chosen_decoder(head)
    plain: list[Any] = []
    skips = head[3] & 12 != 0
    decoder = make(on_error="skip" if skips else plain.append, loads=orjson.loads, **options)
    collect(decoder, pieces(stream, head[3]), plain)

    found: list[Any] = []
    calls = 0
    running = True

    def call() -> None:
        nonlocal calls
        calls += 1
        wanted = head[2] + calls
        if not running or wanted & 8:
            return
        state = state_of(other)
        try:
            CALLS[wanted % 7](other)
        except RuntimeError:
            assert state_of(other) == state, "a call that was refused changed the decoder"
        else:
            raise AssertionError(f"call {wanted % 7} was let in")

    def loads(payload: bytes) -> Any:
        call()
        return orjson.loads(payload)

    def on_error(error: ndstream.StreamError) -> None:
        found.append(error)
        call()

    def on_comment(comment: str) -> None:
        call()

    if make is ndstream.SSEDecoder:
        options["on_comment"] = on_comment
    other = make(on_error="skip" if skips else on_error, loads=loads, **options)
    collect(other, pieces(stream, head[3]), found)
    running = False
    for event in found:
        if isinstance(event, ndstream.Event):
            with suppress(ndstream.StreamError):
                event.json()
    if not same(plain, found):
        raise AssertionError(f"{options}: {found} in place of {plain}")
    assert state_of(other) == state_of(decoder), (state_of(other), state_of(decoder))
