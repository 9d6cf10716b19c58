"""What the Content-Type of a response decides in `stream`, and that cuts decide nothing."""

from __future__ import annotations

from email.message import Message
from typing import Any

import anyio
import pytest

import ndstream
from doubles.sources import AsyncResponse, Response, content_type
from inputs.cuts import cuts

SSE = b'x\ndata: {"a":1}\n\n'
LINES = b'{"a":1}\n{"a":2}\n'


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
        response = Response(list(chunks), content_type(name))
        assert list(ndstream.stream(response)) == values
        assert response.closed == 1

    async def main(chunks: list[bytes]) -> list[Any]:
        return [value async for value in ndstream.stream(AsyncResponse(chunks, content_type(name)))]

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
    response = Response(LINES, content_type("text/event-stream"))
    assert list(ndstream.stream(response, format="ndjson")) == [{"a": 1}, {"a": 2}]
    with pytest.raises(ndstream.StreamError):
        list(ndstream.stream(Response(b"{\n}\n", content_type("application/json")), format="ndjson"))
    binary = Response(LINES, content_type("application/vnd.amazon.eventstream"))
    assert list(ndstream.stream(binary, format="ndjson")) == [{"a": 1}, {"a": 2}]
    assert list(ndstream.ndjson(Response(LINES, content_type("text/event-stream")))) == [{"a": 1}, {"a": 2}]


def test_a_binary_event_stream_is_refused_by_name_and_closed() -> None:
    response = Response(b"\x00\x00\x00", content_type("application/vnd.amazon.eventstream"))
    with pytest.raises(ValueError, match=r"vnd\.amazon\.eventstream.*botocore"):
        ndstream.stream(response)
    assert response.closed == 1


def test_a_binary_event_stream_of_an_async_client_is_closed_as_well() -> None:
    async def main() -> int:
        response = AsyncResponse(b"", content_type("application/vnd.amazon.eventstream"))
        with pytest.raises(ValueError, match="eventstream"):
            ndstream.stream(response)
        for _ in range(5):
            await anyio.sleep(0)
        return response.closed

    assert anyio.run(main) == 1


def test_an_error_page_is_a_typed_error_with_its_first_bytes() -> None:
    page = b"<!DOCTYPE html>\n<title>502</title>\n"
    for _, chunks in cuts(page):
        response = Response(list(chunks), content_type("text/html; charset=utf-8"))
        with pytest.raises(ndstream.DecodeError, match="HTML") as caught:
            list(ndstream.stream(response))
        assert caught.value.frame == b"<!DOCTYPE html>"


def test_options_that_do_not_go_with_the_type_are_refused_and_the_response_closed() -> None:
    response = Response(SSE, content_type("text/event-stream"))
    with pytest.raises(ValueError, match="contains"):
        ndstream.stream(response, contains=b"a")
    assert response.closed == 1
    with pytest.raises(ValueError, match="on_truncated"):
        ndstream.stream(b"", format="ndjson", on_truncated="discard")
    # Where the response decides, it just has no meaning.
    assert list(ndstream.stream(Response(LINES, content_type("application/jsonl")), on_truncated="emit"))
