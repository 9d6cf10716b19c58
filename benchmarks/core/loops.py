"""The loops that are timed, each written as a user of the library would write it.

A peer that brings a slower JSON decoder is given orjson, unless its name says otherwise: what is
compared is the framing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.harness.contenders import Contender


def to_builtins(value: Any) -> Any:
    return import_module("msgspec").to_builtins(value)


FLOOR = Contender(
    "orjson.loads of each payload (floor)",
    """
    for payload in payloads:
        value = orjson.loads(payload)
        take(value)
    """,
)

NDJSON = Contender("ndstream", "for value in ndstream.ndjson(chunks): take(value)")
NDJSON_DECODER = Contender(
    "ndstream, decoder loop",
    """
    decoder = ndstream.NDJSONDecoder()
    for chunk in chunks:
        for value in decoder.feed(chunk):
            take(value)
    for value in decoder.finish():
        take(value)
    """,
)
BYTES_IO = Contender(
    "lines of a BytesIO, orjson",
    """
    for line in io.BytesIO(data):
        value = orjson.loads(line)
        take(value)
    """,
)
MSGSPEC_LINES = Contender(
    "msgspec decode_lines, all at once", "for value in decode_lines(data): take(value)", "msgspec"
)
HTTPX_LINES = Contender(
    "httpx iter_lines, orjson",
    """
    for line in response(chunks).iter_lines():
        value = orjson.loads(line)
        take(value)
    """,
    "httpx",
)
HTTPX_LINES_JSON = Contender(
    "httpx iter_lines, json",
    """
    for line in response(chunks).iter_lines():
        value = json.loads(line)
        take(value)
    """,
    "httpx",
)

CONCATENATED = Contender("ndstream", "for value in ndstream.concatenated(chunks): take(value)")
CONCATENATED_DECODER = Contender(
    "ndstream, decoder loop",
    """
    decoder = ndstream.ConcatenatedJSONDecoder()
    for chunk in chunks:
        for value in decoder.feed(chunk):
            take(value)
    for value in decoder.finish():
        take(value)
    """,
)
CONCATENATED_IJSON = Contender(
    "ijson, its C backend",
    "for value in ijson_items(io.BytesIO(data), '', multiple_values=True, use_float=True): take(value)",
    "ijson",
)
ITEMS = Contender("ndstream", "for value in ndstream.concatenated(chunks, items=True): take(value)")
ITEMS_DECODER = Contender(
    "ndstream, decoder loop",
    """
    decoder = ndstream.ConcatenatedJSONDecoder(items=True)
    for chunk in chunks:
        for value in decoder.feed(chunk):
            take(value)
    for value in decoder.finish():
        take(value)
    """,
)
ITEMS_IJSON = Contender(
    "ijson, its C backend",
    "for value in ijson_items(io.BytesIO(data), 'item', use_float=True): take(value)",
    "ijson",
)

NDJSON_ASYNC = Contender("ndstream, async", "async for value in ndstream.ndjson(arriving(chunks)): take(value)")
NDJSON_ASYNC_BY_HAND = Contender("async generator by hand", "async for value in by_hand(arriving(chunks)): take(value)")

CONTAINS = Contender(
    "ndstream, contains=",
    """for value in ndstream.ndjson(chunks, contains=b'"level":"error"'): take(value)""",
)
DECODE_ALL = Contender(
    "ndstream, decoding all",
    """
    for value in ndstream.ndjson(chunks):
        if value["level"] == "error":
            take(value)
    """,
)
CONTAINS_IN_PAYLOADS = Contender(
    "in, of each payload",
    """
    for payload in payloads:
        if b'"level":"error"' in payload:
            value = orjson.loads(payload)
            take(value)
    """,
)

TYPED = Contender(
    "ndstream, loads=Decoder(T).decode",
    "for value in ndstream.ndjson(chunks, loads=typed.decode): take(value)",
    "msgspec",
    to_builtins,
)
TYPED_LINES = Contender(
    "msgspec decode_lines, all at once",
    "for value in typed.decode_lines(data): take(value)",
    "msgspec",
    to_builtins,
)

SSE_VALUES = Contender("ndstream", 'for value in ndstream.stream(chunks, format="sse"): take(value)')
SSE_VALUES_DECODER = Contender(
    "ndstream, decoder loop",
    """
    decoder = ndstream.SSEDecoder(values=True, done="[DONE]")
    for chunk in chunks:
        for value in decoder.feed(chunk):
            take(value)
    for value in decoder.finish():
        take(value)
    """,
)
SSE_EVENTS_JSON = Contender(
    "ndstream, event.json()",
    """
    for event in ndstream.sse(chunks, done="[DONE]"):
        value = event.json()
        take(value)
    """,
)
SSE_EVENTS = Contender(
    "ndstream",
    """
    for event in ndstream.sse(chunks):
        value = event.data
        take(value)
    """,
)
SSE_EVENTS_DECODER = Contender(
    "ndstream, decoder loop",
    """
    decoder = ndstream.SSEDecoder()
    for chunk in chunks:
        for event in decoder.feed(chunk):
            value = event.data
            take(value)
    for event in decoder.finish():
        value = event.data
        take(value)
    """,
)
SSE_EVENTS_HTTPX = Contender(
    "ndstream, over an httpx response",
    """
    for event in ndstream.sse(response(chunks).iter_bytes()):
        value = event.data
        take(value)
    """,
    "httpx",
)

OPENAI, ANTHROPIC, HTTPX2, HTTPX_SSE, SSECLIENT = "openai", "anthropic", "httpx2", "httpx-sse", "sseclient-py"
PEERS = {
    SSECLIENT: "SSEClient(chunks).events()",
    OPENAI: "SSEDecoder().iter_bytes(iter(chunks))",
    HTTPX_SSE: "EventSource(response(chunks)).iter_sse()",
    HTTPX2: "EventSource(response(chunks))",
    ANTHROPIC: "SSEDecoder().iter_bytes(iter(chunks))",
}
"""How each library iterates over events."""


def peer_events(peer: str) -> Contender:
    """A library's loop over events, reading their data."""
    source = f"""
    for event in {PEERS[peer]}:
        value = event.data
        take(value)
    """
    return Contender(peer, source, peer)


def peer_values(peer: str) -> Contender:
    """A library's loop over events up to the sentinel, decoding their data."""
    source = f"""
    for event in {PEERS[peer]}:
        if event.data == "[DONE]":
            break
        value = orjson.loads(event.data)
        take(value)
    """
    return Contender(f"{peer}, orjson", source, peer)


# Payloads alone, since what orjson takes for a value of many MiB depends on malloc.


def _halves(source: str) -> tuple[Contender, Contender]:
    return Contender("half of it", source), Contender("all of it", source)


WHOLE_EVENTS = _halves("for value in ndstream.SSEDecoder(values=True, loads=bytes).feed(data).finish(): take(value)")
DRIPPED_EVENTS = _halves(
    """
    decoder = ndstream.SSEDecoder(values=True, loads=bytes)
    for byte in drip(data):
        for value in decoder.feed(byte):
            take(value)
    """
)
DRIPPED_LINE = _halves(
    """
    decoder = ndstream.NDJSONDecoder(loads=bytes)
    for byte in drip(data):
        for value in decoder.feed(byte):
            take(value)
    """
)
