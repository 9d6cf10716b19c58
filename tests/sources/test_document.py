"""Bodies sent as ``application/json``: one document over several lines, or NDJSON under that name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

import ndstream
from cuts import cuts
from doubles import Response, content_type


def test_a_document_that_is_cut_is_truncated_wherever_it_is_cut() -> None:
    for _, chunks in cuts(b'{\n"a": [1,\n'):
        with pytest.raises(ndstream.TruncatedError) as caught:
            list(ndstream.stream(Response(list(chunks), content_type("application/json"))))
        assert (caught.value.reason, caught.value.offset) == ("unfinished", 0)


@pytest.mark.parametrize("first", [b"{", b"{" + b'"a":' * 5])
def test_a_document_past_the_limit_is_too_large_wherever_it_is_cut(first: bytes) -> None:
    data = first + b"\n" + b" " * 20 + b"}\n"
    for _, chunks in cuts(data):
        with pytest.raises(ndstream.FrameTooLargeError) as caught:
            list(ndstream.stream(Response(list(chunks), content_type("application/json")), max_frame_size=10))
        assert caught.value.offset == 0


@pytest.mark.parametrize(
    ("line", "follows", "value"),
    [
        (rb'{"a": "\\", "b": "{"}', rb"1", {"a": "\\", "b": "{"}),
        (rb'{"a": "\"{[", "b":', rb"1}", {"a": '"{[', "b": 1}),
        (rb'{"a\\\"}": [', rb"1]}", {'a\\"}': [1]}),
        (rb'["\\\\", "]", "\u005c\"",', rb"1]", ["\\\\", "]", '\\"', 1]),
    ],
)
def test_brackets_in_strings_leave_nothing_open(line: bytes, follows: bytes, value: Any) -> None:
    values = [value] if follows.endswith((b"}", b"]")) else [value, 1]
    assert list(ndstream.stream(Response(line + b"\n" + follows + b"\n", content_type("application/json")))) == values


@pytest.mark.parametrize("string", [b"x" * 1_000_000, b'\\"' * 500_000, b"\\\\" * 500_000])
@pytest.mark.parametrize("end", [b'",', b""])
def test_a_long_string_in_the_first_line_costs_no_more_than_its_bytes(string: bytes, end: bytes) -> None:
    import tracemalloc

    body = b'{"a":"' + string + end + b'\n"b":1}\n'
    tracemalloc.start()
    with contextlib.suppress(ndstream.StreamError):
        list(ndstream.stream(Response(body, content_type("application/json"))))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(body)


def test_a_first_line_past_the_limit_is_not_kept() -> None:
    import tracemalloc

    chunks = (b'"' + b"x" * 65535 for _ in range(200))

    class Endless(Response):
        def iter_bytes(self) -> Iterator[bytes]:
            return chunks

    tracemalloc.start()
    with pytest.raises(ndstream.FrameTooLargeError):
        list(ndstream.stream(Endless([], content_type("application/json")), max_frame_size=100_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
