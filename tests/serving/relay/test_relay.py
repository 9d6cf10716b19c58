"""What a client gets of an upstream: verbatim or in another framing, whole frames and the truth about the end."""

from __future__ import annotations

import asyncio
import inspect
import math
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import ndstream
import oracles
import real_parts
from doubles.loopback import response, serving
from inputs.recordings import FILES
from ndstream import RelayGroup, TruncatedError, UpstreamError
from ndstream.serving import BrokenTransferError, Failure
from ndstream.serving._relay import async_relay, sync_relay
from serving.made_replies import DONE, chunk, reply
from serving.relaying import Response, SyncResponse, Upstream, collect, relayed, run, sent

CUT_SHORT = b"the upstream ended before its stream was complete"
CUT = b'event: error\ndata: {"error":{"message":"%b","type":"truncated"}}\n\n' % CUT_SHORT
BROKEN = b"the connection to the upstream broke before its stream was complete"


# Verbatim


@pytest.mark.parametrize(
    "data",
    [
        b"data: a\n\ndata: b\n\n",
        b": hello\n\nevent: x\r\nid: 7\r\nretry: 5\r\ndata: a\r\n\r\nid: 8\r\n\r\n",
        b"data: a\r\rdata: b\r\r",
        b"unknown: x\ndata\n\ndata: \xff\n\n",
        b"event: error\ndata: {}\n\n",
        b"data: no json\n\n",
        b"data: [DONE]\n\n",
        b"",
    ],
)
def test_events_are_sent_on_byte_for_byte(data: bytes) -> None:
    assert sent(data, format="sse") == data


@pytest.mark.parametrize("data", [b"", b'{"a":1}\n\n[2]\r\n', b"no json\n1\n", b'"\xe2\x80\xa8"\n'])
def test_lines_are_sent_on_byte_for_byte(data: bytes) -> None:
    assert sent(data, format="ndjson") == data


@pytest.mark.parametrize("data", [b"\x1e1\n", b'\x1e{"a":\n1}\n\x1e[]\n'])
def test_elements_are_sent_on_byte_for_byte(data: bytes) -> None:
    assert sent(data, format="jsonseq") == data


@pytest.mark.parametrize("data", [b"data: a\n\n", b'{"a":1}\n', b"\x1e[1]\n", b":c\n\n"])
def test_the_framing_is_detected_from_the_first_bytes(data: bytes) -> None:
    assert sent(data) == data


@pytest.mark.parametrize("data", [b"", b" "])
def test_an_upstream_that_ends_before_its_framing_shows_is_sent_as_it_is(data: bytes) -> None:
    assert sent(data) == data


def test_a_mark_at_the_start_is_left_out() -> None:
    assert sent(b"\xef\xbb\xbfdata: a\n\n", format="sse") == b"data: a\n\n"
    assert sent(b"\xef\xbb\xbf1\n") == b"1\n"


@pytest.mark.parametrize(
    "tail",
    [b"data: b", b"data: b\n", b"data: \xe2\x82", b"id: 7\r", b"event: x\ndata: y\n", b"retry: 5\n"],
)
def test_a_cut_inside_an_event_sends_the_whole_ones_and_an_error(tail: bytes) -> None:
    assert sent(b"data: a\r\n\r\n" + tail, format="sse") == b"data: a\r\n\r\n" + CUT


def test_a_cut_line_is_an_error_unless_it_is_a_whole_value() -> None:
    told = b'{"error":"the upstream ended before its stream was complete"}\n'
    assert sent(b'{"a":1}\n{"a":', format="ndjson") == b'{"a":1}\n' + told
    assert sent(b'{"a":1}\n{"a":2}', format="ndjson") == b'{"a":1}\n{"a":2}\n'
    assert sent(b"\x1e1\n\x1e2", format="jsonseq") == b"\x1e1\n\x1e" + told


def test_a_source_that_fails_is_an_error_without_its_words() -> None:
    failure = ConnectionError("https://user:secret@host/?key=k\r\n\r\nevent: x")
    for data, format in ((b"data: a\n\nda", "sse"), (b"1\n2", "ndjson"), (b"\x1e1\n\x1e", "jsonseq")):
        told = sent(data, format=format, failure=failure)
        assert BROKEN in told
        assert b"secret" not in told
        assert told.startswith(data[:2])


