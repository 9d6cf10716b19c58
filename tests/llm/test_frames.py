"""Bytes that are written in unusual ways, and what is no reply at all: edge cases 1 to 12."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from inputs.cuts import cuts
from llm.example import DONE, sse
from llm.examples import EXAMPLES, by_name, chat_frame
from ndstream import llm

CHAT = by_name("openai text")
OLLAMA = by_name("ollama chat")


def told(data: Any, wire: str | None = None, **options: Any) -> llm.ReplyError:
    """The error that a stream raises."""
    with pytest.raises(llm.ReplyError) as caught:
        llm.collect(data, wire, **options)
    return caught.value


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_other_line_ends_than_lf_make_no_difference(end: bytes) -> None:
    data = CHAT.data.replace(b"\n", end)
    for name, chunks in cuts(data, two_way_most=64):
        assert llm.collect(iter(chunks)).body == CHAT.body, name


def test_mixed_line_ends_make_no_difference() -> None:
    frames = [frame.replace(b"\n", end) for frame, end in zip(CHAT.frames, [b"\n", b"\r\n", b"\r"] * 2, strict=True)]
    assert llm.collect(b"".join(frames)).body == CHAT.body


@pytest.mark.parametrize("example", [CHAT, OLLAMA], ids=["sse", "ndjson"])
def test_a_byte_order_mark_at_the_start_is_passed_over_however_it_is_cut(example: Any) -> None:
    data = b"\xef\xbb\xbf" + example.data
    for place in range(6):
        assert llm.collect(iter([data[:place], data[place:]])).body == example.body


def test_a_byte_order_mark_inside_the_text_is_kept() -> None:
    data = b"".join(sse(chat_frame({"content": "a\ufeffb"}, "stop")))
    assert llm.collect(data.replace(b"\\ufeff", "\ufeff".encode())).text == "a\ufeffb"


@pytest.mark.parametrize("begin", [b"data:", b"data:  "])
def test_data_may_have_no_space_or_two(begin: bytes) -> None:
    assert llm.collect(CHAT.data.replace(b"data: {", begin + b"{")).body == CHAT.body


@pytest.mark.parametrize("noise", [b"data:\n\n", b"data\n\n", b": ping\n\n", b"event: ping\n\n", b"data: \ndata:\n\n"])
def test_events_without_data_and_comments_are_passed_over_anywhere(noise: bytes) -> None:
    reply = llm.reply(iter([noise, *(frame + noise for frame in CHAT.frames)]))
    assert [delta.raw["id"] for delta in reply] == ["chatcmpl-1"] * 5
    assert reply.body == CHAT.body


def test_data_over_several_lines_is_one_frame() -> None:
    lines = json.dumps(chat_frame({"content": "Hi"}, "stop"), indent=1).split("\n")
    data = "".join(f"data: {line}\n" for line in lines) + "\n"
    assert llm.collect(data.encode()).text == "Hi"


@pytest.mark.parametrize("odd", ["\u0085", "\u2028", "\u2029", "\u000b", "\u001c", "é€😀"])
def test_characters_that_other_readers_split_lines_at_stay_in_the_text(odd: str) -> None:
    # Control characters must be escaped in JSON; all others can stand as they are.
    text = json.dumps(f"a{odd}b", ensure_ascii=ord(odd[0]) < 0x20)
    data = f'{{"model":"m","created_at":"t","response":{text},"done":true}}\n'.encode()
    for name, chunks in cuts(data):
        assert llm.collect(iter(chunks)).text == f"a{odd}b", name


def test_bytes_that_are_not_utf8_are_a_typed_error_with_their_place() -> None:
    first, *rest = OLLAMA.frames
    error = told(iter([first, rest[0].replace(b"me", b"\xff\xfe"), *rest[1:]]))
    assert isinstance(error, llm.ReplyServerError)
    assert (error.kind, error.reason) == ("malformed", "malformed")
    assert error.offset == len(first)
    assert error.frame[error.position or 0] == 0xFF
    assert error.reply.thinking == "Let "


def test_half_of_a_surrogate_pair_is_a_typed_error() -> None:
    error = told(rb'{"model":"m","created_at":"t","response":"\ud83d","done":false}' + b"\n")
    assert isinstance(error, llm.ReplyServerError)
    assert error.kind == "malformed"


@pytest.mark.parametrize("example", [CHAT, OLLAMA], ids=["sse", "ndjson"])
def test_a_last_frame_without_its_line_ends_is_whole(example: Any) -> None:
    frames = example.frames[: example.ends_at]
    reply = llm.reply(iter([*frames[:-1], frames[-1].rstrip()]))
    assert len(list(reply)) == example.ends_at
    assert reply.ending is not None
    assert reply.ending.verdict == "complete"
    assert reply.text == example.text


def test_a_sentinel_without_its_line_ends_is_one() -> None:
    answer = llm.collect(b"".join([*CHAT.frames[:2], b"data: [DONE]"]))
    assert answer.ending is not None
    assert [each.sign for each in answer.ending.evidence] == ["sentinel"]


def test_a_frame_past_the_limit_is_a_typed_error_that_names_it() -> None:
    big = sse(chat_frame({"content": "x" * 5000}))[0]
    error = told(iter([CHAT.frames[1], big]), max_frame_size=4096)
    assert isinstance(error, llm.ReplyServerError)
    assert error.reason == "too_large"
    assert "max_frame_size=4096" in str(error)
    assert error.reply.text == "Hel"


def test_a_line_of_many_megabytes_is_read_in_time_that_grows_with_its_size() -> None:
    touched = []
    for size in (1 << 20, 1 << 21):
        line = b'{"model":"m","created_at":"t","response":"' + b"x" * size + b'","done":true}\n'
        reply = llm.reply(line[at : at + 1024] for at in range(0, len(line), 1024))
        assert len("".join(reply.texts())) == size
        decoder = reply._stream.decoder
        assert decoder is not None
        touched.append(decoder._touched)
    assert touched[1] < touched[0] * 2.2


def test_a_number_that_json_does_not_have_is_a_typed_error() -> None:
    error = told(b'{"model":"m","created_at":"t","response":"a","done":false,"x":NaN}\n')
    assert isinstance(error, llm.ReplyServerError)
    assert error.kind == "malformed"


def test_long_numbers_and_repeated_keys_are_taken_as_orjson_takes_them() -> None:
    data = (
        b'{"model":"m","created_at":"t","response":"a","response":"b","done":true,"eval_count":123456789012345678901}'
    )
    answer = llm.collect(data)
    assert answer.text == "b"
    assert answer.metrics.output_tokens is not None


def test_a_body_that_is_still_compressed_is_a_typed_error_that_says_so() -> None:
    error = told(gzip.compress(CHAT.data))
    assert isinstance(error, llm.ReplyServerError)
    assert "compressed" in str(error)


PAGE = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>\n"


@pytest.mark.parametrize("page", [PAGE, PAGE.replace(b"\n", b""), b"Internal Server Error", b"upstream timed out\n"])
def test_a_page_or_a_sentence_in_place_of_a_reply_is_a_server_error(page: bytes) -> None:
    for name, chunks in cuts(page):
        error = told(iter(chunks))
        assert isinstance(error, llm.ReplyServerError), name
        assert error.kind == "malformed"
        assert not error.output_started


def test_a_page_in_the_middle_of_events_is_a_server_error() -> None:
    error = told(b"".join([*CHAT.frames[:2], b"\n", PAGE, b"\n"]))
    assert isinstance(error, llm.ReplyServerError)
    assert "502 Bad Gateway" in str(error)
    assert error.reply.text == "Hel"


@pytest.mark.parametrize("indent", [None, 2])
def test_a_plain_json_error_in_place_of_a_stream_is_a_server_error(indent: int | None) -> None:
    body = {"error": {"message": "no such model", "type": "invalid_request_error", "code": "model_not_found"}}
    for name, chunks in cuts(json.dumps(body, indent=indent).encode()):
        error = told(iter(chunks))
        assert isinstance(error, llm.ReplyServerError), name
        assert (str(error), error.kind, error.code) == ("no such model", "not_found", "model_not_found")


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "name", ["openai text", "ollama chat", "ollama generate", "anthropic cites, without event lines"]
)
def test_an_answer_that_was_not_streamed_is_read_as_well(name: str, indent: int | None) -> None:
    example = by_name(name)
    reply = llm.reply(json.dumps(example.body, indent=indent).encode())
    assert "".join(reply.texts()) == example.text
    assert reply.body == example.body
    assert reply.wire == example.wire


def test_ollama_may_answer_a_request_to_load_with_one_plain_object() -> None:
    body = {"model": "m", "created_at": "t", "response": "", "done": True, "done_reason": "load"}
    answer = llm.collect(json.dumps(body).encode())
    assert answer.body == body
    assert answer.ending is not None
    assert answer.ending.finish_reason == "load"


@pytest.mark.parametrize("text", ["a]b[", '}{"', "a,\\", '\\"]'])
@pytest.mark.parametrize("indent", [None, 1])
def test_brackets_and_quotes_in_strings_do_not_split_an_array(text: str, indent: int | None) -> None:
    frames = [
        {"candidates": [{"content": {"parts": [{"text": text}]}}]},
        {"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]},
    ]
    data = json.dumps(frames, indent=indent).encode()
    for name, chunks in cuts(data):
        reply = llm.reply(iter(chunks))
        assert [delta.text for delta in reply] == [text, text], name


def test_an_array_gives_each_frame_with_the_bracket_that_closes_it() -> None:
    given = []

    def source() -> Any:
        for chunk in (
            b'[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}',
            b"\n",
            b',\r\n{"candidates"',
            b":[]}]",
        ):
            given.append(chunk)
            yield chunk

    reply = llm.reply(source(), on_incomplete="return")
    assert next(reply).text == "a"
    assert len(given) == 1


def test_the_bracket_that_closes_an_array_is_an_end() -> None:
    frame = json.dumps({"candidates": [{"content": {"parts": [{"text": "a"}]}}]})
    whole, cut = (llm.collect(f"[{frame}{end}".encode(), on_incomplete="return") for end in ("]", "\n"))
    assert whole.ending is not None
    assert cut.ending is not None
    assert (whole.ending.verdict, cut.ending.verdict) == ("complete", "truncated")


def test_malformed_json_in_the_middle_is_never_passed_over() -> None:
    error = told(b"".join([*CHAT.frames[:2], b'data: {"choices": [}\n\n', *CHAT.frames[2:]]))
    assert isinstance(error, llm.ReplyServerError)
    assert error.kind == "malformed"
    assert error.offset == len(b"".join(CHAT.frames[:2]))
    assert error.reply.text == "Hel"
    assert error.reply.ending is not None
    assert error.reply.ending.verdict == "error"


def test_what_follows_the_end_makes_no_difference() -> None:
    frames = [*CHAT.frames, DONE, b": bye\n\n", b"data: {", b"<html>"]
    assert llm.collect(iter(frames)).body == CHAT.body
    answer = llm.collect(iter([*OLLAMA.frames, b"garbage\n"]))
    assert answer.body == OLLAMA.body
    assert answer.ending is not None
    assert [each.sign for each in answer.ending.evidence][-2:] == ["terminal_event", "malformed_frame"]


def test_a_buffer_that_its_owner_uses_again_is_read_before_that() -> None:
    def source() -> Any:
        buffer = bytearray(5)
        for at in range(0, len(data), 5):
            part = data[at : at + 5]
            buffer[: len(part)] = part
            yield memoryview(buffer)[: len(part)]

    for example in (CHAT, OLLAMA, by_name("gemini as one array")):
        data = example.data
        assert llm.collect(source()).body == example.body


class Response:
    """As little of an HTTP response as a source needs."""

    def __init__(self, content_type: str, chunks: list[bytes]) -> None:
        self.headers = {"Content-Type": content_type}
        self.status_code = 200
        self.chunks = chunks
        self.closed = 0

    def iter_bytes(self) -> Any:
        return iter(self.chunks)

    def close(self) -> None:
        self.closed += 1


def test_a_content_type_of_events_is_believed_where_the_first_line_could_be_anything() -> None:
    source: Any = Response("text/event-stream", [b"server: x\n", *CHAT.frames])
    assert llm.collect(source).body == CHAT.body


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "application/x-ndjson", "text/html"])
@pytest.mark.parametrize("name", ["openai text", "ollama chat", "gemini as one array"])
def test_the_first_bytes_count_where_the_content_type_is_wrong(kind: str, name: str) -> None:
    source: Any = Response(kind, by_name(name).frames)
    assert llm.collect(source).body == by_name(name).body


def test_a_json_error_under_a_content_type_of_events_is_found() -> None:
    source: Any = Response("text/event-stream", [b'{"error": {"message": "no such model", "code": 404}}'])
    assert str(told(source)) == "no such model"


def test_a_binary_event_stream_is_refused_with_advice_and_released() -> None:
    source: Any = Response("application/vnd.amazon.eventstream", [b"\x00\x00"])
    with pytest.raises(ValueError, match="binary event stream of AWS"):
        llm.reply(source)
    assert source.closed == 1


def test_the_frames_may_be_a_sequence_of_json_texts() -> None:
    assert llm.collect(b"".join(b"\x1e" + frame for frame in OLLAMA.frames)).body == OLLAMA.body


@pytest.mark.parametrize("value", [b"7", b"null", b'"x"', b"[]", b"[7]"])
@pytest.mark.parametrize("wire", llm.WIRES)
def test_a_frame_that_is_no_object_is_handed_out_and_says_nothing(wire: str, value: bytes) -> None:
    example = next(each for each in EXAMPLES if each.wire == wire and len(each.frames) > 2)
    odd = value + b"," if example.data[:1] == b"[" else value + b"\n"
    odd = odd if example.data[:1] in (b"[", b"{") else b"data: " + value + b"\n\n"
    answer = llm.collect(iter([*example.frames[:2], odd, *example.frames[2:]]), wire)
    assert (answer.body, answer.text) == (example.body, example.text)
