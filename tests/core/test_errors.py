"""What errors carry and say: the data to act on, and the words that tell what to do next."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import orjson
import pytest

import ndstream
from inputs.strategies import FRAMINGS, Framing
from ndstream import DecodeError, Event, FrameTooLargeError, StreamError, TruncatedError


def error_of(data: bytes, decoder: ndstream.Decoder[Any] | None = None) -> StreamError:
    decoder = decoder or ndstream.NDJSONDecoder()
    with pytest.raises(StreamError) as caught:
        list(decoder.feed(data))
        list(decoder.finish())
    return caught.value


def test_the_tree_divides_bad_bytes_from_misuse() -> None:
    assert issubclass(DecodeError, ValueError)
    for kind in (DecodeError, FrameTooLargeError, TruncatedError):
        assert issubclass(kind, StreamError)
        assert not issubclass(kind, (TypeError, RuntimeError))


@pytest.mark.parametrize(
    "error",
    [
        DecodeError("bad", frame=b"x", offset=3, line=2, position=0, reason="invalid_json"),
        FrameTooLargeError("long", frame=b"x", offset=3, line=2, limit=5),
        TruncatedError("cut", frame=b"x", offset=3, reason="unfinished"),
    ],
)
def test_errors_survive_pickle_and_copy_with_all_they_carry(error: StreamError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_an_error_names_offset_line_and_byte() -> None:
    error = error_of(b'{"a":1}\n\n{"a":1x}\n')
    assert isinstance(error, DecodeError)
    assert (error.offset, error.line, error.position, error.frame) == (9, 3, 6, b'{"a":1x}')
    assert "byte 9" in str(error)
    assert "line 3" in str(error)
    assert "byte 6 of it" in str(error)
    assert isinstance(error.__cause__, ValueError)


def test_a_position_counts_bytes_where_the_decoder_counted_characters() -> None:
    error = error_of('{"é€😀": x}\n'.encode())
    assert error.position == len('{"é€😀": '.encode())


@pytest.mark.parametrize("good", [b"", b"abc", "é€😀".encode()])
@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"])
def test_invalid_utf8_is_located_to_the_byte(good: bytes, bad: bytes) -> None:
    error = error_of(b'"' + good + bad + b'"\n')
    assert error.reason == "invalid_utf8"
    assert error.position == 1 + len(good)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b'data: {"a":1}\n\n', "server-sent events: use sse()"),
        (b"event: ping\n", "server-sent events"),
        (b"<!DOCTYPE html><p>502</p>\n", "HTML"),
        (b'\xff\xfe{\x00"\x00a\x00"\x00\n', "UTF-16"),
        (b'\x00{\x00"\x00a\n', "UTF-16"),
        (b'[{"a":1},\n', "concatenated()"),
        (b'{"a":\n', "concatenated()"),
        (b"{\n", "concatenated()"),
        (b"\x1e{}\n", "jsonseq()"),
        (b"\x1f\x8b\x08\x00\n", "compressed"),
    ],
)
def test_the_message_says_what_the_bytes_look_like(data: bytes, hint: str) -> None:
    assert hint in str(error_of(data))


@pytest.mark.parametrize(
    "data",
    [b'{"a":1}}\n', b'{"a":', b'1\n{"a":[', b'{"a":1}\n{"a":\n', b"[" * 5000 + b"\n"],
    ids=["whole", "cut", "cut later", "torn between others", "deep"],
)
def test_a_plain_mistake_gets_no_hint(data: bytes) -> None:
    assert "looks like" not in str(error_of(data))


def test_the_bad_data_of_an_event_is_not_taken_for_a_body_without_events() -> None:
    assert "looks like" not in str(error_of(b'data: {"a":}\n\n', ndstream.SSEDecoder(values=True)))


def test_an_sse_stream_that_is_bare_json_says_so() -> None:
    error = error_of(b'{"error":{"message":"overloaded"}}', ndstream.SSEDecoder())
    assert isinstance(error, TruncatedError)
    assert "bare JSON" in str(error)
    assert error.frame == b'{"error":{"message":"overloaded"}}'


def test_json_sequences_without_separators_point_to_ndjson() -> None:
    assert "ndjson()" in str(error_of(b'{"a":1}\n', ndstream.JSONSeqDecoder()))


def test_an_over_long_frame_names_the_option_to_change() -> None:
    error = error_of(b"[1,2,3]\n", ndstream.NDJSONDecoder(max_frame_size=3))
    assert isinstance(error, FrameTooLargeError)
    assert (error.limit, error.option) == (3, "max_frame_size")
    assert "max_frame_size=3" in str(error)


def test_a_cut_stream_tells_its_good_end() -> None:
    error = error_of(b'{"a":1}\n{"a":2')
    assert isinstance(error, TruncatedError)
    assert error.good_end == error.offset == 8


def test_a_cut_event_names_the_option_that_takes_it() -> None:
    assert 'on_truncated="emit"' in str(error_of(b"data: a\n", ndstream.SSEDecoder()))


def test_a_missing_sentinel_is_told_from_a_cut_frame() -> None:
    decoder = ndstream.SSEDecoder(done="[DONE]", require_done=True)
    error = error_of(b"data: a\n\n", decoder)
    assert (type(error), error.reason, error.offset) == (TruncatedError, "no_sentinel", 9)
    assert "[DONE]" in str(error)


def test_a_long_frame_is_shown_around_its_fault_alone() -> None:
    error = error_of(b'{"a":"' + b"x" * 5000 + b'"!}\n')
    assert len(str(error)) < 400
    assert "!" in str(error)


def test_values_that_loads_refuses_are_told_from_bad_json() -> None:
    def loads(payload: bytes) -> int:
        raise LookupError("no such thing")

    error = error_of(b"[1]\n", ndstream.NDJSONDecoder(loads=loads))
    assert (type(error), error.reason) == (DecodeError, "rejected")
    assert "no such thing" in str(error)
    assert error_of(b"[1\n", ndstream.NDJSONDecoder(loads=loads)).reason == "invalid_json"


def test_a_rejected_last_line_is_not_taken_for_a_cut() -> None:
    def loads(payload: bytes) -> int:
        raise ValueError("no")

    assert error_of(b"[1]", ndstream.NDJSONDecoder(loads=loads)).reason == "rejected"
    assert error_of(b"[1", ndstream.NDJSONDecoder(loads=loads)).reason == "unfinished"


def test_an_event_with_bad_json_says_where_in_the_stream_it_stands() -> None:
    _, event = ndstream.sse(b"data: 1\n\ndata: [1,\n\n")
    with pytest.raises(DecodeError) as caught:
        event.json()
    assert (caught.value.offset, caught.value.line, caught.value.frame) == (9, 3, b"[1,")


def test_an_event_made_by_hand_has_no_line() -> None:
    with pytest.raises(DecodeError) as caught:
        Event(data="x").json()
    assert caught.value.line is None


@pytest.mark.parametrize(
    ("chunk", "advice"),
    [("text", "iter_bytes()"), (None, "NoneType"), (7, "int"), ({"a": 1}, "dict")],
)
def test_a_chunk_that_is_not_bytes_is_told_what_to_pass(chunk: Any, advice: str) -> None:
    decoder: ndstream.Decoder[Any]
    for decoder in (ndstream.NDJSONDecoder(), ndstream.SSEDecoder(), ndstream.JSONSeqDecoder()):
        with pytest.raises(TypeError, match="chunk must be bytes") as caught:
            decoder.feed(chunk)
        assert advice in str(caught.value)
        assert list(decoder.feed(b"")) == []


@pytest.mark.parametrize("text", [b"-", b"1.", b"1.5", b"1e", b"1e+", b"0", b" 12", b"t", b"false"])
def test_an_element_that_a_number_or_a_name_may_go_on_with_is_cut(text: bytes) -> None:
    assert error_of(b"\x1e" + text + b"\x1e", ndstream.JSONSeqDecoder()).reason == "scalar"


@pytest.mark.parametrize("text", [b"-x", b"1.x", b"1.5x", b"1ex", b"01", b"+1", b"tx", b"falsehood"])
def test_an_element_that_begins_no_number_and_no_name_is_wrong(text: bytes) -> None:
    assert error_of(b"\x1e" + text + b"\x1e", ndstream.JSONSeqDecoder()).reason == "invalid_json"


@pytest.mark.parametrize(("data", "advised"), [(b"data: 1", True), (b"<!doctype html><p>502", False), (b"{}", False)])
def test_a_cut_event_advises_an_option_only_where_it_could_be_one(data: bytes, advised: bool) -> None:
    message = str(error_of(data, ndstream.SSEDecoder()))
    assert ("on_truncated" in message) is advised
    assert ("looks like" in message) is not advised


@pytest.mark.parametrize(
    ("decoder", "data", "position", "character"),
    [
        (ndstream.NDJSONDecoder(), b'{"a":1,}\n', 6, 6),
        (ndstream.NDJSONDecoder(), '{"é":x}\n'.encode(), 6, 5),
        (ndstream.SSEDecoder(values=True), b"data: [1,\ndata: x]\n\n", 4, 4),
        (ndstream.JSONSeqDecoder(), b"\x1e[1,\nx]\n", 4, 4),
        (ndstream.ConcatenatedJSONDecoder(), b"{]", 1, 1),
        (ndstream.ConcatenatedJSONDecoder(), b"x\n", 0, 0),
    ],
)
def test_what_is_no_json_is_caught_as_json_and_orjson_raise_it(
    decoder: ndstream.Decoder[Any], data: bytes, position: int, character: int
) -> None:
    with pytest.raises(json.JSONDecodeError) as caught:
        list(decoder.feed(data))
    error = caught.value
    assert isinstance(error, ndstream.InvalidJSONError)
    assert isinstance(error, orjson.JSONDecodeError)
    assert (error.reason, error.position, error.pos) == ("invalid_json", position, character)
    assert error.doc == error.frame.decode()
    before = error.doc[: error.pos]
    assert (error.lineno, error.colno) == (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    assert error.msg
    assert error.msg not in ("", str(error))
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), str(twin), twin.msg, twin.pos, twin.doc) == (
        type(error), str(error), error.msg, error.pos, error.doc,
    )  # fmt: skip
    assert (twin.offset, twin.frame, twin.reason) == (error.offset, error.frame, error.reason)


def test_an_event_s_json_is_caught_as_the_standard_library_raises_it() -> None:
    [event] = ndstream.SSEDecoder(loads=json.loads).feed(b"data: {\n\n")
    with pytest.raises(json.JSONDecodeError):
        event.json()


@pytest.mark.parametrize("line", [b"1" + b"\0" * 9, b'"x"' + b"\0" * 30])
def test_an_append_that_was_interrupted_does_not_look_like_utf_16(line: bytes) -> None:
    for data in (line, line + b"\n"):
        error = error_of(data)
        assert error.reason in ("nul_tail", "nul_run")
        assert "UTF-16" not in str(error)


@pytest.mark.parametrize("data", [b"\xff\n", b"1\n\xef\xbb\xbf2\n", b"\x00\x00\n"])
def test_other_bad_frames_are_no_json_decode_errors(data: bytes) -> None:
    error = error_of(data)
    assert isinstance(error, DecodeError)
    assert not isinstance(error, json.JSONDecodeError)


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_after_the_error_of_a_failed_source_a_missing_sentinel_is_no_second_one(framing: Framing) -> None:
    decoder = framing.values(done=b"END", require_done=True)
    assert list(decoder.feed(framing.wrap(b"1"))) == [1]
    error = decoder._fail(OSError("reset"))
    assert (type(error), error.reason) == (TruncatedError, "source_failed")
    assert list(decoder.finish()) == []
    decoder.reset()
    assert list(decoder.feed(framing.wrap(b"1"))) == [1]
    with pytest.raises(TruncatedError) as caught:
        list(decoder.finish())
    assert caught.value.reason == "no_sentinel"


def test_memory_that_fails_while_a_frame_is_looked_at_is_no_error_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(payload: bytes) -> Any:
        raise ValueError("no")

    def starved(payload: bytes) -> Any:
        # As orjson says it.
        raise orjson.JSONDecodeError("Not enough memory to allocate buffer for parsing", "", 0)

    monkeypatch.setattr(orjson, "loads", starved)
    with pytest.raises(MemoryError, match="Not enough memory"):
        list(ndstream.NDJSONDecoder(loads=refuse).feed(b"[1]\n"))