def test_the_words_of_an_error_are_told_only_if_asked_for_and_as_one_json_string() -> None:
    failure = ConnectionError("a\r\nevent: x\n\n")
    told = sent(b"data: a\n\n", format="sse", failure=failure, error_message=lambda error: str(error.__cause__))
    [_, last] = ndstream.SSEDecoder().feed(told)
    assert (last.event, last.json()) == ("error", {"error": {"message": "a\r\nevent: x\n\n", "type": "truncated"}})


def test_what_follows_the_sentinel_is_dropped() -> None:
    assert sent(b"data: a\n\ndata: [DONE]\n\ndata: b\n\n", format="sse") == b"data: a\n\ndata: [DONE]\n\n"
    assert sent(b"data: [DONE]\n\ndata: b\n\n", format="sse", done=None) == b"data: [DONE]\n\ndata: b\n\n"
    assert sent(b"data: [DONE]\n\nda", format="sse") == b"data: [DONE]\n\n"


def test_a_missing_sentinel_is_an_error_if_it_is_required() -> None:
    assert sent(b"data: a\n\n", format="sse", require_done=True) == b"data: a\n\n" + CUT


def test_a_frame_that_is_too_large_ends_the_stream_and_is_never_sent_in_part() -> None:
    data = b"data: a\n\n" + b"data: " + b"x" * 200 + b"\n\ndata: b\n\n"
    told = sent(data, format="sse", max_frame_size=100)
    assert told.startswith(b"data: a\n\nevent: error\n")
    assert b"more than 100 bytes" in told
    assert b"xx" not in told
    assert sent(b"1\n" + b"2" * 200 + b"\n", format="ndjson", max_frame_size=100).startswith(b'1\n{"error":')


def test_an_error_behind_a_frame_of_the_first_chunk_does_not_take_the_place_of_the_response() -> None:
    relay = relayed([b"data: a\n\n" + b"data: " + b"x" * 200 + b"\n\n"], format="sse", max_frame_size=100)
    relay.open()
    assert b"".join(relay).startswith(b"data: a\n\nevent: error\n")


def test_recorded_streams_are_sent_on_byte_for_byte() -> None:
    for path in FILES:
        data = path.read_bytes()
        for size in (1, 997, len(data)):
            relay = relayed([data[begin : begin + size] for begin in range(0, len(data), size)])
            assert b"".join(relay) == data


# In another framing


def test_values_change_their_framing_and_keep_their_bytes() -> None:
    values = [b'{"a":1.50}', b'"\xe2\x80\xa8"', b"123456789012345678901234567890"]
    events = b"".join(b"data: " + value + b"\n\n" for value in values)
    lines = b"".join(value + b"\n" for value in values)
    elements = b"".join(b"\x1e" + value + b"\n" for value in values)
    streams = {"sse": events, "ndjson": lines, "jsonseq": elements}
    for upstream, data in streams.items():
        for to, wanted in streams.items():
            assert sent(data, to, format=upstream) == wanted
            assert sent(data, to) == wanted


def test_an_event_of_several_lines_is_one_line_elsewhere() -> None:
    data = b'data: {"a":\ndata: "b c"}\n\n'
    assert sent(data, "ndjson") == b'{"a": "b c"}\n'
    assert sent(data, "jsonseq") == b'\x1e{"a": "b c"}\n'
    assert sent(b'\x1e{"a":\n1}\n', "sse") == b'data: {"a":\ndata: 1}\n\n'


def test_fields_comments_and_the_sentinel_have_no_place_in_other_framings() -> None:
    data = b": hi\n\nevent: x\nid: 7\nretry: 5\ndata: 1\n\ndata\n\ndata: [DONE]\n\ndata: 2\n\n"
    assert sent(data, "ndjson") == b"1\n"


