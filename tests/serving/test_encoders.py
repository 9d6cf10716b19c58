"""What each encoder writes, byte for byte, and what it refuses. That it decodes to the same is in test_round_trips."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import orjson
import pytest

import ndstream
from ndstream import EncodeError, Event, SSEEncoder, encode_comment, encode_jsonseq, encode_ndjson, encode_sse

UNICODE_NEWLINES = "\x85\u2028\u2029"


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Kind(str, enum.Enum):
    TOKEN = "token"


def refusal(call: Callable[[], object]) -> EncodeError:
    with pytest.raises(EncodeError) as caught:
        call()
    return caught.value


# Data


def test_data_is_text_as_it_is() -> None:
    assert encode_sse("Hi") == b"data: Hi\n\n"
    assert encode_sse('{"a": 1}') == b'data: {"a": 1}\n\n'
    assert encode_sse("\u20ac") == b"data: \xe2\x82\xac\n\n"
    assert encode_sse(Kind.TOKEN) == b"data: token\n\n"


@pytest.mark.parametrize("ready", [b'{"a": 1}', bytearray(b'{"a": 1}'), memoryview(b'{"a": 1}')])
def test_ready_bytes_are_data_as_they_are(ready: object) -> None:
    assert encode_sse(ready) == b'data: {"a": 1}\n\n'


def test_a_buffer_of_wide_items_is_its_bytes() -> None:
    assert encode_sse(memoryview(b"abcd").cast("I")) == b"data: abcd\n\n"


@pytest.mark.parametrize(
    ("value", "json"),
    [
        ({"a": [1]}, b'{"a":[1]}'),
        ([], b"[]"),
        (7, b"7"),
        (0.5, b"0.5"),
        (True, b"true"),
        (False, b"false"),
        (Point(1, 2), b'{"x":1,"y":2}'),
        (datetime.date(2026, 11, 1), b'"2026-11-01"'),
        ("text", b'"text"'),
        (None, b"null"),
    ],
)
def test_any_other_value_is_written_as_json(value: object, json: bytes) -> None:
    assert encode_ndjson(value) == json + b"\n"
    assert encode_jsonseq(value) == b"\x1e" + json + b"\n"
    if value is not None and not isinstance(value, str):
        assert encode_sse(value) == b"data: " + json + b"\n\n"


@pytest.mark.parametrize("fields", [{}, {"id": "5"}, {"event": "x"}])
def test_no_data_is_refused_since_it_would_move_the_id_without_an_event(fields: dict[str, Any]) -> None:
    error = refusal(lambda: encode_sse(None, **fields))
    assert error.field == "data"
    assert "null" in str(error)


def test_empty_data_is_an_event_with_empty_data() -> None:
    assert encode_sse("") == encode_sse(b"") == b"data: \n\n"


def test_each_kind_of_line_end_in_data_begins_a_data_line() -> None:
    assert encode_sse("a\r\nb\rc\nd") == b"data: a\ndata: b\ndata: c\ndata: d\n\n"
    assert encode_sse("\r\r\n\n") == b"data: \ndata: \ndata: \ndata: \n\n"


@pytest.mark.parametrize(("text", "lines"), [("a\n", 2), ("\na", 2), ("\n\n", 3), ("a\r", 2), ("\r\n", 2)])
def test_line_ends_at_either_end_of_data_are_kept(text: str, lines: int) -> None:
    assert encode_sse(text).count(b"data: ") == lines


@pytest.mark.parametrize("character", "\v\f\x1c\x1d\x1e\x85\u2028\u2029\0\ufeff")
def test_what_only_text_splitters_take_for_a_line_end_stays_in_its_line(character: str) -> None:
    assert encode_sse(f"a{character}b") == f"data: a{character}b\n\n".encode()


def test_unicode_newlines_become_escapes_of_json_where_asked() -> None:
    value = {"text": UNICODE_NEWLINES}
    escaped = b'{"text":"\\u0085\\u2028\\u2029"}'
    assert encode_sse(value, escape_unicode_newlines=True) == b"data: " + escaped + b"\n\n"
    assert encode_sse(orjson.dumps(value), escape_unicode_newlines=True) == b"data: " + escaped + b"\n\n"
    assert encode_sse(orjson.dumps(value).decode(), escape_unicode_newlines=True) == b"data: " + escaped + b"\n\n"
    assert encode_ndjson(value, escape_unicode_newlines=True) == escaped + b"\n"
    assert encode_jsonseq(value, escape_unicode_newlines=True) == b"\x1e" + escaped + b"\n"
    assert orjson.loads(escaped) == value
    assert encode_ndjson(value) == orjson.dumps(value) + b"\n"
    assert len(encode_ndjson(value, escape_unicode_newlines=True).decode().splitlines()) == 1


def test_neighbours_of_the_unicode_newlines_are_not_escaped() -> None:
    text = "\x84\x86\u2027\u202a\u0105\u20a8"
    assert encode_ndjson(text, escape_unicode_newlines=True) == f'"{text}"\n'.encode()


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 15, 16, 17, 31])
def test_a_byte_of_any_value_is_found_at_any_place(size: int) -> None:
    for place in range(size):
        for value in range(256):
            ready = b"~" * place + bytes([value]) + b" " * (size - place - 1)
            if value >= 0x80:
                assert refusal(partial(encode_sse, ready)).index == place
                continue
            expected = b"".join(b"data: %b\n" % line for line in re.split(rb"[\r\n]", ready)) + b"\n"
            assert encode_sse(ready) == encode_sse(ready.decode()) == expected, ready


def test_data_that_begins_with_a_space_or_a_mark_keeps_it() -> None:
    assert encode_sse(" x") == b"data:  x\n\n"
    assert encode_sse("\ufeffx") == b"data: \xef\xbb\xbfx\n\n"


@pytest.mark.parametrize("encode", [encode_sse, encode_ndjson, encode_jsonseq])
def test_bytes_that_are_no_utf8_are_refused_with_the_place(encode: Callable[[object], bytes]) -> None:
    error = refusal(lambda: encode(b'"ab\xff"'))
    assert error.index == 3
    assert "UTF-8" in str(error)


def test_pretty_printed_json_is_data_of_several_lines() -> None:
    pretty = orjson.dumps({"a": 1}, option=orjson.OPT_INDENT_2)
    assert encode_sse(pretty) == b'data: {\ndata:   "a": 1\ndata: }\n\n'


def test_a_value_of_16_mib_is_one_frame() -> None:
    text = "x" * (16 << 20)
    frame = encode_sse(text)
    assert len(frame) == len(text) + 8
    assert frame.count(b"\n") == 2


# Surrogates and values that JSON has no form for


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("data", lambda: encode_sse("ab\ud800")),
        ("event", lambda: encode_sse("", event="ab\udfff")),
        ("id", lambda: encode_sse("", id="ab\ud800")),
        ("comment", lambda: encode_comment("ab\ud800")),
        ("data", lambda: encode_sse({"k": [1, "ab\ud800"]})),
        ("value", lambda: encode_ndjson("ab\ud800")),
        ("value", lambda: encode_jsonseq(["ab\ud800"])),
    ],
)
def test_a_lone_surrogate_is_refused_with_field_and_index(field: str, call: Callable[[], object]) -> None:
    error = refusal(call)
    assert (error.field, error.index) == (field, 2)
    assert "surrogate" in str(error)


@pytest.mark.parametrize(
    ("value", "path", "word"),
    [
        ({1, 2}, (), "set"),
        ({"a": [0, b"raw"]}, ("a", 1), "bytes"),
        ({"a": decimal.Decimal(1)}, ("a",), "Decimal"),
        ([2**64], (0,), "64-bit"),
        ({"a": {1: 2}}, ("a",), "key of type int"),
        ({"deep": [{"x": object()}]}, ("deep", 0, "x"), "object"),
    ],
)
def test_a_value_without_a_form_in_json_is_refused_with_its_place_and_type(
    value: object, path: tuple[str | int, ...], word: str
) -> None:
    for call in (lambda: encode_sse(value), lambda: encode_ndjson(value), lambda: encode_jsonseq(value)):
        error = refusal(call)
        assert error.path == path
        assert word in str(error)
        assert isinstance(error.__cause__, TypeError)


def test_a_value_that_holds_itself_is_refused_with_its_type_and_where_that_is() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    error = refusal(lambda: encode_sse(cycle))
    assert error.path == (0,)
    assert str(error) == "data[0] is of type list and holds itself, so that it cannot be written as JSON"
    deeper: dict[str, object] = {"twice": [cycle, cycle]}
    assert refusal(lambda: encode_ndjson(deeper)).path == ("twice", 0, 0)


def test_a_part_that_stands_in_a_value_twice_is_no_cycle() -> None:
    part = [1]
    assert encode_ndjson([part, part]) == b"[[1],[1]]\n"
    assert refusal(lambda: encode_ndjson([part, part, {1, 2}])).path == (2,)


def test_a_value_of_too_many_levels_is_refused_with_its_type() -> None:
    deep: object = 1
    for _ in range(300):
        deep = {"a": deep}
    error = refusal(lambda: encode_sse(deep))
    assert error.path == ()
    assert str(error) == (
        "data is of type dict and 300 levels deep, which cannot be written as JSON: orjson writes 254 levels"
    )


def test_the_way_to_a_part_of_a_hundred_thousand_levels_is_found_in_steps_of_their_number() -> None:
    deep: object = object()
    for _ in range(90_000):
        deep = [deep]
    error = refusal(lambda: encode_ndjson(deep, dumps=msgspec.json.encode))
    assert len(error.path) in (0, 90_000)
    assert len(str(error)) < 500


def test_a_wrong_part_behind_a_hundred_thousand_others_is_not_looked_for() -> None:
    error = refusal(lambda: encode_sse([[0] * 100_000, object()]))
    assert error.path == ()
    assert "list" in str(error)
    assert isinstance(error.__cause__, TypeError)


def test_a_value_that_only_another_encoder_refuses_is_named_by_its_type() -> None:
    def refuse(value: object) -> bytes:
        raise ValueError("not today")

    assert str(refusal(lambda: encode_sse([], dumps=refuse))) == (
        "data is of type list, which cannot be written as JSON: not today"
    )


def test_nan_and_infinities_are_null_as_orjson_has_it() -> None:
    assert encode_ndjson([math.nan, math.inf, -math.inf]) == b"[null,null,null]\n"


def test_the_error_is_a_value_error_and_a_type_error() -> None:
    assert issubclass(EncodeError, ValueError)
    assert issubclass(EncodeError, TypeError)
    assert not issubclass(EncodeError, ndstream.StreamError)


def test_another_encoder_of_json_may_be_given() -> None:
    assert encode_ndjson({1, 2}, dumps=msgspec.json.encode) == b"[1,2]\n"
    assert encode_sse({1: 2}, dumps=lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)) == (
        b'data: {"1":2}\n\n'
    )
    assert encode_ndjson([1], dumps=lambda value: str(value)) == b"[1]\n"
    with pytest.raises(TypeError, match="dumps must return bytes or str, not list"):
        encode_ndjson([1], dumps=lambda value: value)


def test_errors_of_dumps_that_are_not_about_the_value_pass() -> None:
    def broken(value: object) -> bytes:
        raise error

    for error in (RuntimeError("x"), MemoryError(), SystemError("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            encode_ndjson(1, dumps=broken)
    error = RecursionError()
    assert refusal(lambda: encode_ndjson(1, dumps=broken)).__cause__ is error


def test_a_fragment_of_json_cannot_end_its_frame() -> None:
    fragment = {"a": orjson.Fragment(b'1}\n\nevent: admin\ndata: {"b":2')}
    assert b"\nevent" not in encode_sse(fragment)
    assert refusal(lambda: encode_ndjson(fragment)).index == 7
    assert refusal(lambda: encode_jsonseq(orjson.Fragment(b"1\n\x1e2"))).index == 2
    assert refusal(lambda: encode_sse(orjson.Fragment(b"\xff"))).field == "data"


# Event, id, retry, comments


def test_fields_come_in_the_order_event_id_retry_data() -> None:
    assert encode_sse("a", event="x", id="7", retry=1000) == b"event: x\nid: 7\nretry: 1000\ndata: a\n\n"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_line_end_in_event_or_id_is_refused(end: str) -> None:
    for field in ("event", "id"):
        for text in (f"ab{end}data: x", f"ab{end}", f"\u20acb{end}"):
            fields: dict[str, Any] = {field: text}
            error = refusal(lambda: encode_sse("x", **fields))
            assert (error.field, error.index) == (field, 2)


def test_a_nul_in_an_id_is_refused() -> None:
    error = refusal(lambda: encode_sse("x", id="ab\0"))
    assert (error.field, error.index) == ("id", 2)


def test_an_empty_id_makes_the_client_forget_its_id() -> None:
    assert encode_sse("x", id="") == b"id: \ndata: x\n\n"
    assert encode_sse("x", id=None) == b"data: x\n\n"


def test_an_int_is_an_id_and_a_bool_is_not() -> None:
    assert encode_sse("x", id=7) == b"id: 7\ndata: x\n\n"
    assert encode_sse("x", id=-(2**70)) == f"id: {-(2**70)}\ndata: x\n\n".encode()
    for wrong in (True, 1.5, b"7"):
        error = refusal(lambda: encode_sse("x", id=wrong))  # type: ignore[arg-type]
        assert (error.field, str(error)) == ("id", f"id must be a str or an int, not {type(wrong).__name__}")


def test_the_type_of_every_event_is_left_out() -> None:
    assert encode_sse("x", event="message") == encode_sse("x", event="") == encode_sse("x")
    assert encode_sse("x", event=" x") == b"event:  x\ndata: x\n\n"
    assert refusal(lambda: encode_sse("x", event=5)).field == "event"  # type: ignore[arg-type]


@pytest.mark.parametrize("event", ["a:b", "a\0b", "\u20ac", "\u2028"])
def test_an_event_type_may_hold_all_but_line_ends(event: str) -> None:
    assert encode_sse("x", event=event) == f"event: {event}\ndata: x\n\n".encode()


@pytest.mark.parametrize("retry", [0, 1, 3000, 2**31, 2**63 - 1])
def test_a_retry_is_written_in_digits(retry: int) -> None:
    assert encode_sse("x", retry=retry) == f"retry: {retry}\ndata: x\n\n".encode()


@pytest.mark.parametrize("retry", [-1, 1.5, True, "3000", math.nan, 10**20, 2**63])
def test_a_retry_that_is_no_delay_is_refused(retry: Any) -> None:
    assert refusal(lambda: encode_sse("x", retry=retry)).field == "retry"


def test_a_comment_stays_a_comment() -> None:
    assert encode_comment() == encode_comment("") == b":\n\n"
    assert encode_comment("data: x") == b": data: x\n\n"
    assert encode_comment("a\nb\r\nc\r") == b": a\n: b\n: c\n: \n\n"
    assert refusal(lambda: encode_comment(b"x")).field == "comment"  # type: ignore[arg-type]


# NDJSON and JSON text sequences


def test_a_line_end_in_a_string_is_escaped_and_in_ready_bytes_refused() -> None:
    assert encode_ndjson("a\nb") == b'"a\\nb"\n'
    for ready in (b"[1,\n2]", b"1\n2", b"1\r"):
        assert refusal(lambda: encode_ndjson(ready)).field == "value"
    assert encode_ndjson(b" [1] ") == b" [1] \n"


@pytest.mark.parametrize("written", ['["\u20ac",\n1]', '["abc",\n1]', b'["abc",\n1]'])
def test_a_line_end_that_dumps_writes_is_refused_with_its_place(written: Any) -> None:
    error = refusal(lambda: encode_ndjson(None, dumps=lambda value: written))
    assert (error.field, error.index) == ("value", 7)


@pytest.mark.parametrize("marked", [b"\xef\xbb\xbf", b"\xef\xbb\xbf{}"])
def test_ready_bytes_that_begin_with_a_byte_order_mark_are_refused(marked: bytes) -> None:
    for encode in (encode_ndjson, encode_jsonseq):
        error = refusal(lambda: encode(marked))
        assert (error.field, error.index) == ("value", 0)
        assert "byte order mark" in str(error)
    # Data of an event is text, in which it is a character like any other.
    [event] = ndstream.SSEDecoder().feed(encode_sse(marked))
    assert event.payload == marked


@pytest.mark.parametrize("blank", [b"", b" ", b"\n"])
def test_blank_ready_bytes_are_refused(blank: bytes) -> None:
    for encode in (encode_ndjson, encode_jsonseq):
        assert "blank" in str(refusal(lambda: encode(blank)))


def test_an_element_of_a_sequence_may_have_many_lines_and_no_separator() -> None:
    assert encode_jsonseq(12) == b"\x1e12\n"
    assert encode_jsonseq(b"[1,\n2]") == b"\x1e[1,\n2]\n"
    assert refusal(lambda: encode_jsonseq(b"1\x1e2")).index == 1


# Sending events on


def test_an_id_is_written_when_it_changes_and_reset_when_it_goes() -> None:
    encoder = SSEEncoder()
    events = [Event(data="x", id=id) for id in ("", "7", "7", "8", "", "")]
    assert [encoder.encode(event) for event in events] == [
        b"data: x\n\n",
        b"id: 7\ndata: x\n\n",
        b"data: x\n\n",
        b"id: 8\ndata: x\n\n",
        b"id: \ndata: x\n\n",
        b"data: x\n\n",
    ]


def test_an_encoder_begins_with_the_id_that_the_client_has() -> None:
    encoder = SSEEncoder(last_event_id="7")
    assert encoder.encode(Event(data="x", id="7")) == b"data: x\n\n"
    assert encoder.encode(Event(data="x")) == b"id: \ndata: x\n\n"
    assert encoder.last_event_id == ""


def test_type_and_retry_of_an_event_are_sent_on() -> None:
    event = Event(event="token", data="a\nb", retry=5)
    assert SSEEncoder().encode(event) == b"event: token\nretry: 5\ndata: a\ndata: b\n\n"


def test_an_event_with_a_carriage_return_in_its_data_is_split_there() -> None:
    assert SSEEncoder().encode(Event(data="a\rb")) == b"data: a\ndata: b\n\n"


def test_an_event_keeps_bytes_that_are_no_utf8() -> None:
    [event] = ndstream.SSEDecoder().feed(b"data: \xff\n\n")
    assert SSEEncoder().encode(event) == b"data: \xff\n\n"


@pytest.mark.parametrize("event", [Event(event="a\nb"), Event(id="a\rb"), Event(id="\0"), Event(retry=2**64)])
def test_an_event_made_by_hand_cannot_inject(event: Event) -> None:
    encoder = SSEEncoder(last_event_id="7")
    refusal(lambda: encoder.encode(event))
    assert encoder.last_event_id == "7"


def test_an_event_is_sent_byte_for_byte_where_asked() -> None:
    wire = b":c\r\nid:7\r\ndata:a\r\nunknown:x\r\n\r\ndata\rid\r\r"
    encoder = SSEEncoder(verbatim=True)
    events = list(ndstream.SSEDecoder(raw=True).feed(wire))
    assert [encoder.encode(event) for event in events] == [event.raw for event in events]
    assert b"unknown:x" in encoder.encode(events[0])
    assert encoder.encode(Event(data="x", id="8")) == b"id: 8\ndata: x\n\n"


def read_back(frames: list[bytes]) -> list[tuple[str, str]]:
    return [(event.data, event.id) for event in ndstream.SSEDecoder().feed(b"".join(frames))]


@pytest.mark.parametrize("with_id", [b"id: 7\n\ndata: a\n\n", b":c\nid: 7\n\ndata: a\rid: 8\0\r\r"])
def test_an_event_that_is_sent_byte_for_byte_keeps_the_id_of_a_block_without_data(with_id: bytes) -> None:
    encoder = SSEEncoder(verbatim=True)
    [event] = ndstream.SSEDecoder(raw=True).feed(with_id)
    frames = [encoder.encode(event), encoder.encode(event)]
    assert event.raw is not None
    assert frames == [b"id: 7\n" + event.raw, event.raw]
    assert read_back(frames) == [("a", "7"), ("a", "7")]
    assert encoder.last_event_id == "7"


def test_events_that_are_sent_byte_for_byte_keep_their_ids_whichever_are_left_out() -> None:
    wire = "id: 1\ndata: a\n\ndata: b\n\nid: é\ndata: c\n\ndata: d\n\nid\ndata: e\n\ndata: f\n\nidea: x\ndata: g\n\n"
    events = list(ndstream.SSEDecoder(raw=True).feed(wire.encode()))
    for chosen in range(1 << len(events)):
        kept = [event for index, event in enumerate(events) if chosen >> index & 1]
        encoder = SSEEncoder(verbatim=True)
        assert read_back([encoder.encode(event) for event in kept]) == [(event.data, event.id) for event in kept]


# Values that are not what they seem


class _Text(str):
    """A str that says something else when it is asked."""

    __slots__ = ()

    def __str__(self) -> str:
        return "x\n\nevent: forged"

    def encode(self, *args: Any, **options: Any) -> bytes:
        return b"x\n\nevent: forged"


class _Number(int):
    """An int that says something else when it is asked."""

    def __str__(self) -> str:
        return "1\n\nevent: forged"

    __repr__ = __str__


def test_subclasses_of_str_and_int_are_taken_at_their_value() -> None:
    assert encode_sse(_Text("a"), event=_Text("b"), id=_Text("c")) == b"event: b\nid: c\ndata: a\n\n"
    assert encode_sse("x", id=_Number(3), retry=_Number(4)) == b"id: 3\nretry: 4\ndata: x\n\n"
    assert encode_comment(_Text("a")) == b": a\n\n"


def test_a_lone_surrogate_is_found_in_a_text_of_another_type_and_in_a_name() -> None:
    error = refusal(lambda: encode_ndjson([{"a": _Text("bc\ud800")}]))
    assert (error.path, error.index) == ((0, "a"), 2)
    error = refusal(lambda: encode_ndjson([{"bc\ud800": 1}]))
    assert (error.path, error.index) == ((0,), 2)
    assert "has a key that holds the lone surrogate U+D800 at index 2" in str(error)


def test_a_retry_of_more_digits_than_python_writes_is_out_of_range() -> None:
    error = refusal(lambda: encode_sse("x", retry=10**5000))
    assert error.field == "retry"
    assert "a number of 16610 bits" in str(error)


def test_an_int_of_more_digits_than_python_writes_is_no_id() -> None:
    with pytest.raises(EncodeError, match="fewer digits") as caught:
        encode_sse("x", id=10**5000)
    assert caught.value.field == "id"


def test_a_view_whose_bytes_lie_apart_is_its_bytes() -> None:
    assert encode_sse(memoryview(b"a1b2c3")[::2]) == b"data: abc\n\n"
    assert encode_ndjson(memoryview(b"1x2x3x")[::2]) == b"123\n"


@pytest.mark.parametrize("encode", [encode_ndjson, encode_jsonseq])
def test_a_record_separator_or_a_line_end_cannot_enter_through_ready_bytes(encode: Any) -> None:
    forged = b'"\x1e"' if encode is encode_jsonseq else b'"\r"'
    with pytest.raises(EncodeError):
        encode(forged)
    with pytest.raises(EncodeError):
        encode([orjson.Fragment(forged)])
