"""Events: immutable, cheap, and of the same shape as those of other SSE libraries."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
from typing import Any

import pytest

import ndstream
from inputs.cuts import cuts
from ndstream import Event, SSEDecoder


def events(data: bytes, **options: Any) -> list[Event]:
    return list(ndstream.sse(data, **options))


def test_an_event_made_by_hand_has_the_standard_s_defaults() -> None:
    event = Event()
    assert (event.event, event.data, event.id, event.retry) == ("message", "", "", None)
    assert (event.payload, event.raw, event.offset, event.line) == (b"", None, 0, 0)


def test_an_event_cannot_be_changed() -> None:
    event = Event(data="a")
    for name in ("event", "data", "id", "retry", "payload", "raw", "offset"):
        with pytest.raises(AttributeError):
            setattr(event, name, "b")
    with pytest.raises(AttributeError):
        event.colour = "red"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        event.__init__(data="b")
    assert event.data == "a"


def test_equality_and_hash_follow_what_the_event_says_not_where_it_stood() -> None:
    first, second, other = events(b"data: a\n\ndata:a\n\ndata: b\n\n")
    assert first == second == Event(data="a")
    assert hash(first) == hash(second)
    assert first != other
    assert first != "a"
    assert len({first, second, other}) == 2


def test_an_event_survives_pickle_and_copy() -> None:
    [event] = events(b"event: x\nid: 1\nretry: 5\ndata: \xff\n\n", raw=True)
    for twin in (pickle.loads(pickle.dumps(event)), copy.copy(event), copy.deepcopy(event)):
        assert twin == event
        assert (twin.payload, twin.raw, twin.offset) == (b"\xff", event.raw, 0)


def test_its_representation_shows_what_is_set() -> None:
    assert repr(Event(data="a")) == "Event(event='message', data='a')"
    assert repr(Event("x", "a", "7", 10)) == "Event(event='x', data='a', id='7', retry=10)"


def test_data_is_decoded_with_replacement_while_the_payload_stays_as_it_came() -> None:
    [event] = events(b"data: a\xff\xc3(\n\n")
    assert event.payload == b"a\xff\xc3("
    assert event.data == "a�\ufffd("
    assert event.data is event.data


@pytest.mark.parametrize("size", [1, 31, 32, 100, 5000])
def test_data_of_ascii_is_what_cpython_itself_makes_of_it(size: int) -> None:
    [event] = events(b"data: " + b"x" * size + b"\n\n")
    assert event.data == "x" * size
    assert event.data.isascii()
    assert sys.getsizeof(event.data) == sys.getsizeof("x" * size)


def test_a_cut_line_is_read_to_its_end_and_no_further() -> None:
    for name in (b"data", b"event", b"id"):
        decoder = SSEDecoder(on_truncated="emit")
        # What is buffered next is likely to get the memory that these spaces were in.
        for chunk in (b":" + b" " * 200, b"\n", b"data: 1\n" + name + b":"):
            decoder.feed(chunk)
            assert list(decoder) == []
        [event] = decoder.finish()
        assert (event.data, event.event, event.id) == ("1\n" if name == b"data" else "1", "message", "")


def test_a_retry_is_that_of_the_event_that_brings_it() -> None:
    assert [event.retry for event in events(b"retry: 1\ndata: a\n\ndata: b\n\n")] == [1, None]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_text_that_is_no_field_is_kept_from_its_first_byte(end: bytes) -> None:
    for cut in cuts(b"plain: words" + end):
        decoder = SSEDecoder(on_truncated="emit")
        for chunk in cut.chunks:
            assert list(decoder.feed(chunk)) == []
        assert list(decoder.finish()) == []
        assert decoder.stray == b"plain: words" + end, cut.name


def test_json_goes_from_the_bytes_through_the_decoder_s_loads() -> None:
    seen: list[bytes] = []

    def loads(payload: bytes) -> str:
        seen.append(payload)
        return "value"

    [event] = events(b'data: {"a":\ndata: 1}\n\n', loads=loads)
    assert event.json() == "value"
    assert seen == [b'{"a":\n1}']


def test_invalid_utf8_is_an_error_in_json_and_replaced_in_data() -> None:
    [event] = events(b'data: "\xff"\n\n')
    with pytest.raises(ndstream.DecodeError) as caught:
        event.json()
    assert (caught.value.reason, caught.value.position) == ("invalid_utf8", 1)
    assert event.data == '"�"'


def test_raw_is_the_exact_block_and_absent_unless_asked_for() -> None:
    data = b"event:x\r\ndata: a\r\n: note\r\n\r\nid\ndata:b\n\n"
    assert [event.raw for event in events(data, raw=True)] == [
        b"event:x\r\ndata: a\r\n: note\r\n\r",
        b"id\ndata:b\n\n",
    ]
    assert [event.raw for event in events(data)] == [None, None]


@pytest.mark.parametrize("retry", [-1, True, 1.5, "1"])
def test_a_retry_that_is_no_delay_is_refused(retry: Any) -> None:
    with pytest.raises(ValueError, match="retry"):
        Event(retry=retry)


@pytest.mark.parametrize("options", [{"data": b"a"}, {"event": None}, {"id": 7}])
def test_fields_that_are_not_text_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Event(**options)


def test_an_event_can_be_matched_by_the_attributes_other_libraries_give_it() -> None:
    [event] = events(b'event: token\nid: 3\nretry: 1500\ndata: {"text":"a"}\n\n')
    assert (event.event, event.id, event.retry, event.json()) == ("token", "3", 1500, {"text": "a"})


def test_a_cycle_through_loads_is_collected() -> None:
    class Loads:
        def __call__(self, payload: bytes) -> bytes:
            return payload

    loads = Loads()
    loads.events = events(b"data: a\n\n", loads=loads)  # type: ignore[attr-defined]
    del loads
    gc.collect()
    assert not any(type(left) is Loads for left in gc.get_objects())


def test_raw_begins_with_the_comments_since_the_last_blank_line_for_every_cut() -> None:
    data = b": a\n\n:b\r\n: c\ndata: 1\n: d\n\ndata: 2\n\n"
    for name, chunks in cuts(data):
        decoder = SSEDecoder(raw=True)
        events = [(event.raw, event.data) for chunk in chunks for event in decoder.feed(chunk)]
        assert events == [(b":b\r\n: c\ndata: 1\n: d\n\n", "1"), (b"data: 2\n\n", "2")], name


def test_comments_before_a_block_are_kept_up_to_a_bound() -> None:
    decoder = SSEDecoder(raw=True)
    for _ in range(100):
        assert list(decoder.feed(b":" + b"x" * 10_000 + b"\n")) == []
    assert decoder.pending == 0
    [event] = decoder.feed(b"data: 1\n\n")
    assert event.raw is not None
    assert event.raw.endswith(b"data: 1\n\n")
    assert len(event.raw) < 80 * 1024


@pytest.mark.parametrize("options", [{}, {"raw": True}, {"values": True}])
def test_the_text_of_each_comment_is_handed_out_for_every_cut(options: dict[str, Any]) -> None:
    data = b": keep-alive 1\n\n:\n:  two\ndata: 1\n:three \xff\r\n\r\n: four"
    for name, chunks in cuts(data):
        comments: list[str] = []
        decoder = SSEDecoder(on_comment=comments.append, on_truncated="emit", **options)
        for chunk in chunks:
            list(decoder.feed(chunk))
        list(decoder.finish())
        assert comments == ["keep-alive 1", "", " two", "three \ufffd", "four"], name
        assert decoder.comments == 5


@pytest.mark.parametrize("raw", [False, True])
def test_a_block_that_says_something_without_data_is_an_event_if_asked_for_at_every_cut(raw: bool) -> None:
    data = b"id: 1\n\nevent: e\r\n\r\nretry: 5\n\n:\n\n\nx: y\n\nevent\n\n: c\nid\n\ndata: x\n\ndata\n\n"
    expected: list[tuple[Any, ...]] = [
        ("message", "", "1", None, 0, 1, b"id: 1\n\n"),
        ("e", "", "1", None, 7, 3, b"event: e\r\n\r"),
        ("message", "", "1", 5, 19, 5, b"retry: 5\n\n"),
        ("message", "", "", None, 46, 14, b": c\nid\n\n"),
        ("message", "x", "", None, 54, 17, b"data: x\n\n"),
        ("message", "", "", None, 63, 19, b"data\n\n"),
    ]
    if not raw:
        # The place of an event is then that of its first line that is no comment.
        expected = [(*each[:6], None) for each in expected]
        expected[3] = ("message", "", "", None, 50, 15, None)
    for name, chunks in cuts(data):
        decoder = SSEDecoder(empty_events=True, raw=raw)
        events = [
            (event.event, event.data, event.id, event.retry, event.offset, event.line, event.raw)
            for chunk in chunks
            for event in decoder.feed(chunk)
        ]
        assert events == expected, name
        assert decoder.frames == 6
        assert decoder.offset == len(data)
    assert [event.data for event in SSEDecoder().feed(data)] == ["x", ""]


def test_what_on_comment_raises_reaches_the_user_and_the_stream_goes_on() -> None:
    def refuse(comment: str) -> None:
        raise LookupError(comment)

    decoder = SSEDecoder(on_comment=refuse).feed(b": a\ndata: 1\n\n")
    with pytest.raises(LookupError, match="a"):
        list(decoder)
    assert [event.data for event in decoder] == ["1"]
    with pytest.raises(TypeError, match="on_comment must be a callable"):
        SSEDecoder(on_comment="print")  # type: ignore[call-overload]
