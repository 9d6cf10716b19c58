"""Upstreams at their worst: each gives the same to the client for every cut, and nothing passes silently."""

from __future__ import annotations

import gzip
import socket
from typing import Any

import httpx
import pytest

import ndstream
from doubles.loopback import serving
from serving.made_replies import chunk
from serving.relaying import SyncResponse, Upstream, collect, relayed, run, sent

BOM = b"\xef\xbb\xbf"
CUT = (
    b'event: error\ndata: {"error":{"message":"the upstream ended before its stream was complete",'
    b'"type":"truncated"}}\n\n'
)
BAD = (
    b'event: error\ndata: {"error":{"message":"the upstream sent a frame that cannot be read","type":"malformed"}}\n\n'
)
A = b"data: a\n\n"


@pytest.mark.parametrize(
    ("upstream", "to_client"),
    [
        # The byte order mark.
        (BOM, b""),
        (BOM[:2], CUT),
        (BOM + A, A),
        # A second one belongs to the first field's name, and the client must not take it for the first.
        (BOM + BOM + A, b"\n" + BOM + A),
        (A + BOM + A, A + BOM + A),
        # Line ends.
        (b"data: a\r\rdata: b\r\r", b"data: a\r\rdata: b\r\r"),
        (b"data: a\r\n\r\ndata: b\n\r\n", b"data: a\r\n\r\ndata: b\n\r\n"),
        (b"\r\n\r\r\n\n" + A, b"\r\n\r\r\n\n" + A),
        (b"data: a\x0bb\x0c\x1c\x85\xe2\x80\xa8\n\n", b"data: a\x0bb\x0c\x1c\x85\xe2\x80\xa8\n\n"),
        # Blocks that are no events.
        (b": a\n\n: b\n\n", b": a\n\n: b\n\n"),
        (A + b"id: 5\n\n", A + b"id: 5\n\n"),
        (b"retry: 5\n\n" + A, b"retry: 5\n\n" + A),
        (b"event: x\n\n" + A, b"event: x\n\n" + A),
        (b"unknown: x\nfield\n\n" + A, b"unknown: x\nfield\n\n" + A),
        # What its server calls an error is sent on.
        (b'event: error\ndata: {"error":{}}\n\n' + A, b'event: error\ndata: {"error":{}}\n\n' + A),
        # Cuts.
        (b": a", CUT),
        (A + b"id: 5\n", A + CUT),
        (A + b"data: b\n", A + CUT),
        (A + b"data: \xf0\x9f", A + CUT),
        (A + b"data: b\r", A + CUT),
        # The sentinel ends the stream, with its blank line even if that did not come.
        (A + b"data: [DONE]\n\n" + A, A + b"data: [DONE]\n\n"),
        (b"data: [DONE]\r\n\r\n" + A, b"data: [DONE]\r\n\r\n"),
        (b"data:[DONE]\r\r" + A, b"data:[DONE]\r\r"),
        (b"data: [DONE]\n", b"data: [DONE]\n\n"),
        (b"data: [DONE]", b"data: [DONE]\n\n"),
        (b"data: [DONE]\r\n", b"data: [DONE]\r\n\n"),
        (b"data: [DONE]\ndata: x\n\n" + A, b"data: [DONE]\ndata: x\n\n" + A),
        # Bytes that are no text stay as they are.
        (b"data: \xff\xfe\n\n", b"data: \xff\xfe\n\n"),
        (b"data: \x00\n\nid: \x00\n\n", b"data: \x00\n\nid: \x00\n\n"),
        (gzip.compress(A), CUT),
        ("data: a\n\n".encode("utf-16-le"), CUT),
    ],
)
def test_events_are_whole_or_the_client_is_told(upstream: bytes, to_client: bytes) -> None:
    assert sent(upstream, format="sse") == to_client


@pytest.mark.parametrize(
    ("format", "upstream", "to_client"),
    [
        ("ndjson", b"\n\n \r\n1\n", b"data: 1\n\n"),
        ("ndjson", b"1\r\n2", b"data: 1\n\ndata: 2\n\n"),
        ("ndjson", BOM + b"1\n", b"data: 1\n\n"),
        # Events carry any text, so that JSON is not looked at.
        ("ndjson", b"1\n" + BOM + b"2\nx\n", b"data: 1\n\ndata: " + BOM + b"2\n\ndata: x\n\n"),
        ("ndjson", b'1\n{"a', b"data: 1\n\n" + CUT),
        ("ndjson", b"1\n\x00\x00\x00", b"data: 1\n\n" + CUT),
        ("ndjson", b'1\n"\xff"\n2\n', b"data: 1\n\n" + BAD),
        ("jsonseq", b"\x1e1\n\x1e12", b"data: 1\n\n" + CUT),
        ("jsonseq", b"junk\n\x1e1\n", BAD),
        ("json", b"[1,\n2]{}", b"data: [1,\ndata: 2]\n\ndata: {}\n\n"),
        ("json", b'{"a":', CUT),
    ],
)
def test_values_are_whole_events_or_the_client_is_told(format: Any, upstream: bytes, to_client: bytes) -> None:
    assert sent(upstream, "sse", format=format) == to_client


