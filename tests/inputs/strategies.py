"""Streams that look for trouble, and the hypothesis profiles.

Profiles: ``dev`` for a quick look, ``ci`` (the default), ``thorough`` with 20,000 examples a
property. Choose by the environment variable NDSTREAM_HYPOTHESIS or by --hypothesis-profile.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import oracles
from ndstream import ConcatenatedJSONDecoder, JSONSeqDecoder, NDJSONDecoder, SSEDecoder

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", max_examples=30, deadline=None, suppress_health_check=SLOW)
settings.register_profile("ci", max_examples=150, deadline=None, suppress_health_check=SLOW, print_blob=True)
settings.register_profile("thorough", max_examples=20_000, deadline=None, suppress_health_check=SLOW, print_blob=True)
settings.load_profile(os.environ.get("NDSTREAM_HYPOTHESIS", "ci"))


class Framing(NamedTuple):
    """One of the four kinds of stream: its decoder, its oracle, and what to try on them."""

    name: str
    decoder: Callable[..., Any]
    oracle: Callable[..., oracles.Answer]
    streams: st.SearchStrategy[bytes]
    options: st.SearchStrategy[dict[str, Any]]
    wrap: Callable[[bytes], bytes]

    def __repr__(self) -> str:
        return self.name

    def values(self, **options: Any) -> Any:
        """A decoder that yields JSON values."""
        return self.decoder(**options, **({"values": True} if self.name == "sse" else {}))


BOM = b"\xef\xbb\xbf"
TERMINATORS = [b"\n", b"\r", b"\r\n", b"\n\r", b"\r\r\n", b"\n\n", b"\r\n\r\n"]
# Whole values of every kind, the falsy ones too; strings with what text splitters take for a line end.
GOOD_JSON = [
    b"{}",
    b"[]",
    b"0",
    b"-0.5e1",
    b"12",
    b"true",
    b"false",
    b"null",
    b'""',
    b'"a"',
    b'{"a":1}',
    b' {"b":[1,{"c":null}]} ',
    b"\t[1,\r2]",
    b'"\\n\\"\\\\"',
    b'"\xe2\x82\xac\xe2\x80\xa8\xc2\x85"',
    b'"\\ud83d\\ude00 data: x"',
    b'{"id":18446744073709551615}',
    b'"[DONE] {"',
    b'"]}\\\\"',
]
# What no JSON decoder takes, cut-off values, and bytes that are not UTF-8.
BAD_JSON = [
    b"{",
    b"]",
    b'{"a":',
    b'"abc',
    b'"abc\\',
    b"[1,2",
    b"{}{}",
    b"1 2",
    b"tru",
    b"nan",
    b"01",
    b"[DONE",
    b"\xff\xfe{\x00}\x00",
    b'"\xe2\x82',
    b'"\xed\xa0\x80"',
    b'"\xc0\x80"',
    b'"\x1f"',
    b"\x0b1",
    b'"\\ud800"',
    b'"\xc3\xa9" \xc3\xa9',
    b"\x00",
    b"\x00" * 7,
    b"\x00" * 9,
    b"{}" + b"\x00" * 8,
    b"data: {}",
]
# Of these the ones that brackets, quotes or a line end close, and in which no value can begin.
CLOSED_BAD_JSON = [
    b"]",
    b"{]",
    b'{"a":}',
    b"[1,,2]",
    b"tru",
    b"nan",
    b"01",
    b"1e",
    b"-",
    b"not json at all",
    b"[DONE}",
    b'"\xed\xa0\x80"',
    b'"\xc0\x80"',
    b'"\x1f"',
    b"\x0b1",
    b'"\\ud800"',
    b'["a\nb"]',
    b"\x00",
    b"\x00" * 9,
    b"<html>",
    b"data: x",
    b"\xff\xfe",
]
PIECES = [
    BOM,
    BOM[:1],
    BOM[:2],
    BOM[1:],
    b"\x1e",
    b"\x1e\x1e",
    b"\x00",
    b" ",
    b"\t",
    b":",
    b'"',
    b"\\",
    b"\x0c",
    b"\xc2\xa0",
    b"\xe2\x80\xa8",
    b"\xf0\x9f\x98\x80",
    b"\xf0\x9f",
    b"\x98\x80",
    b"\xff",
    b"[DONE]",
    b'"[DONE]"',
    b" [DONE]\t",
    b"x" * 60,
    b"x" * 300,
    b" " * 40,
    b"\r" * 5,
    b"\n" * 5,
]
SSE_LINES = [
    b"data",
    b"data:",
    b"data: x",
    b"data:  x",
    b"data:x",
    b"data: {}",
    b"data: [1,",
    b"data:2]",
    b'data: {"a":"\xe2\x82\xac"}',
    b"data: \xff\xe2\x82",
    b"data: a:b:c",
    b"data:\tx\x00",
    b"data: [DONE]",
    b"data:[DONE] ",
    b"data: " + b"y" * 40,
    b"data: " + b"z" * 300,
    b"data: " + BOM + b"1",
    b"data: " + b"\x00" * 8,
    b"Data: x",
    b" data: x",
    b"data : x",
    b"data\x00: x",
    b"da",
    b"datax: 1",
    b"event",
    b"event:",
    b"event: add",
    b"event:\xe2\x82\xac",
    b"event: message",
    b"id",
    b"id:",
    b"id: 7",
    b"id: \xe2\x82\xac\xff",
    b"id: a\x00b",
    b"ide: 7",
    b"retry",
    b"retry:",
    b"retry: 3000",
    b"retry:007",
    b"retry: 2147483648",
    b"retry: 99999999999999999999999999",
    b"retry: +5",
    b"retry: 1_0",
    b"retry: 5 ",
    b"retry: \xd9\xa3",
    b":",
    b": ping",
    b":data: x",
    b"unknown: 1",
    b"{}",
]


def _joined(*parts: st.SearchStrategy[bytes], most: int = 12) -> st.SearchStrategy[bytes]:
    return st.lists(st.one_of(*parts), max_size=most).map(b"".join)


def _pairs(text: st.SearchStrategy[bytes], end: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(text, end).map(b"".join)


pieces = st.sampled_from(PIECES)
terminators = st.sampled_from(TERMINATORS)
good_json = st.sampled_from(GOOD_JSON)
bad_json = st.sampled_from(BAD_JSON)
any_json = good_json | bad_json
noise = st.binary(max_size=4) | pieces | terminators
line_ends = st.sampled_from([b"\n", b"\n", b"\r\n"])
maybe_bom = st.sampled_from([b"", b"", b"", BOM, BOM[:2], BOM + BOM])

# Streams: mostly well-formed ones with something wrong here and there, and heaps of fragments.
ndjson_streams = st.tuples(
    maybe_bom,
    _joined(_pairs(good_json, line_ends), _pairs(good_json, line_ends), _pairs(bad_json, line_ends), noise),
    any_json | noise,
).map(b"".join) | _joined(any_json, noise)

sse_line = st.sampled_from(SSE_LINES)
sse_block = st.tuples(
    st.lists(_pairs(sse_line, st.sampled_from([b"\n", b"\n", b"\r", b"\r\n"])), max_size=6).map(b"".join),
    st.sampled_from([b"\n", b"\n", b"\r", b"\r\n"]),
).map(b"".join)
sse_streams = st.tuples(
    maybe_bom,
    _joined(sse_block, sse_block, noise, most=6),
    st.just(b"") | sse_line | sse_block | noise,
).map(b"".join) | _joined(sse_line, noise, terminators)

jsonseq_element = st.tuples(
    st.sampled_from([b"\x1e", b"\x1e", b"\x1e\x1e", b""]),
    any_json | good_json | _pairs(any_json, any_json),
    st.sampled_from([b"\n", b"\n", b"\r\n", b"", b" ", b"\n\n", b"\n \r\n"]),
).map(b"".join)
jsonseq_streams = st.tuples(
    st.sampled_from([b"", b"", b"", b"\n", BOM, b"junk"]),
    _joined(jsonseq_element, jsonseq_element, noise),
).map(b"".join) | _joined(any_json, noise, st.just(b"\x1e"))

# Values with and without white space between them, with what makes arrays of them, and with brackets, quotes
# and escapes on their own.
concatenated_text = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b'\\"',
        b"-",
        b"1e",
        b"tru",
        b"nullx",
        b"NaN",
        b"END",
        b"and",
        b"{]",
    ]
)
separators = st.sampled_from([b"", b"", b"\n", b"\r\n", b" ", b",", b", ", b",\n"])
array = st.tuples(
    st.sampled_from([b"[", b"[", b"[\n", b"[,"]),
    _joined(_pairs(good_json, st.sampled_from([b",", b",", b", ", b"\n,", b" ", b""])), concatenated_text, most=5),
    st.sampled_from([b"]", b"]", b"1]", b",]", b"}", b""]),
).map(b"".join)
long_string = st.integers(50, 200).map(lambda size: b'{"long":"' + b"\\\\" * (size % 3) + b"y" * size + b'\\""}')
concatenated_streams = st.tuples(
    maybe_bom,
    _joined(_pairs(good_json | array | long_string, separators), concatenated_text, noise, bad_json),
    any_json | concatenated_text | noise,
).map(b"".join) | _joined(concatenated_text, concatenated_text, noise)

limits = st.none() | st.integers(1, 12) | st.integers(13, 400)


@st.composite
def cuts(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    """The stream in chunks: at random places, around the bytes that matter, or all single."""
    style = draw(st.sampled_from(["random", "random", "trouble", "single", "steps", "whole"]))
    places = list(range(len(stream) + 1))
    if style == "whole":
        points = []
    elif style == "single":
        points = places
    elif style == "steps":
        points = places[:: draw(st.integers(1, 9))]
    else:
        if style == "trouble":
            near = {at for hit in re.finditer(rb"[\r\n\x1e\x00\\\"{}\[\],\x80-\xff]", stream) for at in hit.span()}
            places = sorted(near) or places
        # A place drawn twice makes an empty chunk.
        points = sorted(draw(st.lists(st.sampled_from(places), max_size=12)))
    edges = [0, *points, len(stream)]
    return [stream[begin:end] for begin, end in itertools.pairwise(edges)]


@st.composite
def cut_streams(draw: st.DrawFn, streams: st.SearchStrategy[bytes]) -> list[bytes]:
    return draw(cuts(draw(streams)))


def objects_only(payload: bytes) -> object:
    """A `loads` that refuses what JSON allows, as a typed one does."""
    value = orjson.loads(payload)
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


done = st.sampled_from([None, b"[DONE]"])
loads = st.sampled_from([orjson.loads, bytes, json.loads, objects_only])
ndjson_options = st.fixed_dictionaries(
    {},
    optional={
        "max_frame_size": limits,
        "contains": st.sampled_from([b"a", b'"', b"\r", b" ", b"\xe2\x82"]),
        "blank_lines": st.just("error"),
        "done": done,
        "loads": loads,
    },
)
sse_options = st.fixed_dictionaries(
    {},
    optional={
        "max_frame_size": limits,
        "values": st.booleans(),
        "raw": st.booleans(),
        "on_truncated": st.sampled_from(["raise", "discard", "emit"]),
        "done": done,
        "loads": loads,
        "last_event_id": st.just("\N{EURO SIGN}9"),
    },
)
concatenated_options = st.fixed_dictionaries(
    {},
    optional={
        "max_frame_size": limits,
        "items": st.booleans(),
        "contains": st.sampled_from([b"a", b'"', b" ", b"\xe2\x82"]),
        "done": st.sampled_from([None, b"[DONE]", b"END", b"null"]),
        "loads": loads,
    },
).filter(lambda drawn: not (drawn.get("items") and drawn.get("done") == b"[DONE]"))
jsonseq_options = st.fixed_dictionaries({}, optional={"max_frame_size": limits, "done": done, "loads": loads})


def _requiring_done(options: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Where a sentinel is set it may be required too; without one that would be misuse."""
    return st.tuples(options, st.booleans()).map(
        lambda drawn: drawn[0] | {"require_done": drawn[1] and drawn[0].get("done") is not None}
    )


NDJSON = Framing(
    "ndjson",
    NDJSONDecoder,
    oracles.ndjson,
    ndjson_streams,
    _requiring_done(ndjson_options),
    lambda text: text + b"\n",
)
SSE = Framing(
    "sse",
    SSEDecoder,
    oracles.sse,
    sse_streams,
    _requiring_done(sse_options),
    lambda text: b"".join(b"data: " + line + b"\n" for line in re.split(b"[\r\n]", text)) + b"\n",
)
JSONSEQ = Framing(
    "jsonseq",
    JSONSeqDecoder,
    oracles.jsonseq,
    jsonseq_streams,
    _requiring_done(jsonseq_options),
    lambda text: b"\x1e" + text + b"\n",
)
CONCATENATED = Framing(
    "concatenated",
    ConcatenatedJSONDecoder,
    oracles.concatenated,
    concatenated_streams,
    _requiring_done(concatenated_options),
    lambda text: text + b"\n",
)
FRAMINGS = [NDJSON, SSE, JSONSEQ, CONCATENATED]
