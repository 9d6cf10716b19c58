"""Work is linear in the bytes fed, counted and not timed.

`_touched` counts the bytes a decoder scanned and the bytes it moved into its buffers. Three for each
byte is the bar, for every shape and every chunk size: one scan, one move for a frame that was cut,
one move of an event's data out of its lines. Anything that looks again at what it has seen grows
with the number of chunks or lines and goes far past it.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from inputs.strategies import CONCATENATED, FRAMINGS, JSONSEQ, NDJSON, SSE, Framing
from ndstream import _diagnosis

PER_BYTE = 3
# The needle is looked for by a search of its own, beside the one for the line's end.
PER_BYTE_WITH_NEEDLE = 4
# What a stream of a few bytes costs beyond that, such as a look at the first bytes for a BOM.
CONSTANT = 64

NUMBERS = b"0123456789"


def touched(decoder: Any, data: bytes, size: int) -> int:
    """Feed the data in chunks of one size, take all that comes out, and count."""
    for begin in range(0, len(data), size):
        for _ in decoder.feed(data[begin : begin + size]):
            pass
    for _ in decoder.finish():
        pass
    assert decoder.offset + decoder.pending <= len(data)
    count = decoder._touched
    assert isinstance(count, int)
    return count


def make(framing: Framing, **options: Any) -> Any:
    return framing.decoder(loads=len, on_error="skip", **options)


KIB = 1024
# (bytes, chunk size): big streams in chunks, and streams a byte at a time.
NDJSON_SHAPES = {
    "one_long_line": (b'"' + NUMBERS * (400 * KIB) + b'"\n', 64 * KIB),
    "one_long_line_never_ended": (b'"' + NUMBERS * (400 * KIB), 1460),
    "one_long_line_in_single_bytes": (b'"' + NUMBERS * (10 * KIB) + b'"\n', 1),
    "short_lines_in_single_bytes": (b'{"a":1}\r\n' * 10_000, 1),
    "short_lines_at_once": (b'{"a":1}\n' * 100_000, 2**30),
    "lf_flood": (b"\n" * 300_000, 1000),
    "cr_flood": (b"\r" * 300_000, 1000),
    "cr_flood_in_single_bytes": (b"\r" * 60_000, 1),
    "crlf_flood": (b"\r\n" * 150_000, 999),
    "space_flood": (b" " * 300_000 + b"\n", 1000),
    "nul_flood": (bytes(300_000) + b"\n", 1000),
    "long_blank_lines": ((b" " * 999 + b"\n") * 300, 100),
    "bad_lines": (b"\xef\xbb\xbf{\n" * 20_000, 1000),
}
SSE_SHAPES = {
    "one_long_line": (b"data: " + NUMBERS * (400 * KIB) + b"\n\n", 64 * KIB),
    "one_long_line_never_ended": (b"data: " + NUMBERS * (400 * KIB), 1460),
    "one_long_line_in_single_bytes": (b"data: " + NUMBERS * (10 * KIB) + b"\n\n", 1),
    "short_events_in_single_bytes": (b"data: {}\r\n\r\n" * 8_000, 1),
    "short_events_at_once": (b"event: e\ndata: {}\n\n" * 50_000, 2**30),
    "many_data_lines": (b"data: x\n" * 200_000 + b"\n", 64 * KIB),
    "many_data_lines_in_single_bytes": (b"data: x\n" * 10_000 + b"\n", 1),
    "many_empty_data_lines": (b"data\n" * 200_000 + b"\n", 4096),
    "tiny_fields": ((b"a\n" * 30_000 + b"data: 1\n\n") * 5, 4096),
    "tiny_fields_in_single_bytes": (b"a\n" * 30_000 + b"\n", 1),
    "ids": (b"id: 1\n" * 50_000 + b"\n", 4096),
    "long_id_repeated": ((b"id: " + b"i" * 500 + b"\n\n") * 500, 4096),
    "comments": (b": ping\n\n" * 50_000, 4096),
    "one_long_comment": (b":" + b"c" * 300_000 + b"\n\n", 1000),
    "long_unknown_field": (b"field" * 50_000 + b"\n\n", 1000),
    "lf_flood": (b"\n" * 300_000, 1000),
    "cr_flood": (b"\r" * 300_000, 1000),
    "cr_flood_in_single_bytes": (b"\r" * 60_000, 1),
    "crlf_flood": (b"\r\n" * 150_000, 999),
    "cr_ended_lines": (b"data: x\r\r" * 30_000, 1000),
    "one_cr_in_a_chunk_of_lf": (b"data: x\r" + b"data: y\n\n" * 30_000, 2**30),
    "one_lf_in_a_chunk_of_cr": (b"data: x\n" + b"data: y\r\r" * 30_000, 2**30),
    "block_without_end": (b"event: e\nid: 1\n" * 20_000, 1000),
}
JSONSEQ_SHAPES = {
    "one_long_element": (b'\x1e"' + NUMBERS * (400 * KIB) + b'"\n', 64 * KIB),
    "one_long_element_never_ended": (b'\x1e"' + NUMBERS * (400 * KIB), 1460),
    "one_long_element_in_single_bytes": (b'\x1e"' + NUMBERS * (10 * KIB) + b'"\n', 1),
    "short_elements_in_single_bytes": (b'\x1e{"a":1}\n' * 10_000, 1),
    "short_elements_at_once": (b'\x1e{"a":1}\n' * 100_000, 2**30),
    "many_lines_in_one_element": (b"\x1e[\n" + b"1,\n" * 100_000 + b"1]\n", 1000),
    "deep_brackets": (b"\x1e" + b"[" * 100_000 + b"]" * 100_000 + b"\n", 1000),
    "escapes": (b'\x1e"' + b'\\\\\\"' * 50_000 + b'"\n', 999),
    "rs_flood": (b"\x1e" * 300_000, 1000),
    "rs_flood_in_single_bytes": (b"\x1e" * 60_000, 1),
    "lf_flood": (b"\x1e" + b"\n" * 300_000, 1000),
    "cr_flood": (b"\x1e1" + b"\r" * 300_000, 1000),
    "space_between": (b"\x1e1\n" + b" \r\n" * 100_000, 1000),
    "stray_bytes": (b"stray" * 60_000, 1000),
    "stray_bytes_in_single_bytes": (b"stray" * 10_000, 1),
    "broken_elements": (b'\x1e{"a' * 50_000, 1000),
}
CONCATENATED_SHAPES = {
    "one_long_value": (b'{"a":"' + NUMBERS * (400 * KIB) + b'"}', 64 * KIB),
    "one_long_value_never_ended": (b'{"a":"' + NUMBERS * (400 * KIB), 1460),
    "one_long_string_in_single_bytes": (b'"' + NUMBERS * (10 * KIB) + b'"', 1),
    "short_values_in_single_bytes": (b'{"a":1}' * 10_000, 1),
    "short_values_at_once": (b'{"a":1}' * 100_000, 2**30),
    "empty_values": (b"{}" * 100_000, 1000),
    "numbers": (b"1 " * 100_000, 1000),
    "one_long_number": (b"1" * 300_000, 1000),
    "one_long_array": (b"[" + b"1,\n" * 100_000 + b"1]", 1000),
    "deep_brackets": (b"[" * 100_000 + b"]" * 100_000, 1000),
    "escapes": (b'"' + b'\\\\\\"' * 50_000 + b'"', 999),
    "escapes_in_single_bytes": (b'["' + b'\\\\\\"' * 10_000 + b'"]', 1),
    "backslashes_outside_strings": (b"[" + b"\\" * 300_000, 1000),
    "space_between": (b" \r\n" * 100_000, 1000),
    "stray_words": (b"stray word " * 30_000, 1000),
    "stray_lines": (b"stray line\n" * 30_000, 1000),
    "stray_lines_in_single_bytes": (b"stray line\n" * 5_000, 1),
    "stray_numbers": (b"stray 1 " * 30_000, 1000),
    "words_that_begin_as_names": (b"nothing " * 30_000, 1000),
    "closing_brackets": (b"]}" * 100_000, 1000),
    "commas": (b"," * 200_000, 1000),
    "nuls": (bytes(300_000), 1000),
    "broken_values": (b"{]" * 50_000, 1000),
}
SHAPES = [
    pytest.param(framing, data, size, id=f"{framing}-{name}")
    for framing, shapes in (
        (NDJSON, NDJSON_SHAPES),
        (SSE, SSE_SHAPES),
        (JSONSEQ, JSONSEQ_SHAPES),
        (CONCATENATED, CONCATENATED_SHAPES),
    )
    for name, (data, size) in shapes.items()
]


@pytest.mark.parametrize(("framing", "data", "size"), SHAPES)
def test_no_shape_costs_more_than_three_looks_at_a_byte(framing: Framing, data: bytes, size: int) -> None:
    assert touched(make(framing, max_frame_size=None), data, size) <= PER_BYTE * len(data) + CONSTANT


@pytest.mark.parametrize(("framing", "data", "size"), SHAPES)
def test_what_is_over_the_limit_costs_no_more(framing: Framing, data: bytes, size: int) -> None:
    decoder = make(framing, max_frame_size=100)
    assert touched(decoder, data, size) <= PER_BYTE * len(data) + CONSTANT


@pytest.mark.parametrize(("data", "size"), CONCATENATED_SHAPES.values(), ids=CONCATENATED_SHAPES)
@pytest.mark.parametrize("limit", [None, 100])
def test_elements_of_an_array_cost_no_more_than_values(data: bytes, size: int, limit: int | None) -> None:
    array = b"[" + data.replace(b"}{", b"},{").replace(b"} {", b"},{")
    decoder = make(CONCATENATED, items=True, max_frame_size=limit)
    assert touched(decoder, array, size) <= PER_BYTE * len(array) + CONSTANT


@pytest.mark.parametrize("name", NDJSON_SHAPES)
@pytest.mark.parametrize("needle", [b"9", b'"a"', b"012345678x", b" " * 8, b"\r"], ids=repr)
def test_a_needle_costs_one_more_look(name: str, needle: bytes) -> None:
    data, size = NDJSON_SHAPES[name]
    decoder = make(NDJSON, max_frame_size=None, contains=needle)
    assert touched(decoder, data, size) <= PER_BYTE_WITH_NEEDLE * len(data) + CONSTANT


@pytest.mark.parametrize("size", [1, 1000, 2**30])
def test_hits_here_and_there_cost_no_more_than_none(size: int) -> None:
    data = (b'{"a":1}\n' * 99 + b'{"a":9}\n') * 30
    decoder = make(NDJSON, contains=b"9")
    count = touched(decoder, data, size)
    assert decoder.frames == 30
    assert decoder.line == 3000
    # Each byte is searched for the needle, and for the end of its line or to count the lines that are passed over.
    assert 1.9 * len(data) <= count <= PER_BYTE_WITH_NEEDLE * len(data) + CONSTANT


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_every_chunk_size_costs_about_the_same(framing: Framing) -> None:
    texts = [b'{"a":"%s"}' % (b"x" * size) for size in range(0, 120, 7)] + [b"[\r1]", b"nope", b" "] * 5
    data = b"".join(map(framing.wrap, texts))
    for size in range(1, len(data) + 1):
        count = touched(make(framing), data, size)
        assert count <= PER_BYTE * len(data) + CONSTANT, size


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_the_counter_counts(framing: Framing) -> None:
    """A bound on a counter that does not count would prove nothing."""
    data = framing.wrap(b'"' + b"x" * 10_000 + b'"')
    whole = touched(make(framing), data, len(data))
    assert whole >= 10_000
    # A frame that was cut is also moved.
    assert touched(make(framing), data, 100) >= whole + 9_000


@pytest.mark.parametrize(
    ("framing", "data", "whole", "in_single_bytes"),
    [
        # The line end itself is not counted, and what was cut is moved.
        pytest.param(NDJSON, b'{"a":1}\n{"b":22}\r\n', 16, 32, id="ndjson"),
        # A look for LF, one for CR, and the data of several lines is moved.
        pytest.param(SSE, b"data: 1\n\nid: 5\r\n: c\r\ndata: 2\r\ndata: 3\r\n\r\n", 70, 110, id="sse"),
        pytest.param(JSONSEQ, b'\x1e{"a":1}\n\x1e"b"\n', 14, 26, id="jsonseq"),
        pytest.param(CONCATENATED, b'{"a":1} {"b":22}1 ', 18, 34, id="concatenated"),
    ],
)
def test_the_counter_counts_to_the_byte(framing: Framing, data: bytes, whole: int, in_single_bytes: int) -> None:
    """So that each part of the counter is known to count; another way to look has other figures."""
    assert touched(make(framing), data, len(data)) == whole
    assert touched(make(framing), data, 1) == in_single_bytes


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_empty_chunks_cost_nothing(framing: Framing) -> None:
    decoder = make(framing).feed(framing.wrap(b"1")[:-1])
    assert list(decoder) == []
    before = decoder._touched
    for _ in range(1000):
        assert list(decoder.feed(b"")) == []
    assert decoder._touched == before


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_asking_in_vain_costs_nothing(framing: Framing) -> None:
    decoder = make(framing, max_frame_size=None).feed(framing.wrap(b'"' + b"x" * 1000)[:1000])
    assert next(decoder, None) is None
    before = decoder._touched
    for _ in range(1000):
        assert next(decoder, None) is None
    assert decoder._touched == before


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_chunks_that_wait_cost_no_more_than_chunks_taken_at_once(framing: Framing) -> None:
    data = framing.wrap(b'{"a":"' + b"x" * 50 + b'"}') * 500
    decoder = make(framing)
    for begin in range(0, len(data), 7):
        decoder.feed(data[begin : begin + 7])
    assert len(list(decoder.finish())) == 500
    assert decoder._touched <= PER_BYTE * len(data) + CONSTANT


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_no_error_is_made_for_nobody(framing: Framing, monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*arguments: Any) -> None:
        raise AssertionError("an error was made that on_error='skip' drops")

    for name, make in inspect.getmembers(_diagnosis, inspect.isfunction):
        if not name.startswith("_") and name != "is_json":
            monkeypatch.setattr(_diagnosis, name, unwanted)
        assert callable(make)
    data = b"".join(map(framing.wrap, (b"1", b"[2}", b"3" * 99, b"[\xff]", b"4")))
    decoder = framing.values(on_error="skip", max_frame_size=50, done=b"END", require_done=True)
    assert list(decoder.feed(data + b"[").finish()) == [1, 4]
    assert decoder.errors >= 4