def test_events_are_objects_with_their_fields_where_that_is_asked_for() -> None:
    data = (
        b'event: token\nid: 7\nretry: 5\ndata: {"a":\ndata: 1}\n\n: hi\n\ndata: 2\n\ndata\n\nid\ndata: "x"\n\n'
        b"data: [DONE]\n\ndata: 9\n\n"
    )
    lines = [
        b'{"event":"token","id":"7","retry":5,"data":{"a": 1}}\n',
        b'{"event":"message","id":"7","data":2}\n',
        b'{"event":"message","data":"x"}\n',
    ]
    assert sent(data, "ndjson", format="sse", event_fields=True) == b"".join(lines)
    elements = b"".join(b"\x1e" + line for line in lines)
    assert sent(data, "jsonseq", format="sse", event_fields=True) == elements
    response = SyncResponse(data, headers={"Content-Type": "text/event-stream"})
    assert b"".join(relayed(response, "ndjson", event_fields=True)) == b"".join(lines)


def test_an_event_that_is_no_json_or_is_cut_ends_the_objects_with_an_error() -> None:
    begun = b'{"event":"message","data":1}\n'
    told = sent(b"data: 1\n\ndata: hello\n\ndata: 2\n\n", "ndjson", format="sse", event_fields=True)
    assert told == begun + b'{"error":"the upstream sent a frame that cannot be read"}\n'
    told = sent(b"data: 1\n\ndata: 2", "ndjson", format="sse", event_fields=True)
    assert told.startswith(begun + b'{"error":')
    field = 'event: a"}\u0085\ndata: 1\n\n'.encode()
    assert sent(field, "ndjson", format="sse", event_fields=True, escape_unicode_newlines=True) == (
        b'{"event":"a\\"}\\u0085","data":1}\n'
    )


def test_fields_are_asked_of_events_alone_and_where_they_have_no_place_otherwise() -> None:
    for options in ({"format": "sse"}, {"to": "ndjson"}, {"to": "ndjson", "format": "jsonseq"}, {"to": "ui"}):
        with pytest.raises(ValueError, match="event_fields= is for server-sent events"):
            relayed(b"", event_fields=True, **options)


def test_a_framing_that_cannot_be_sent_is_refused_with_those_that_can() -> None:
    with pytest.raises(ValueError, match=r"to must be one of 'sse', 'ndjson', 'jsonseq', 'openai-chat'"):
        relayed(b"", "json")


def test_data_that_is_no_json_is_an_error_elsewhere() -> None:
    told = sent(b"data: 1\n\ndata: hello\n\ndata: 2\n\n", "ndjson")
    assert told == b'1\n{"error":"the upstream sent a frame that cannot be read"}\n'
    # An event may hold any text.
    assert sent(b"1\nhello\n", "sse", format="ndjson") == b"data: 1\n\ndata: hello\n\n"


def test_a_cut_is_an_error_in_the_new_framing() -> None:
    assert sent(b'{"a":1}\n{"a":', "sse", format="ndjson") == b'data: {"a":1}\n\n' + CUT
    assert sent(b'\x1e{"a":1}\n\x1e{"a":', "sse", format="jsonseq") == b'data: {"a":1}\n\n' + CUT
    assert sent(b'\x1e{"a":1}\n\x1e{"a":', "jsonseq").endswith(b'complete"}\n')
    assert sent(b"data: 1\n\ndata: 2", "ndjson").endswith(b'complete"}\n')
    assert BROKEN in sent(b"data: 1\n\n", "ndjson", failure=OSError())


def test_unicode_newlines_are_escaped_where_asked() -> None:
    assert sent(b'"\xc2\x85"\n', "sse", escape_unicode_newlines=True, format="ndjson") == b'data: "\\u0085"\n\n'


def test_a_document_under_application_json_is_one_value() -> None:
    response = SyncResponse(b'{\n"a":\n1}\n', headers={"Content-Type": "application/json"})
    assert b"".join(relayed(response, "sse")) == b'data: {\ndata: "a":\ndata: 1}\n\n'


def test_a_done_event_with_the_usage_comes_only_if_asked_for_and_only_at_the_end() -> None:
    data = reply(chunk(text="Hi"))
    done = b'event: done\ndata: {"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
    assert sent(data, format="sse") == data
    assert sent(data, format="sse", done_event=True) == data + done
    assert sent(data.removesuffix(DONE), format="sse", done_event=True) == data.removesuffix(DONE) + done
    assert sent(b"data: 1\n\ndata: 2", format="sse", done_event=True) == b"data: 1\n\n" + CUT
    lines = b'{"response":"Hi","done":true,"eval_count":2}\n'
    assert sent(lines, "sse", done_event=True, format="ndjson").endswith(b"}\n\n")
    for options in ({"to": "ndjson"}, {"to": "text"}, {"format": "ndjson"}):
        with pytest.raises(ValueError, match="done_event"):
            relayed(b"", done_event=True, **options)


