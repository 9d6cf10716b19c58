"""What the Content-Type of a response decides in `stream`, and that cuts decide nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from email.message import Message
from typing import Any

import anyio
import pytest

import ndstream
from cuts import cuts

SSE = b'x\ndata: {"a":1}\n\n'
LINES = b'{"a":1}\n{"a":2}\n'


class Response:
    """A response of httpx as far as it is needed."""

    def __init__(self, chunks: list[bytes] | bytes, headers: Any) -> None:
        self.chunks = [chunks] if isinstance(chunks, bytes) else chunks
        self.headers = headers
        self.stream: list[bytes] = []
        self.closed = 0

    def iter_bytes(self) -> Iterator[bytes]:
        return iter(self.chunks)

    def aiter_bytes(self) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1


class AsyncResponse(Response):
    """The same of an async client."""

    def __init__(self, chunks: list[bytes] | bytes, headers: Any) -> None:
        super().__init__(chunks, headers)
        self.stream = AsyncBytes()  # type: ignore[assignment]

    async def aiter_bytes(self) -> Any:
        for chunk in self.chunks:
            yield chunk

    async def aclose(self) -> None:
        self.closed += 1


class AsyncBytes:
    def __aiter__(self) -> AsyncBytes:
        return self


def kind(name: str) -> dict[str, str]:
    return {"Content-Type": name}


@pytest.mark.parametrize(
    ("name", "data", "values"),
    [
        ("text/event-stream", SSE, [{"a": 1}]),
        ("TEXT/Event-Stream ; charset=UTF-8", SSE, [{"a": 1}]),
        ("application/x-ndjson", LINES, [{"a": 1}, {"a": 2}]),
        ("application/ndjson", LINES, [{"a": 1}, {"a": 2}]),
        ("application/jsonl", LINES, [{"a": 1}, {"a": 2}]),
        ("application/jsonlines", LINES, [{"a": 1}, {"a": 2}]),
        ("application/x-jsonlines", LINES, [{"a": 1}, {"a": 2}]),
        ("text/x-ndjson", LINES, [{"a": 1}, {"a": 2}]),
        ("application/stream+json", LINES, [{"a": 1}, {"a": 2}]),
        ("application/json-seq", b"\n\x1e1\n", [1]),
        ("application/geo+json-seq", b"\n\x1e1\n", [1]),
        ("application/json", b'{"a":1}', [{"a": 1}]),
        ("application/json", b'{\n  "a": [\n1\n]\n}\n', [{"a": [1]}]),
        ("application/json; charset=utf-8", b'\xef\xbb\xbf\r\n{\r\n"a":1}\r\n', [{"a": 1}]),
        ("application/json", b'[\n{"a":1},\n{"a":2}\n]', [[{"a": 1}, {"a": 2}]]),
        ("application/json", b'[{"a":1}\n,\n{"a":2}]\n\n', [[{"a": 1}, {"a": 2}]]),
        ("application/json", b'[{"a":"\\"{"},\n2]', [[{"a": '"{'}, 2]]),
        ("application/json", b"[1,2]\n", [[1, 2]]),
        ("application/json", LINES, [{"a": 1}, {"a": 2}]),
        ("application/json", b'{"a":"[{"}\n{"a":2}\n', [{"a": "[{"}, {"a": 2}]),
        ("application/json", b'data: {"a":[\ndata: 1]}\n\n', [{"a": [1]}]),
        ("application/json;stream=watch", LINES, [{"a": 1}, {"a": 2}]),
        ("application/problem+json", b'{\n"title":1\n}', [{"title": 1}]),
        ("application/json", b"", []),
        ("application/json", b" \n\n", []),
        ("application/json", b"null", [None]),
        ("text/plain", b'data: {"a":1}\n\n', [{"a": 1}]),
        ("text/html", LINES, [{"a": 1}, {"a": 2}]),
        ("", LINES, [{"a": 1}, {"a": 2}]),
        ("nonsense", b"\x1e1\n", [1]),
    ],
)
def test_the_content_type_decides_wherever_the_body_is_cut(name: str, data: bytes, values: list[Any]) -> None:
    for _, chunks in cuts(data):
        response = Response(list(chunks), kind(name))
        assert list(ndstream.stream(response)) == values
        assert response.closed == 1

    async def main(chunks: list[bytes]) -> list[Any]:
        return [value async for value in ndstream.stream(AsyncResponse(chunks, kind(name)))]

    for chunks in ([data], [data[index : index + 1] for index in range(len(data))]):
        assert anyio.run(main, chunks) == values


def message(name: str) -> Message:
    made = Message()
    made["CONTENT-TYPE"] = name
    return made


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/event-stream"},
        {"CONTENT-TYPE": "text/event-stream"},
        {b"Content-Type": b"text/event-stream"},
        [("Content-type", "text/event-stream")],
        [(b"content-type", b"text/event-stream")],
        message("text/event-stream"),
    ],
    ids=repr,
)
def test_headers_are_looked_up_in_any_mapping_and_any_case(headers: Any) -> None:
    assert list(ndstream.stream(Response(SSE, headers))) == [{"a": 1}]


@pytest.mark.parametrize("headers", [None, {}, [], {"content-length": "7"}], ids=repr)
def test_without_a_type_the_first_bytes_tell(headers: Any) -> None:
    assert list(ndstream.stream(Response(b"data: 1\n\n", headers))) == [1]


def test_a_format_that_is_given_wins() -> None:
    assert list(ndstream.stream(Response(LINES, kind("text/event-stream")), format="ndjson")) == [{"a": 1}, {"a": 2}]
    with pytest.raises(ndstream.StreamError):
        list(ndstream.stream(Response(b"{\n}\n", kind("application/json")), format="ndjson"))
    binary = Response(LINES, kind("application/vnd.amazon.eventstream"))
    assert list(ndstream.stream(binary, format="ndjson")) == [{"a": 1}, {"a": 2}]
    assert list(ndstream.ndjson(Response(LINES, kind("text/event-stream")))) == [{"a": 1}, {"a": 2}]


def test_a_binary_event_stream_is_refused_by_name_and_closed() -> None:
    response = Response(b"\x00\x00\x00", kind("application/vnd.amazon.eventstream"))
    with pytest.raises(ValueError, match=r"vnd\.amazon\.eventstream.*botocore"):
        ndstream.stream(response)
    assert response.closed == 1


def test_a_binary_event_stream_of_an_async_client_is_closed_as_well() -> None:
    async def main() -> int:
        response = AsyncResponse(b"", kind("application/vnd.amazon.eventstream"))
        with pytest.raises(ValueError, match="eventstream"):
            ndstream.stream(response)
        for _ in range(5):
            await anyio.sleep(0)
        return response.closed

    assert anyio.run(main) == 1


def test_an_error_page_is_a_typed_error_with_its_first_bytes() -> None:
    page = b"<!DOCTYPE html>\n<title>502</title>\n"
    for _, chunks in cuts(page):
        response = Response(list(chunks), kind("text/html; charset=utf-8"))
        with pytest.raises(ndstream.DecodeError, match="HTML") as caught:
            list(ndstream.stream(response))
        assert caught.value.frame == b"<!DOCTYPE html>"


def test_a_document_that_is_cut_is_truncated_wherever_it_is_cut() -> None:
    for _, chunks in cuts(b'{\n"a": [1,\n'):
        with pytest.raises(ndstream.TruncatedError) as caught:
            list(ndstream.stream(Response(list(chunks), kind("application/json"))))
        assert (caught.value.reason, caught.value.offset) == ("unfinished", 0)


@pytest.mark.parametrize("first", [b"{", b"{" + b'"a":' * 5])
def test_a_document_past_the_limit_is_too_large_wherever_it_is_cut(first: bytes) -> None:
    data = first + b"\n" + b" " * 20 + b"}\n"
    for _, chunks in cuts(data):
        with pytest.raises(ndstream.FrameTooLargeError) as caught:
            list(ndstream.stream(Response(list(chunks), kind("application/json")), max_frame_size=10))
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
    assert list(ndstream.stream(Response(line + b"\n" + follows + b"\n", kind("application/json")))) == values


@pytest.mark.parametrize("string", [b"x" * 1_000_000, b'\\"' * 500_000, b"\\\\" * 500_000])
@pytest.mark.parametrize("end", [b'",', b""])
def test_a_long_string_in_the_first_line_costs_no_more_than_its_bytes(string: bytes, end: bytes) -> None:
    import tracemalloc

    body = b'{"a":"' + string + end + b'\n"b":1}\n'
    tracemalloc.start()
    with contextlib.suppress(ndstream.StreamError):
        list(ndstream.stream(Response(body, kind("application/json"))))
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
        list(ndstream.stream(Endless([], kind("application/json")), max_frame_size=100_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_options_that_do_not_go_with_the_type_are_refused_and_the_response_closed() -> None:
    response = Response(SSE, kind("text/event-stream"))
    with pytest.raises(ValueError, match="contains"):
        ndstream.stream(response, contains=b"a")
    assert response.closed == 1
    with pytest.raises(ValueError, match="on_truncated"):
        ndstream.stream(b"", format="ndjson", on_truncated="discard")
    # Where the response decides, it just has no meaning.
    assert list(ndstream.stream(Response(LINES, kind("application/jsonl")), on_truncated="emit"))
