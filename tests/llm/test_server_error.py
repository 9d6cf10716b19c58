"""Errors inside an answer that began as a success: every shape that servers give them, first and in the middle."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from llm.example import DONE, Example, lines, sse
from llm.examples import CHAT, EXAMPLES, OLLAMA, by_name, chat_frame
from ndstream import llm
from ndstream.llm._server_error import ServerError, error_in


class Shape(NamedTuple):
    """An error as bytes, and what is to be told of it."""

    name: str
    data: bytes
    message: str
    kind: str
    code: int | str | None


def event(value: Any, kind: str | None = None) -> bytes:
    return (f"event: {kind}\n" if kind else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


REASON = "the server ended the reply with the reason {!r}"

SSE_SHAPES = [
    Shape("text", event({"error": "it broke"}), "it broke", "unknown", None),
    Shape(
        "facts",
        event({"error": {"message": "slow down", "type": "rate_limit_error", "code": None}}),
        "slow down",
        "rate_limit",
        "rate_limit_error",
    ),
    Shape(
        "status",
        event({"error": {"code": 503, "message": "busy", "type": "unavailable_error"}}),
        "busy",
        "overloaded",
        503,
    ),
    Shape(
        "flat object",
        event({"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}),
        "too long",
        "invalid_request",
        400,
    ),
    Shape(
        "flat type",
        event({"type": "error", "code": "server_error", "message": "oops", "param": None}, "error"),
        "oops",
        "server",
        "server_error",
    ),
    Shape(
        "anthropic",
        event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error"),
        "Overloaded",
        "overloaded",
        "overloaded_error",
    ),
    Shape(
        "status code in one word", event({"statusCode": 429, "message": "slow down"}), "slow down", "rate_limit", 429
    ),
    Shape("true, and its words beside it", event({"error": True, "message": "broke"}), "broke", "unknown", None),
    Shape(
        "error in an error",
        event({"error": {"error": {"type": "overloaded_error", "message": "busy"}}}),
        "busy",
        "overloaded",
        "overloaded_error",
    ),
    Shape(
        "dashscope",
        event({"code": "DataInspectionFailed", "message": "not this", "request_id": "r"}),
        "not this",
        "content_filter",
        "DataInspectionFailed",
    ),
    Shape("error code", event({"error_code": 336003, "error_msg": "bad"}), "bad", "unknown", 336003),
    Shape("event alone", event({"message": "no key for it"}, "error"), "no key for it", "unknown", None),
    Shape("event with text", b"event: error\ndata: it just broke\n\n", "it just broke", "unknown", None),
    Shape("event with json text", event("it just broke", "error"), "it just broke", "unknown", None),
    Shape(
        "google",
        event({"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}),
        "quota",
        "rate_limit",
        429,
    ),
    Shape(
        "google in the raw",
        b'{\n  "error": {\n    "code": 500,\n    "message": "internal"\n  }\n}\n',
        "internal",
        "server",
        500,
    ),
    Shape(
        "google in the raw, with a blank line",
        b'{\n  "error": {\n    "code": 500,\n    "message": "internal"\n  }\n}\n\n',
        "internal",
        "server",
        500,
    ),
    Shape(
        "tgi",
        event({"error": "Model is overloaded", "error_type": "overloaded"}),
        "Model is overloaded",
        "overloaded",
        "overloaded",
    ),
    Shape("tgi chat", event({"error": {"message": "bad", "http_status_code": 422}}), "bad", "invalid_request", 422),
    Shape(
        "openrouter",
        event({**chat_frame({"content": ""}, "error"), "error": {"code": 502, "message": "provider gone"}}),
        "provider gone",
        "server",
        502,
    ),
    Shape(
        "openrouter without choices",
        event({**chat_frame({}), "choices": [], "error": {"code": "x", "message": "gone"}}),
        "gone",
        "unknown",
        "x",
    ),
    Shape("finish reason", event(chat_frame({}, "error")), REASON.format("error"), "server", "error"),
    Shape(
        "deepseek",
        event(chat_frame({}, "insufficient_system_resource")),
        REASON.format("insufficient_system_resource"),
        "overloaded",
        "insufficient_system_resource",
    ),
    Shape(
        "native finish reason",
        event({**chat_frame({}), "choices": [{"index": 0, "delta": {}, "native_finish_reason": "network_error"}]}),
        REASON.format("network_error"),
        "server",
        "network_error",
    ),
    Shape(
        "relay whose upstream was cut",
        event({"error": {"message": "the upstream ended early", "type": "truncated"}}, "error"),
        "the upstream ended early",
        "server",
        "truncated",
    ),
    Shape(
        "relay that is stopped",
        event({"error": {"message": "the server is stopping", "type": "shutdown"}}, "error"),
        "the server is stopping",
        "server",
        "shutdown",
    ),
]

LINE_SHAPES = [
    Shape("line", b'{"error":"llama runner has crashed"}\n', "llama runner has crashed", "unknown", None),
    Shape("line without its end", b'{"error":"an error"}', "an error", "unknown", None),
    Shape("triple", b'{"StatusCode":503,"Status":"503","error":"upstream"}', "upstream", "overloaded", 503),
    Shape("sign in", b'{"error":"unauthorized","signin_url":"https://x"}', "unauthorized", "authentication", None),
    Shape("document", b'{\n "error": {"message": "bad", "code": 404}\n}', "bad", "not_found", 404),
]


def name_of(shape: Shape) -> str:
    return shape.name


def check(shape: Shape, before: list[bytes], example: Example, after: bytes = b"") -> None:
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(iter([*before, shape.data + after]))
    error = caught.value
    assert (str(error), error.kind, error.code) == (shape.message, shape.kind, shape.code)
    assert error.retryable == (shape.kind in ("overloaded", "rate_limit", "timeout", "server"))
    text = llm.collect(iter(before), example.wire, on_incomplete="return").text
    assert error.reply.text == text
    assert error.output_started == bool(text)
    assert error.reply.ending is not None
    assert error.reply.ending.verdict == "error"
    assert error.reply.ending.error is not None


@pytest.mark.parametrize("shape", SSE_SHAPES, ids=name_of)
@pytest.mark.parametrize("after", [b"", DONE], ids=["", "and then done"])
def test_an_error_among_events_is_found_in_the_middle(shape: Shape, after: bytes) -> None:
    check(shape, CHAT[0].frames[:3], CHAT[0], b"" if shape.data.endswith(b"}\n") else after)


@pytest.mark.parametrize("shape", [shape for shape in SSE_SHAPES if "raw" not in shape.name], ids=name_of)
def test_an_error_in_the_first_event_is_found(shape: Shape) -> None:
    check(shape, [], CHAT[0])


@pytest.mark.parametrize("shape", LINE_SHAPES, ids=name_of)
def test_an_error_in_the_first_line_is_found(shape: Shape) -> None:
    check(shape, [], OLLAMA[0])


@pytest.mark.parametrize("shape", LINE_SHAPES[:-1], ids=name_of)
def test_an_error_in_a_later_line_is_found(shape: Shape) -> None:
    check(shape, OLLAMA[0].frames[:3], OLLAMA[0])


def test_an_error_right_behind_a_frame_on_its_line_is_found_and_the_frame_is_kept() -> None:
    before, (joined, *_) = OLLAMA[0].frames[:2], OLLAMA[0].frames[2:]
    reply = llm.reply(iter([*before, joined.rstrip() + b'{"error":"gone"}\n']))
    deltas = []
    with pytest.raises(llm.ReplyServerError, match="gone"):
        for delta in reply:
            deltas.append(delta)
    assert (deltas[2].text, reply.text) == ("Hi", "Hi")


@pytest.mark.parametrize("end", [b"\n", b""], ids=["line end", "nothing"])
@pytest.mark.parametrize("fails", [False, True], ids=["ends", "fails"])
def test_an_error_right_behind_a_frame_is_found_however_the_bytes_end(end: bytes, fails: bool) -> None:
    before, (joined, *_) = OLLAMA[0].frames[:2], OLLAMA[0].frames[2:]

    def chunks() -> Iterator[bytes]:
        yield b"".join(before)
        yield joined.rstrip() + b'{"StatusCode":503,"Status":"503 Service Unavailable","error":"gone"}' + end
        if fails:
            raise ConnectionResetError

    with pytest.raises(llm.ReplyServerError, match="gone") as caught:
        llm.collect(chunks())
    assert (caught.value.kind, caught.value.code, caught.value.reply.text) == ("overloaded", 503, "Hi")


@pytest.mark.parametrize("shape", [shape for shape in SSE_SHAPES if b"choices" not in shape.data], ids=name_of)
def test_what_an_error_says_is_no_part_of_the_body(shape: Shape) -> None:
    before = llm.collect(iter(CHAT[0].frames[:3]), on_incomplete="return")
    answer = llm.collect(iter([*CHAT[0].frames[:3], shape.data]), on_incomplete="return")
    assert answer.body == before.body


def test_an_error_element_in_an_array_is_found() -> None:
    frames = by_name("gemini as one array").frames[:3]
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(iter([*frames, b',{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\n]']))
    assert (caught.value.kind, caught.value.reply.text) == ("overloaded", "Go")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_wire_finds_an_error_behind_each_of_its_frames(example: Example) -> None:
    lines = example.frames[0].startswith((b"{", b"["))
    shape = b'{"error":{"message":"gone","type":"server_error"}}'
    for count in range(len(example.frames) - (example.frames[-1] in (DONE, b"]"))):
        comma = b"," if example.frames[0].startswith(b"[") and count else b""
        last = comma + shape + b"\n" if lines else b"data: " + shape + b"\n\n"
        with pytest.raises(llm.ReplyServerError, match="gone") as caught:
            llm.collect(iter([*example.frames[:count], last]), example.wire)
        assert caught.value.kind == "server"


def test_a_response_that_failed_tells_the_error_that_is_inside_of_it() -> None:
    failed = {
        "id": "r",
        "object": "response",
        "status": "failed",
        "error": {"code": "server_error", "message": "no luck"},
    }
    with pytest.raises(llm.ReplyServerError, match="no luck") as caught:
        llm.collect(event({"type": "response.failed", "response": failed}))
    assert (caught.value.kind, caught.value.code) == ("server", "server_error")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request"), (401, "authentication"), (402, "billing"), (403, "permission"), (404, "not_found"),
        (408, "timeout"), (409, "invalid_request"), (413, "invalid_request"), (422, "invalid_request"),
        (429, "rate_limit"), (503, "overloaded"), (504, "timeout"), (529, "overloaded"),
        (500, "server"), (599, "server"), (499, "unknown"), (600, "unknown"), (5000, "unknown"), (50, "unknown"),
    ],
)  # fmt: skip
def test_a_status_tells_what_kind_of_error_it_is(status: int, kind: str) -> None:
    for code in (status, str(status)):
        assert error_in({"error": {"code": code, "message": "no"}}) == ServerError("no", kind, code)


@pytest.mark.parametrize("word", ["api_error", "upstream_error", "server_error"])
@pytest.mark.parametrize(("status", "kind"), [(401, "authentication"), ("402", "billing"), (429, "rate_limit")])
def test_a_status_says_more_than_a_word_that_a_gateway_has_for_all_errors(word: str, status: Any, kind: str) -> None:
    error = error_in({"error": {"message": "no", "type": word, "code": status}})
    assert error is not None
    assert error.kind == kind


def test_an_error_behind_a_frame_that_no_wire_knows_is_found() -> None:
    with pytest.raises(llm.ReplyServerError, match="bad key") as caught:
        llm.collect(iter(lines({"hello": 1}, {"code": 401, "msg": "bad key"})))
    assert (caught.value.kind, caught.value.code) == ("authentication", 401)


@pytest.mark.parametrize(
    "name",
    [
        "openai text",
        "ollama chat",
        "responses with a thought, a text and a call",
        "anthropic thinks, speaks and calls",
        "converse thinks, speaks, cites and calls",
        "an interaction that thinks, searches, speaks and calls",
        "gemini events, with CRLF",
        "cohere plans and calls",
        "tgi's own, without a space behind data",
        "llama.cpp's own",
        "lm studio's own",
        "workers ai with padding and a last frame for its counts",
        "ollama generate",
    ],
)
@pytest.mark.parametrize("reported", ["gone", {"message": "gone"}], ids=["text", "object"])
def test_an_error_in_a_frame_that_goes_on_with_a_text_or_a_call_is_found(name: str, reported: Any) -> None:
    frames = [frame for frame in by_name(name).frames if frame != DONE]
    for number, whole in enumerate(frames):
        begin, brace, rest = whole.rpartition(b"}")
        frame = begin + b',"error":' + json.dumps(reported).encode() + brace + rest
        with pytest.raises(llm.ReplyServerError, match="gone") as caught:
            llm.collect(iter([*frames[:number], frame]))
        # What else the frame says counts as it does without the error, which has no code from it.
        spared = llm.reply(iter(frames[: number + 1]), on_incomplete="return")
        assert "".join(spared.texts()) == caught.value.reply.text
        assert (spared.thinking, spared.body) == (caught.value.reply.thinking, caught.value.reply.body)
        assert (caught.value.code, caught.value.kind) == (None, "unknown")


@pytest.mark.parametrize("reason", ["ERROR", "TIMEOUT"])
def test_cohere_tells_an_error_by_its_reason(reason: str) -> None:
    frames = [
        *by_name("cohere plans and calls").frames[:3],
        event({"type": "message-end", "delta": {"finish_reason": reason, "error": "model crashed"}}),
    ]
    with pytest.raises(llm.ReplyServerError, match="model crashed") as caught:
        llm.collect(iter(frames))
    assert caught.value.retryable


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "malformed_tool_use"])
def test_gemini_tells_a_failure_by_its_reason(reason: str) -> None:
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(event({"candidates": [{"finishReason": reason}]}))
    assert caught.value.code == reason


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("internalServerException", "server"),
        ("modelStreamErrorException", "server"),
        ("modelTimeoutException", "timeout"),
        ("serviceUnavailableException", "overloaded"),
        ("throttlingException", "rate_limit"),
        ("validationException", "invalid_request"),
    ],
)
@pytest.mark.parametrize(
    ("said", "message"), [({"message": "why"}, "why"), ({"originalMessage": "why"}, "why"), ({}, None)]
)
def test_each_exception_of_converse_is_an_error_of_its_kind(
    name: str, kind: str, said: dict[str, str], message: str | None
) -> None:
    for count in (0, 3):
        before = by_name("converse thinks, speaks, cites and calls").frames[:count]
        with pytest.raises(llm.ReplyServerError) as caught:
            llm.collect(iter([*before, *lines({name: said})]))
        assert (str(caught.value), caught.value.kind, caught.value.code) == (message or name, kind, name)


@pytest.mark.parametrize("nothing", [None, "", False, {"code": None, "message": ""}, {"code": 0, "message": "null"}])
def test_a_field_for_errors_that_is_empty_is_no_error(nothing: Any) -> None:
    assert llm.collect(iter([*sse(chat_frame({"content": "a"}, "stop", error=nothing)), DONE])).text == "a"


@pytest.mark.parametrize("text", ["error", '{"error": "x"}', "event: error"])
def test_text_about_errors_is_no_error(text: str) -> None:
    assert llm.collect(iter([*sse(chat_frame({"content": text}, "stop")), DONE])).text == text


def test_the_first_of_two_errors_is_told() -> None:
    with pytest.raises(llm.ReplyServerError, match="first"):
        llm.collect(event({"error": "first"}) + event({"error": "second"}))


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, {"message": "invalid api token"}, {"title": "Bad Gateway"}])
def test_a_plain_answer_that_only_says_what_is_wrong_is_an_error(body: dict[str, str]) -> None:
    with pytest.raises(llm.ReplyServerError, match=next(iter(body.values()))):
        llm.collect(json.dumps(body).encode())


def test_bare_json_among_events_is_an_error_even_where_a_cut_frame_follows() -> None:
    bare = b'{\n "error": {"message": "gone", "code": 500}\n}\n\n'
    with pytest.raises(llm.ReplyServerError, match="gone"):
        llm.collect(b"".join([*CHAT[0].frames[:2], bare, b'data: {"choi']))


def test_bare_json_among_events_may_be_a_list_with_the_error() -> None:
    bare = b'[{"error": {"message": "gone", "code": 500}}]\n\n'
    with pytest.raises(llm.ReplyServerError, match="gone"):
        llm.collect(b"".join([*CHAT[0].frames[:2], bare]))


@pytest.mark.parametrize("data", [b'{"message": "gone"}', b'"gone"', b"gone"])
def test_an_event_of_an_error_needs_no_blank_line_behind_it(data: bytes) -> None:
    with pytest.raises(llm.ReplyServerError, match="gone") as caught:
        llm.collect(b"".join([*CHAT[0].frames[:2], b"event: error\ndata: " + data]))
    assert str(caught.value) == "gone"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": [{"loc": ["body", "model"], "msg": "missing"}]}, "body.model: missing"),
        ({"detail": [{"loc": [], "msg": "missing"}]}, "missing"),
        ({"detail": [{"msg": "missing"}]}, "missing"),
        ({"error": {"message": {"why": "gone"}}}, "{'why': 'gone'}"),
        ({"error": {"message": ["gone"], "code": 500}}, "['gone']"),
    ],
)
def test_an_error_is_told_though_its_words_are_no_text_or_have_no_place(body: dict[str, Any], message: str) -> None:
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(json.dumps(body).encode())
    assert str(caught.value) == message


def test_a_frame_in_mid_stream_that_says_that_there_was_no_success_is_an_error() -> None:
    begun = by_name("openai text").frames[:3]
    with pytest.raises(llm.ReplyServerError, match="no money"):
        llm.collect(iter([*begun, *sse({"success": False, "message": "no money"}), DONE]))
    llm.collect(iter([*begun, *sse({"success": True, "message": "go on"}), DONE]))
