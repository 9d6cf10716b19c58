"""What is encoded decodes to the same: by the decoders however it is cut, and by the oracle, which shares no code."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ndstream
import oracles
from inputs.cuts import cuts, exact, outcomes
from ndstream import Event, JSONSeqDecoder, NDJSONDecoder, SSEDecoder, SSEEncoder

# Texts where line ends, field names and what splitters take for line ends are common.
PIECES = ["\n", "\r", "\r\n", ":", " ", "data: ", "id: 7", "event", "\x85", "\u2028", "\u2029", "\0", "\ufeff", "\x1e"]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=8).map("".join)
one_line = texts.map(lambda text: re.sub("[\r\n]", "", text))
ids = one_line.map(lambda text: text.replace("\0", ""))
retries = st.none() | st.integers(0, 2**31 - 1)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


def lines_joined(text: str) -> str:
    """The one loss: each kind of line end becomes LF."""
    return re.sub("\r\n|\r", "\n", text)


def assert_all_read(data: bytes, decoder: Any, answer: oracles.Answer, wanted: list[object]) -> None:
    """That both readers get what is wanted, the decoder for each cut."""
    assert [outcome.value for outcome in answer.outcomes] == wanted
    for name, chunks in cuts(data, two_way_most=512):
        assert [outcome.value for outcome in outcomes(decoder, chunks)] == wanted, name


def parts(event: str, data: str, id: str, retry: int | None) -> tuple[object, ...]:
    return event or "message", lines_joined(data), id, retry


def seen(outcome: Any) -> Any:
    return outcome[:4]


@given(st.lists(st.tuples(one_line, texts, ids, retries), min_size=1, max_size=4))
@example([("", "", "", None)])
@example([("message", "\n", "a", 0), (" x", "\r\n\r", "", 2**31 - 1)])
def test_events_decode_to_what_they_were_given(given_events: list[tuple[str, str, str, int | None]]) -> None:
    data = b"".join(
        ndstream.encode_sse(text, event=event, id=id, retry=retry) for event, text, id, retry in given_events
    )
    wanted = [parts(event, text, id, retry) for event, text, id, retry in given_events]
    assert [outcome.value[:4] for outcome in oracles.sse(data).outcomes] == wanted
    for name, chunks in cuts(data, two_way_most=512):
        assert [outcome.value[:4] for outcome in outcomes(SSEDecoder, chunks)] == wanted, name


@given(st.lists(st.tuples(one_line, texts, ids, retries), min_size=1, max_size=5), texts)
def test_events_that_are_sent_on_arrive_with_their_ids(
    given_events: list[tuple[str, str, str, int | None]], comment: str
) -> None:
    encoder = SSEEncoder()
    events = [Event(event or "message", text, id, retry) for event, text, id, retry in given_events]
    data = b"".join(encoder.encode(event) + ndstream.encode_comment(comment) for event in events)
    wanted = [parts(*given_event) for given_event in given_events]
    assert [outcome.value[:4] for outcome in oracles.sse(data).outcomes] == wanted
    decoder = SSEDecoder()
    assert [(event.event, event.data, event.id, event.retry) for event in decoder.feed(data)] == wanted
    assert decoder.last_event_id == encoder.last_event_id


@given(st.lists(values, min_size=1, max_size=4), st.booleans())
def test_values_decode_to_what_they_were(wanted: list[Any], escape: bool) -> None:
    # Encoded and decoded once by orjson alone, since floats may be written in another form.
    forms = [exact(orjson.loads(orjson.dumps(value))) for value in wanted]
    lines = b"".join(ndstream.encode_ndjson(value, escape_unicode_newlines=escape) for value in wanted)
    assert_all_read(lines, NDJSONDecoder, oracles.ndjson(lines), forms)
    elements = b"".join(ndstream.encode_jsonseq(value, escape_unicode_newlines=escape) for value in wanted)
    assert_all_read(elements, JSONSeqDecoder, oracles.jsonseq(elements), forms)
    json = [value for value in wanted if value is not None and not isinstance(value, str)]
    events = b"".join(ndstream.encode_sse(value, escape_unicode_newlines=escape) for value in json)
    values_wanted = [exact(orjson.loads(orjson.dumps(value))) for value in json]
    if json:
        assert_all_read(events, lambda: SSEDecoder(values=True), oracles.sse(events, values=True), values_wanted)
    if escape:
        assert all(len(line.splitlines()) == 1 for line in lines.decode().split("\n")[:-1] if not _splits(line))


def _splits(line: str) -> bool:
    """Whether it holds a separator that JSON escapes anyway or that the option is not about."""
    return bool(re.search("[\v\f\x1c-\x1e]", line))


@pytest.mark.parametrize("size", [1, 2, 3, 4095, 4096, 65537])
def test_data_of_many_lines_comes_back(size: int) -> None:
    for text in ("\n" * size, "\r\n" * size, "ab\r" * size, "x" * size):
        [event] = SSEDecoder().feed(ndstream.encode_sse(text))
        assert event.data == lines_joined(text)
