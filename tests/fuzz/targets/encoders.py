"""What an encoder writes, decoder and oracle read; what would be another field or event is refused."""

from __future__ import annotations

from typing import Any

import orjson

import ndstream
import oracles
from fuzz.inputs import split
from fuzz.oracle_runs import note_oracle_run


def encoders(data: bytes) -> None:
    head, rest = split(data)
    [_events, _comments, _lines, _elements, _encoder][head[0] % 5](head, rest)


def _text(data: bytes) -> str:
    # Lone surrogates as well, which no encoder writes.
    return data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")


def _events(head: bytes, rest: bytes) -> None:
    parts = [part.decode("utf-8", "replace") for part in rest.split(b"\0", 2)]
    event, id, text = parts + [""] * (3 - len(parts))
    retry = head[1] if head[2] & 1 else None
    payload: Any = text.encode() if head[2] & 2 else text
    try:
        frame = ndstream.encode_sse(payload, event=event or None, id=id or None, retry=retry)
    except ndstream.EncodeError:
        assert any(mark in event + id for mark in "\r\n"), (event, id)
        return
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    [received] = ndstream.SSEDecoder().feed(frame)
    assert (received.event, received.id, received.data) == (event or "message", id, normal)
    assert received.retry == retry
    if head[2] & 4:
        note_oracle_run()
        [outcome] = oracles.sse(frame).outcomes
        assert outcome.value[:4] == (event or "message", normal, id, retry), outcome
        assert outcome.progress.offset == len(frame)


def _comments(head: bytes, rest: bytes) -> None:
    text = rest.decode("utf-8", "replace")
    frame = ndstream.encode_comment(text)
    heard: list[str] = []
    decoder = ndstream.SSEDecoder(on_comment=heard.append)
    assert list(decoder.feed(frame).finish()) == []
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    assert "\n".join(heard) == normal, (heard, normal)
    assert (decoder.offset, decoder.pending) == (len(frame), 0)


def _value(head: bytes, rest: bytes) -> tuple[Any, bool]:
    """A value to encode, and whether it is ready JSON."""
    if head[1] & 1:
        return rest, True
    try:
        return orjson.loads(rest), False
    except orjson.JSONDecodeError:
        return rest.decode("utf-8", "replace"), False


def _lines(head: bytes, rest: bytes) -> None:
    value, ready = _value(head, rest)
    escape = bool(head[2] & 1)
    try:
        frame = ndstream.encode_ndjson(value, escape_unicode_newlines=escape)
    except ndstream.EncodeError:
        assert ready, value
        return
    _check_one(ndstream.NDJSONDecoder, frame, value, ready, escape)


def _elements(head: bytes, rest: bytes) -> None:
    value, ready = _value(head, rest)
    escape = bool(head[2] & 1)
    try:
        frame = ndstream.encode_jsonseq(value, escape_unicode_newlines=escape)
    except ndstream.EncodeError:
        assert ready, value
        return
    assert frame.startswith(b"\x1e")
    assert frame.count(b"\x1e") == 1
    _check_one(ndstream.JSONSeqDecoder, frame, value, ready, escape)


def _check_one(make: Any, frame: bytes, value: Any, ready: bool, escape: bool) -> None:
    """One frame and nothing else comes out, whatever the bytes are."""
    if not ready:
        [got] = make().feed(frame)
        assert got == value, (got, value)
    elif make is ndstream.NDJSONDecoder:
        [payload] = make(loads=bytes).feed(frame).finish()
        if not escape:
            assert payload == value, (payload, value)
    if escape:
        text = frame.decode()
        assert not any(mark in text for mark in "\x85\u2028\u2029"), text


def _encoder(head: bytes, rest: bytes) -> None:
    """Events that came from one server reach the client of another with the ids that they had."""
    verbatim = bool(head[1] & 1)
    encoder = ndstream.SSEEncoder(verbatim=verbatim)
    first, second = ndstream.SSEDecoder(raw=verbatim), ndstream.SSEDecoder()
    for event in first.feed(rest):
        frame = encoder.encode(event)
        got = list(second.feed(frame))
        assert len(got) == 1, (event, frame, got)
        [received] = got
        if not verbatim:
            assert (received.event, received.data, received.id) == (event.event, event.data, event.id), (event, frame)
            assert received.retry == event.retry
    assert encoder.last_event_id == second.last_event_id or verbatim