# As text


def test_text_is_the_text_and_a_cut_breaks_the_transfer() -> None:
    assert sent(reply(chunk(text="H"), chunk(text="\u20ac")), "text") == "H\u20ac".encode()
    relay = relayed([chunk(text="H"), b"data: "], "text")
    assert next(relay) == b"H"
    with pytest.raises(TruncatedError):
        next(relay)
    assert relay.failure is not None
    assert relay.failure.kind == "truncated"


def test_a_stopped_text_breaks_the_transfer_too() -> None:
    relay = relayed([chunk(text="H"), chunk(text="i")], "text")
    assert next(relay) == b"H"
    relay.end_with(Failure("bye", "shutdown"))
    with pytest.raises(BrokenTransferError, match="bye"):
        next(relay)


# Before the first frame


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503, 301])
def test_a_refusal_is_raised_before_the_response_starts(status: int) -> None:
    headers = {"Retry-After": "7", "Content-Type": "application/json"}
    body = b'{"error":{"message":"no"}}'
    upstream = SyncResponse(body, status=status, headers=headers)
    with pytest.raises(UpstreamError) as caught:
        relayed(upstream).open()
    error = caught.value
    assert (error.status, error.retry_after, error.body) == (status, 7.0, body)
    assert error.content_type == "application/json"
    assert upstream.closed == 1

    async def main() -> None:
        awaited = Response(body, status=status, headers=headers)
        with pytest.raises(UpstreamError) as caught:
            await relayed(awaited, "text").aopen()
        assert (caught.value.status, caught.value.body, awaited.closed) == (status, body, 1)

    run(main)


def test_a_refusal_keeps_the_first_64_kib_of_its_body() -> None:
    upstream = SyncResponse(*[b"x" * 10_000] * 20, status=500)
    with pytest.raises(UpstreamError) as caught:
        relayed(upstream).open()
    assert caught.value.body == b"x" * 65536


def test_a_refusal_that_was_not_opened_is_told_in_the_words_of_the_format() -> None:
    relay = relayed(SyncResponse(b"busy", status=429, headers={"Content-Type": "text/plain"}), "sse")
    told = b"".join(relay)
    [event] = ndstream.SSEDecoder().feed(told)
    assert event.json() == {"error": {"message": "the upstream answered 429", "type": "rate_limit", "code": 429}}
    assert isinstance(relay.error, UpstreamError)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/event-stream", b'{"error":{"message":"no such model"}}'),
        ("text/event-stream", b"<html>bad gateway</html>"),
        ("application/json", b'{"error":{"message":"no such model","code":404}}'),
        ("application/json", b'{\n  "error": "no such model"\n}'),
        ("application/x-ndjson", b'{"error":"no such model"}\n'),
        ("", b'{"error":"no such model"}'),
    ],
)
def test_an_error_in_the_body_of_a_success_is_raised_before_the_response_starts(kind: str, body: bytes) -> None:
    headers = {"Content-Type": kind} if kind else {}
    for size in (1, 10, 1000):
        parts = [body[begin : begin + size] for begin in range(0, len(body), size)]
        with pytest.raises(UpstreamError) as caught:
            relayed(SyncResponse(*parts, headers=headers)).open()
        assert (caught.value.status, caught.value.body) == (200, body)


def test_frames_that_only_look_like_errors_are_no_refusal() -> None:
    for body in (b'{"error":null}\n', b'{"a":{"error":1}}\n', b'[{"error":"x"}]\n', b'"error"\n'):
        assert b"".join(relayed(SyncResponse(body)).open()) == body
    event = b'event: error\ndata: {"error":{"message":"busy"}}\n\n'
    assert b"".join(relayed(SyncResponse(event)).open()) == event


def test_blank_lines_without_end_are_not_kept_until_something_else_comes() -> None:
    blank = b"\n" * 32_768
    assert list(relayed([blank, blank, blank, b"1\n"], format="ndjson")) == [2 * blank, blank, b"1\n"]


