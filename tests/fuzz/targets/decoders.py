"""The four decoders: the same for every cut, as the oracle says, and as good as new after `reset`."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import orjson

import ndstream
import oracles
from fuzz.inputs import pieces, same, split
from fuzz.oracle_runs import note_oracle_run
from inputs.cuts import run, state_of


def objects_only(payload: bytes) -> Any:
    """A `loads` that refuses what JSON allows, as a typed one does."""
    value = orjson.loads(payload)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def combinations(*groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each choice of one dict of each group, merged."""
    return [{name: value for part in parts for name, value in part.items()} for parts in itertools.product(*groups)]


LIMITS: list[dict[str, Any]] = [{"max_frame_size": limit} for limit in (None, 1, 2, 3, 7, 12, 64, 300)]
LOADS: list[dict[str, Any]] = [{}, {"loads": bytes}, {"loads": json.loads}, {"loads": objects_only}]
DONE: list[dict[str, Any]] = [{}, {}, {"done": b"[DONE]"}, {"done": b"[DONE]", "require_done": True}]

NDJSON = combinations(
    LIMITS,
    LOADS,
    DONE,
    [{}, {"blank_lines": "error"}, {"contains": b'"a'}, {"contains": b"1"}, {"contains": b"\r"}],
)
SSE = combinations(
    LIMITS,
    LOADS,
    DONE,
    [{"on_truncated": end} for end in ("raise", "discard", "emit")],
    [{}, {"values": True}, {"raw": True}, {"last_event_id": "\N{EURO SIGN}9"}],
)
JSONSEQ = combinations(LIMITS, LOADS, DONE)
CONCATENATED = [
    options
    for options in combinations(LIMITS, LOADS, DONE, [{}, {"items": True}, {"contains": b"1"}, {"contains": b'"'}])
    if not (options.get("items") and options.get("done"))
]


def collect(decoder: Any, chunks: list[Any], out: list[Any]) -> list[Any]:
    """All that comes out, errors among it, with the offset behind each value. `on_error` may add to the list."""
    most = 4 * sum(map(len, chunks)) + 64
    for chunk in (*chunks, None):
        if chunk is None:
            decoder.finish()
        else:
            decoder.feed(chunk)
        while True:
            try:
                for value in decoder:
                    out.append(value)
                    out.append(decoder.offset)
                break
            except ndstream.StreamError as error:
                out.append(error)
            if len(out) > most:
                raise AssertionError(f"the decoder goes on for ever: {out[-3:]}")
    return out


def check_decoder(
    data: bytes, make: Callable[..., Any], choices: list[dict[str, Any]], expect: Callable[..., oracles.Answer]
) -> None:
    head, stream = split(data)
    options = choices[(head[0] | head[1] << 8) % len(choices)]
    chosen = head[2]
    # Errors and their words take five times as long as the rest. So the oracle is asked of one input in eight,
    # whichever these are, and in most of the others errors are counted alone.
    way = (zlib.crc32(data) & 15) % 8
    if way == 0:
        note_oracle_run()
        answer = expect(stream, **options)
        found = run(make(**options), pieces(stream, head[3]))
        if oracles.comparable(found.outcomes) != oracles.comparable(answer.outcomes):
            raise AssertionError(f"{options}: {found.outcomes} in place of {answer.outcomes}")
        return
    whole: list[Any] = []
    cut: list[Any] = []
    if way == 1:
        decoder = make(on_error=whole.append, **options)
        other = make(**options)
    else:
        decoder = make(on_error="skip", **options)
        other = make(on_error="skip", **options)
    collect(decoder, [stream], whole)
    if chosen & 16:
        # Whatever it was in the middle of is forgotten.
        other.feed(stream[: chosen >> 5])
        if way != 1:
            next(other, None)
        other.reset()
    parts: list[Any] = pieces(stream, head[3])
    if chosen & 32:
        parts = list(map(bytearray, parts))
    collect(other, parts, cut)
    if not same(whole, cut):
        raise AssertionError(f"{options}: {cut} in place of {whole}")
    if state_of(other) != state_of(decoder):
        raise AssertionError(f"{options}: {state_of(other)} in place of {state_of(decoder)}")


def ndjson(data: bytes) -> None:
    check_decoder(data, ndstream.NDJSONDecoder, NDJSON, oracles.ndjson)


def sse(data: bytes) -> None:
    check_decoder(data, ndstream.SSEDecoder, SSE, oracles.sse)


def jsonseq(data: bytes) -> None:
    check_decoder(data, ndstream.JSONSeqDecoder, JSONSEQ, oracles.jsonseq)


def concatenated(data: bytes) -> None:
    check_decoder(data, ndstream.ConcatenatedJSONDecoder, CONCATENATED, oracles.concatenated)
