"""What all decoders share: the base class and its verbs."""

from __future__ import annotations

from typing import Any

import pytest

import ndstream
from inputs.strategies import CONCATENATED, FRAMINGS, Framing
from ndstream import ConcatenatedJSONDecoder, JSONSeqDecoder, SSEDecoder, TruncatedError


def test_the_base_class_is_no_decoder_and_names_those_that_are() -> None:
    with pytest.raises(TypeError, match="use NDJSONDecoder, SSEDecoder, JSONSeqDecoder or ConcatenatedJSONDecoder"):
        ndstream.Decoder()


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_the_verbs_of_the_base_class_work_on_each_decoder(framing: Framing) -> None:
    decoder = framing.values()
    assert ndstream.Decoder.feed(decoder, framing.wrap(b"1")) is decoder
    assert list(decoder) == [1]
    assert ndstream.Decoder.finish(decoder) is decoder
    assert list(decoder) == []


@pytest.mark.parametrize("done", [b"[DONE]", b" [", "[1]"])
def test_elements_of_an_array_have_no_sentinel_that_begins_one(done: bytes | str) -> None:
    with pytest.raises(ValueError, match="done"):
        ConcatenatedJSONDecoder(items=True, done=done)
    assert ConcatenatedJSONDecoder(done=done).done is False


@pytest.mark.parametrize("text", [b"1e+5", b"1e+", b"1E-", b"-1.5e-7", b"0", b"tru", b"null"])
def test_a_scalar_at_the_end_of_a_json_sequence_may_have_been_longer(text: bytes) -> None:
    decoder = JSONSeqDecoder()
    with pytest.raises(TruncatedError) as caught:
        list(decoder.feed(b"\x1e" + text).finish())
    assert (caught.value.reason, caught.value.frame) == ("scalar", text)


@pytest.mark.parametrize("raw", [False, True])
def test_an_event_with_empty_data_is_no_value(raw: bool) -> None:
    decoder: SSEDecoder[object] = SSEDecoder(values=True, raw=raw)
    assert list(decoder.feed(b"data:\n\ndata: 1\n\ndata\n\nid: 3\ndata: \n\n")) == [1]
    assert decoder.last_event_id == "3"


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("space", [b" ", b"\t", b" \t "], ids=repr)
def test_white_space_around_a_sentinel_of_events_is_none_of_it(space: bytes, values: bool) -> None:
    make: Any = SSEDecoder
    decoder = make(done="[DONE]", values=values)
    assert list(decoder.feed(b"data: %b[DONE]%b\n\ndata: 2\n\n" % (space, space))) == []
    assert decoder.done


@pytest.mark.parametrize("tail", [b"", b" ", b"\n", b" \r"], ids=repr)
def test_a_last_element_without_content_is_read_to_its_end(tail: bytes) -> None:
    # One of white space is an error.
    decoder: Any = JSONSeqDecoder(on_error="skip").feed(b"\x1e1\n\x1e" + tail).finish()
    assert list(decoder) == [1]
    assert decoder.errors == bool(tail)
    assert (decoder.offset, decoder.pending) == (4 + len(tail), 0)


@pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
def test_a_chunk_may_be_fed_as_soon_as_the_last_value_of_the_one_before_is_taken(framing: Framing) -> None:
    decoder: Any = framing.values()
    frame = b"[1]" if framing is CONCATENATED else framing.wrap(b"[1]")
    for count in (1, 2, 3):
        assert next(decoder.feed(frame)) == [1]
        assert decoder.offset == count * len(frame)