def test_an_empty_upstream_is_an_empty_stream_and_no_reply() -> None:
    for to in (None, "sse", "ndjson", "jsonseq"):
        assert sent(b"", to, format="sse") == b""
    with pytest.raises(TruncatedError):
        relayed([b""], "text").open()


def test_an_upstream_that_is_cut_before_its_first_frame_is_raised_when_opened() -> None:
    for relay in (relayed(b"data: a", format="sse"), relayed(b'{"a":', "sse", format="ndjson")):
        with pytest.raises(TruncatedError):
            relay.open()
        assert relay.closed


def test_opening_over_a_connection_waits_no_longer_than_asked() -> None:
    here, there = socket.socketpair()
    with here, there:
        relay = relayed(here, format="sse").open(limit=0.05)
        # The response starts, and this keeps it open.
        assert next(relay) == b":\n\n"
        there.sendall(b"data: a\n\n")
        there.shutdown(socket.SHUT_WR)
        assert b"".join(relay) == b"data: a\n\n"


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf, True, "1"])
def test_a_limit_to_open_that_is_no_time_is_refused(limit: Any) -> None:
    upstream = SyncResponse(b"data: a\n\n")
    relay = relayed(upstream)
    with pytest.raises((TypeError, ValueError), match="limit must be"):
        relay.open(limit)
    relay.close()
    assert upstream.closed == 1


def test_opening_twice_and_iterating_later_gives_every_message_once() -> None:
    relay = relayed([b"data: a\n", b"\ndata: b\n\n"], format="sse")
    assert b"".join(relay.open().open()) == b"data: a\n\ndata: b\n\n"


def retry_after(value: str) -> float | None:
    with pytest.raises(UpstreamError) as caught:
        relayed(SyncResponse(status=503, headers={"retry-after": value})).open()
    return caught.value.retry_after


