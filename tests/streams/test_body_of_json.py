"""Bodies sent as ``application/json``: values over several lines, or NDJSON under that name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

import ndstream
from doubles.sources import Response, content_type
from inputs.cuts import cuts
from ndstream import _framing
from ndstream._framing import body_of_json


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


def outcomes(chunks: list[bytes], **options: Any) -> list[Any]:
    """Values, and of errors what is in them."""
    found: list[Any] = []
    response = Response(chunks, content_type("application/json"))
    stream = ndstream.stream(response, **options)
    while True:
        try:
            found.append(next(stream))
        except StopIteration:
            return found
        except ndstream.StreamError as error:
            found.append((error.reason, error.frame, error.offset))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # A line break in a string is an error, and does not become a space.
        (b'{\n"a":"x\ny"}', [("invalid_json", b'{\n"a":"x\ny"}', 0)]),
        # A whole document that is wrong is no cut, and the error has its bytes as they came.
        (b'{\n"a": NaN\n}\n', [("invalid_json", b'{\n"a": NaN\n}', 0)]),
        (b'{\r\n"a": 1\r\n}\r\n', [{"a": 1}]),
        (b'{\n"a": 1\n}\n{\n"a": 2\n}', [{"a": 1}, {"a": 2}]),
        (b'{"a":1}{\n"a": 2\n}{"a":3}', [{"a": 1}, {"a": 2}, {"a": 3}]),
        # An array is one value, over several lines or not.
        (b'[{"a":1},\n{"a":2}]\n', [[{"a": 1}, {"a": 2}]]),
        (b'[{"a":1},{"a":2}]', [[{"a": 1}, {"a": 2}]]),
        (b"[1]\n[2]\n", [[1], [2]]),
        (b"\xef\xbb\xbf\n\n{\n}", [{}]),
        # Events under the name of JSON are events.
        (b"data: 1\n\ndata: 2\n\n", [1, 2]),
        (b"", []),
        (b" \n ", []),
        (b"3", [3]),
        (b'"a"\n', ["a"]),
    ],
)
def test_the_first_line_decides_for_every_cut(body: bytes, expected: list[Any]) -> None:
    for name, chunks in cuts(body):
        assert outcomes(chunks) == expected, name


@pytest.mark.parametrize("size", [1000, 2**20])
def test_white_space_before_a_document_is_not_kept(size: int) -> None:
    blank = b" \r\n" * 1_000_000
    chunks = [blank[begin : begin + size] for begin in range(0, len(blank), size)]
    pending = []
    stream: Any = ndstream.stream(Response([*chunks, b'{\n"a":1}'], content_type("application/json")))
    assert list(stream) == [{"a": 1}]
    assert stream.decoder.offset == len(blank) + 8
    head = body_of_json(lambda format: ndstream.ConcatenatedJSONDecoder(), None)
    for chunk in chunks:
        decoder = head.feed(chunk, at_end=False)
        if decoder is not None:
            break
        pending.append(len(chunk))
    assert sum(pending) < 4096


@pytest.mark.parametrize("blank", [4093, 4094, 4095, 4096, 4097])
def test_how_much_white_space_is_waited_for_does_not_depend_on_the_cut(blank: int) -> None:
    body = b"\n" * blank + b'{"a":1}\n{"b":\n'
    whole = outcomes([body])
    for end in (1, 4000, *range(4090, len(body))):
        assert outcomes([body[:end], body[end:]]) == whole


def test_a_first_line_in_many_chunks_is_searched_once() -> None:
    looked_at = 0

    class Counted(bytearray):
        def find(self, *arguments: Any) -> int:
            nonlocal looked_at
            looked_at += len(self) - arguments[1]
            return super().find(*arguments)

    first_bytes = body_of_json(lambda format: ndstream.NDJSONDecoder(), None)
    decide = first_bytes.decide
    head = Counted(b'{"a":"')
    for _ in range(1000):
        head += b"x" * 10
        assert decide(head, False) is None
    assert looked_at <= len(head) + 1000


def test_contains_and_done_hold_for_bodies_of_json() -> None:
    body = b'{\n"a":1}{\n"b":2}[DONE]{"b":3}'
    assert outcomes([body], contains=b"b") == [{"b": 2}]
    assert outcomes([body]) == [{"a": 1}, {"b": 2}]
    assert outcomes([b'{\n"a":1}'], require_done=True)[1][0] == "no_sentinel"


INTERRUPTED = [
    ([b"1\n1", b"0\n2", b"0\n3\n"], [1, 10, 20, 3]),
    ([b'{\n"a"', b':1}\n{"b"', b":2}"], [{"a": 1}, {"b": 2}]),
    ([b'{"a":1', b'}\n{"b":', b"2}\n"], [{"a": 1}, {"b": 2}]),
    ([b"\n", b"[1,\n", b"2]"], [[1, 2]]),
]


class Interrupted:
    """Chunks of a source that a Ctrl-C cuts short before one of them; the next read goes on."""

    def __init__(self, chunks: list[bytes], number: int) -> None:
        self._chunks = list(chunks)
        self._left = number

    def __iter__(self) -> Interrupted:
        return self

    def __next__(self) -> bytes:
        self._left -= 1
        if self._left == -1:
            raise KeyboardInterrupt
        if not self._chunks:
            raise StopIteration
        return self._chunks.pop(0)


def persistently(stream: Any) -> list[Any]:
    found = []
    while True:
        try:
            found.append(next(stream))
        except StopIteration:
            return found
        except KeyboardInterrupt:
            pass


@pytest.mark.parametrize(("chunks", "expected"), INTERRUPTED)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_interrupt_while_a_body_is_read_loses_no_chunk(
    chunks: list[bytes], expected: list[Any], number: int
) -> None:
    class Body(Response):
        def iter_bytes(self) -> Any:
            return Interrupted(chunks, number)

    assert persistently(ndstream.stream(Body([], content_type("application/json")))) == expected


@pytest.mark.parametrize(("chunks", "expected"), INTERRUPTED)
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("name", ["sniff", "_leaves_open"])
def test_an_interrupt_while_the_first_line_is_looked_at_loses_no_chunk(
    chunks: list[bytes], expected: list[Any], number: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    original = getattr(_framing, name)

    def interrupted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number + 1:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(_framing, name, interrupted)
    assert persistently(ndstream.stream(Response(list(chunks), content_type("application/json")))) == expected