@pytest.mark.parametrize(
    ("upstream", "to_client"),
    [
        (b'data: {"a":\ndata: 1}\n\n', b'{"a": 1}\n'),
        (b"data: 1\ndata: 2\n\n", b'{"error":"the upstream sent a frame that cannot be read"}\n'),
        (b'data: "\xff"\n\n', b'{"error":"the upstream sent a frame that cannot be read"}\n'),
        (b"data\n\nid: 7\n\nretry: 5\n\n: x\n\ndata: 1\n\n", b"1\n"),
        (BOM + b"data: 1\n\n", b"1\n"),
    ],
)
def test_events_are_whole_lines_or_the_client_is_told(upstream: bytes, to_client: bytes) -> None:
    assert sent(upstream, "ndjson", format="sse") == to_client


def test_events_keep_their_fields_also_if_their_first_bytes_have_to_show_what_they_are() -> None:
    data = b"event: a\nid: 5\nretry: 7\ndata: x\n\ndata: y\n\n"
    assert sent(data, "sse") == data
    assert sent(data + b"data: z", "sse") == data + CUT
    assert sent(b"data: [DONE]\n\ndata: x\n\n", "sse") == b"data: [DONE]\n\n"
    assert sent(b"id: 5\n\ndata: x\n\n", "sse") == b"id: 5\ndata: x\n\n"


def test_an_error_event_of_the_server_is_the_error_of_a_target() -> None:
    upstream = chunk(text="Hi") + b'event: error\ndata: {"error":{"message":"busy","type":"overloaded_error"}}\n\n'
    for to, said in (("anthropic", b'"busy"'), ("ag-ui", b"RUN_ERROR"), ("ollama-chat", b'{"error":"')):
        body = b"".join(relayed([upstream], to, format="sse"))
        assert said in body.splitlines(keepends=True)[-1] + body.splitlines(keepends=True)[-2]


def test_a_heartbeat_before_a_byte_order_mark_leaves_the_first_event_whole() -> None:
    async def main() -> list[bytes]:
        return await collect(relayed(Upstream(0.05, BOM + A), format="sse", heartbeat=0.01))

    messages = run(main)
    assert messages[0] == b":\n\n"
    [event] = ndstream.sse([b"".join(messages)])
    assert event.data == "a"


def test_compressed_and_sized_upstreams_are_sent_decompressed_and_without_their_size() -> None:
    body = gzip.compress(A * 100)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=latin-1\r\nContent-Encoding: gzip\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    with serving([head + body]) as upstream, httpx.stream("GET", upstream.url) as answer:
        relay = relayed(answer)
        assert b"".join(relay) == A * 100
    assert {name.lower() for name in relay.headers} == {"content-type", "cache-control", "x-accel-buffering"}
    assert relay.content_type == "text/event-stream"


def test_the_headers_have_none_that_http_2_forbids() -> None:
    # RFC 9113, section 8.2.2.
    for to in (None, "ndjson", "jsonseq", *ndstream.serving.TARGETS):
        names = {name.lower() for name in relayed([A], to, format="sse").headers}
        assert not names & {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}


@pytest.mark.parametrize("told", ["text/html", "text/event-stream", "application/x-ndjson", "application/json", ""])
def test_a_page_in_the_place_of_a_stream_is_a_refusal(told: str) -> None:
    for to in (None, "sse", "ndjson"):
        upstream = SyncResponse(b"<!doctype html>\n<p>Sign", b" in</p>", headers={"Content-Type": told})
        with pytest.raises(ndstream.UpstreamError) as caught:
            relayed(upstream, to).open()
        assert caught.value.body.startswith(b"<!doctype")
        assert upstream.closed == 1


@pytest.mark.parametrize("status", [200, 204, 206])
def test_any_success_without_a_body_is_an_empty_stream(status: int) -> None:
    assert list(relayed(SyncResponse(status=status, headers={"Content-Type": "text/event-stream"}))) == []