def test_a_retry_after_may_be_a_date() -> None:
    for value, wanted in (("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), ("-1", None)):
        assert retry_after(value) == wanted


@pytest.mark.parametrize(
    "form",
    ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y", "%d %b %Y %H:%M:%S -0000"],
)
def test_each_form_of_a_date_is_in_gmt_wherever_the_server_stands(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        asked = retry_after(time.strftime(form, time.gmtime(time.time() + 3600)))
        assert asked is not None
        assert 3000 < asked <= 3600
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_retry_after_may_have_parts_of_a_second_and_is_never_infinite() -> None:
    assert retry_after("1.5") == 1.5
    assert retry_after("9" * 400) == 1e9
    for value in ("nan", "inf", "1e3", "\uff11\uff12", "1.", "Fri, 31 Dec 99999 23:59:59 GMT"):
        assert retry_after(value) is None


@pytest.mark.parametrize("heartbeat", [None, 15.0])
def test_the_body_of_a_refusal_that_drips_or_never_comes_is_not_waited_for(
    heartbeat: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(async_relay, "MAX_BODY_SECONDS", 0.1)
    monkeypatch.setattr(sync_relay, "MAX_BODY_SECONDS", 0.1)

    async def main(parts: list[Any]) -> None:
        upstream = Response(*parts, status=429)
        with pytest.raises(UpstreamError) as caught:
            await asyncio.wait_for(relayed(upstream, "ndjson", heartbeat=heartbeat).aopen(), 5)
        assert caught.value.body.strip(b"x") == b""
        assert (caught.value.status, upstream.closed) == (429, 1)

    run(lambda: main([b"x", asyncio.Event()]))
    run(lambda: main([0.01, b"x"] * 1000))

    class Dripping(SyncResponse):
        def iter_bytes(self) -> Iterator[bytes]:
            for _ in range(1000):
                time.sleep(0.01)
                yield b"x"

    with pytest.raises(UpstreamError) as caught:
        relayed(Dripping(status=429), "ndjson", heartbeat=heartbeat).open()
    assert 0 < len(caught.value.body) < 100


# The object


def test_one_message_carries_all_frames_of_one_chunk() -> None:
    chunks = [b"data: a\n\n" * 50, b"data: b\n\nda", b"ta: c\n\n"]
    assert list(relayed(chunks, format="sse")) == [b"data: a\n\n" * 50, b"data: b\n\n", b"data: c\n\n"]
    assert len(list(relayed([b"1\n" * 50], "sse", format="ndjson"))) == 1


def test_headers_keep_what_stands_between_from_holding_back() -> None:
    response = SyncResponse(
        b"1\n", headers={"Content-Type": "application/x-ndjson; charset=utf-8", "Content-Length": "2"}
    )
    relay = relayed(response)
    assert relay.headers == {
        "Content-Type": "application/x-ndjson",
        "Cache-Control": "no-cache, no-transform",
        "X-Accel-Buffering": "no",
    }
    assert relayed(response, "sse").headers["Content-Type"] == "text/event-stream"
    assert relayed(response, "text").headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Connection" not in ndstream.HEADERS


def test_headers_of_an_unknown_framing_are_known_once_it_is_open() -> None:
    relay = relayed([b"data: a\n\n"])
    with pytest.raises(RuntimeError, match="open the relay first"):
        _ = relay.headers
    assert relay.open().headers["Content-Type"] == "text/event-stream"


def test_a_relay_closes_its_upstream_once() -> None:
    for use in (list, lambda relay: relay.close(), lambda relay: next(relay), lambda relay: relay.open()):
        upstream = SyncResponse(b"1\n", b"2\n")
        with relayed(upstream) as relay:
            use(relay)
        relay.close()
        assert upstream.closed == 1


def test_a_relay_that_is_dropped_closes_its_upstream() -> None:
    upstream = SyncResponse(b"1\n", b"2\n")
    relay = relayed(upstream)
    next(relay)
    del relay
    assert upstream.closed == 1


@pytest.mark.parametrize("name", ["heartbeat", "first_frame_timeout", "send_timeout"])
def test_a_time_that_is_none_is_refused(name: str) -> None:
    wrong: Any
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=name):
            relayed([b""], **{name: wrong})
    for wrong in (True, "15"):
        with pytest.raises(TypeError, match=name):
            relayed([b""], **{name: wrong})


def test_options_are_refused_before_the_upstream_is_read() -> None:
    upstream: Any
    for options in ({"to": "xml"}, {"format": "xml"}, {"max_frame_size": 0}, {"done": ""}, {"to": "text", "wire": "x"}):
        upstream = SyncResponse(b"1\n")
        with pytest.raises(ValueError, match="must"):
            relayed(upstream, **options)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"to": ["ui"]}, ValueError, "to must be one of "),
        ({"to": "ui", "model": 5}, TypeError, "model must be a str or None, not 5"),
        ({"error_message": "oops"}, TypeError, "error_message must be a callable or None, not 'oops'"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused_by_name(options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        relayed(b"", **options)


@pytest.mark.parametrize("grace", [-1, float("nan"), True, "1", None])
@pytest.mark.parametrize("make", [ndstream.RelayGroup, ndstream.Broadcast])
def test_a_grace_that_is_no_time_is_refused_before_anything_ends(make: Any, grace: Any) -> None:
    async def main() -> None:
        ended: Any = make()
        with pytest.raises((TypeError, ValueError), match="grace must be"):
            await ended.aclose(grace)
        assert await ended.aclose(0) == 0

    run(main)


def test_chunks_that_are_no_bytes_are_refused() -> None:
    with pytest.raises(TypeError, match="str"):
        list(relayed(["data: a\n\n"], format="sse"))


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_large_chunk_is_converted_in_parts(kind: Any) -> None:
    data = b"data: x\n\n" * 50_000
    messages = list(relayed([kind(data[:900]), kind(data[900:])], format="sse"))
    assert b"".join(messages) == data
    assert max(map(len, messages)) <= 65536 + 20


def test_bytes_of_a_large_frame_are_joined_once() -> None:
    # Were the waiting bytes joined for each chunk, this would copy 50 GB.
    size = 1 << 20
    frame = b"data: " + b"x" * size + b"\n\n"
    messages = list(relayed([frame[i : i + 10] for i in range(0, len(frame), 10)], format="sse"))
    assert messages == [frame]


# Groups


def test_a_group_waits_five_seconds_for_its_clients_unless_it_is_told_otherwise() -> None:
    assert inspect.signature(RelayGroup.aclose).parameters["grace"].default == 5


def test_a_group_ends_its_relays_in_their_own_words() -> None:
    async def main() -> None:
        group = RelayGroup(heartbeat=None)
        never = asyncio.Event()
        upstreams = [Upstream(b"data: a\n\n", never) for _ in range(3)]
        relays = [group.relay(upstream, format="sse") for upstream in upstreams]
        tasks = [asyncio.create_task(collect(relay)) for relay in relays]
        await asyncio.sleep(0.01)
        assert len(group) == 3
        assert await group.aclose(grace=5) == 0
        for task in tasks:
            assert (await task)[-1] == (
                b'event: error\ndata: {"error":{"message":"the server is shutting down","type":"shutdown"}}\n\n'
            )
        assert [upstream.closed for upstream in upstreams] == [1, 1, 1]
        assert len(group) == 0
        late = group.relay(Upstream(b"data: a\n\n"), format="sse")
        assert b"shutting down" in b"".join(await collect(late))

    run(main)


@pytest.mark.parametrize("library", ["asyncio", "trio"])
@pytest.mark.parametrize("grace", [0, 0.05])
def test_a_group_cuts_off_relays_whose_clients_take_nothing(library: str, grace: float) -> None:
    async def main() -> None:
        group = RelayGroup()
        upstream = Upstream(b"data: a\n\n", b"data: b\n\n")
        relay = group.relay(upstream, format="sse")
        assert await anext(relay) == b"data: a\n\n"
        assert await group.aclose(grace=grace) == 1
        assert upstream.closed == 1

    anyio.run(main, backend=library)


def test_a_group_cuts_off_relays_that_are_read_by_calling() -> None:
    async def main() -> None:
        group = RelayGroup()
        upstream = SyncResponse(b"data: a\n\n", b"data: b\n\n")
        relay: Any = group.relay(upstream, format="sse")
        assert next(relay) == b"data: a\n\n"
        assert await group.aclose(grace=0.05) == 1
        assert (upstream.closed, list(relay)) == (1, [])

    run(main)


def test_a_source_whose_headers_cannot_be_read_is_closed() -> None:
    class Headers(dict[str, str]):
        def items(self) -> Any:
            raise OSError("gone")

        get = __getitem__ = items  # type: ignore[assignment]

    upstream = SyncResponse(b"data: a\n\n", headers=Headers(a="b"))
    with pytest.raises(OSError, match="gone"):
        relayed(upstream)
    assert upstream.closed == 1


def test_a_status_is_found_behind_one_that_cannot_be_asked_for() -> None:
    class Odd(SyncResponse):
        status = 503

        def __getattribute__(self, name: str) -> Any:
            if name == "status_code":
                raise OSError("the response is closed")
            return super().__getattribute__(name)

    with pytest.raises(UpstreamError) as caught:
        relayed(Odd(b"busy"), format="sse").open()
    assert caught.value.status == 503


def test_what_a_relay_sends_is_what_the_oracle_reads() -> None:
    data = b"".join(b"id: %d\ndata: {\ndata: %d}\n\n" % (number, number) for number in range(20))
    told = sent(data, format="sse")
    assert [outcome.value[:3] for outcome in oracles.sse(told).outcomes] == [
        ("message", f"{{\n{number}}}", str(number)) for number in range(20)
    ]


def test_a_relay_shows_what_came_of_the_reply() -> None:
    relay = relayed([reply(chunk(text="Hi"))], "text")
    assert b"".join(relay) == b"Hi"
    assert relay.answer is not None
    assert relay.answer.usage == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert relayed(DONE, format="sse").answer is None


def test_a_stop_while_the_upstream_is_silent_ends_the_relay_at_its_next_heartbeat() -> None:
    here, there = socket.socketpair()
    with here, there:
        relay = relayed(here, format="sse", heartbeat=0.05)
        stop = threading.Timer(0.01, relay.end_with, (Failure("stopped", "shutdown"),))
        stop.start()
        assert b'"stopped"' in b"".join(relay)
        stop.join()


def test_the_connection_of_a_relay_that_is_complete_serves_the_next_request() -> None:
    session = real_parts.library("requests").Session()
    done = b"data: [DONE]\n\n"
    with serving(response(b"data: a\n\n", done, kind="text/event-stream")) as server, session:
        for _ in range(2):
            assert b"".join(relayed(session.get(server.url, stream=True))) == b"data: a\n\n" + done
        assert server.connections == 1