@pytest.mark.parametrize("headers", [None, {}, {b"content-type": b"text/event-stream"}, [], {"content-type": None}])
def test_odd_headers_leave_the_framing_to_the_first_bytes(headers: Any) -> None:
    assert list(relayed(SyncResponse(A, headers=headers))) == [A]


@pytest.mark.parametrize("item", ["data: x\n\n", None, 5, {"a": 1}, [b"data: x\n\n"]], ids=repr)
@pytest.mark.parametrize("to", [None, "ndjson"])
def test_what_is_no_bytes_in_the_middle_is_a_type_error_and_releases_the_upstream(item: Any, to: Any) -> None:
    upstream = SyncResponse(b"data: 1\n\n", item)
    with pytest.raises(TypeError, match="a chunk must be bytes"):
        list(relayed(upstream, to, format="sse"))
    assert upstream.closed == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr)
def test_what_is_no_error_of_the_source_passes_and_releases_it(error: BaseException) -> None:
    closed = []

    class Source:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> bytes:
            raise error

        def close(self) -> None:
            closed.append(1)

    with pytest.raises(type(error)):
        list(relayed(Source(), format="sse"))
    assert closed == [1]


def test_a_buffer_that_is_used_again_is_read_before_that() -> None:
    buffer = bytearray(b"data: 1\n")

    def source() -> Any:
        yield memoryview(buffer)
        buffer[6:7] = b"2"
        yield memoryview(b"\n")

    assert b"".join(relayed(source(), format="sse")) == b"data: 1\n\n"


@pytest.mark.parametrize("size", range(65527, 65545))
def test_a_large_chunk_is_divided_at_any_place_of_a_line_end(size: int) -> None:
    event = b"data: " + b"x" * (size - 10) + b"\r\n\r\n"
    assert b"".join(relayed([event + b"data: b\r\n\r\n"], format="sse")) == event + b"data: b\r\n\r\n"


def test_a_close_that_fails_leaves_the_stream_complete() -> None:
    upstream = SyncResponse(A)
    upstream.close = lambda: 1 / 0  # type: ignore[assignment, method-assign]
    assert list(relayed(upstream, format="sse")) == [A]


@pytest.mark.parametrize("message", [5, None, b"x"], ids=repr)
def test_words_of_an_error_that_are_no_text_are_refused(message: Any) -> None:
    def source() -> Any:
        yield A
        raise ConnectionError

    with pytest.raises(TypeError, match="must be a str"):
        list(relayed(source(), format="sse", error_message=lambda error: message))


def test_words_of_an_error_with_what_utf_8_cannot_carry_are_told_without_that() -> None:
    def source() -> Any:
        yield A
        raise ConnectionError

    body = b"".join(relayed(source(), format="sse", error_message=lambda error: "a\ud800\r\nevent: x"))
    [_, error] = ndstream.sse([body])
    assert error.json()["error"]["message"] == "a?\r\nevent: x"


def test_the_first_of_several_ends_counts() -> None:
    relay = relayed([A, A, A], format="sse")
    assert next(relay) == A
    relay.end_with(ndstream.serving.Failure("one", "shutdown"))
    relay.end_with(ndstream.serving.Failure("two", "shutdown"))
    relay.abort()
    assert b'"one"' in b"".join(relay)
    assert list(relay) == []


def test_a_relay_of_a_relay_sends_the_same_bytes() -> None:
    inner = relayed([A, b"data: cut"], format="sse")
    assert b"".join(relayed(inner)) == A + CUT


def test_a_hundred_thousand_events_in_one_chunk_are_sent() -> None:
    data = A * 100_000
    assert b"".join(relayed([data], format="sse")) == data


def test_an_upstream_of_http_1_0_is_read_to_the_end_of_its_connection() -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    for size, body in ((b"", A + A), (b"Content-Length: 99\r\n", A + A + CUT)):
        with serving([head + size + b"\r\n", A, A]) as upstream, httpx.stream("GET", upstream.url) as answer:
            got = b"".join(relayed(answer))
            assert got == body.replace(b"the upstream ended", b"the connection to the upstream broke")


def test_a_timeout_of_a_socket_s_own_is_a_failure_and_no_heartbeat() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(0.01)
        there.sendall(A)
        told = b"".join(relayed(here, format="sse", heartbeat=15.0))
        assert told.startswith(A)
        assert b'"type":"truncated"' in told
