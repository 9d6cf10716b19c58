"""What must hold for every stream and every way to cut it, tried on streams that look for trouble."""

from __future__ import annotations

import pickle
import re
from typing import Any

import orjson
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import ndstream
import oracles
from inputs.cuts import Outcome, Run, exact, kind_of, run
from inputs.strategies import (
    BAD_JSON,
    BOM,
    CLOSED_BAD_JSON,
    CONCATENATED,
    FRAMINGS,
    GOOD_JSON,
    JSONSEQ,
    NDJSON,
    SSE,
    Framing,
    cut_streams,
    cuts,
    ndjson_options,
    ndjson_streams,
    sse_streams,
)
from oracles.sse import SSE_SLACK

every_framing = pytest.mark.parametrize("framing", FRAMINGS, ids=repr)
some_data = st.data()


def single(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


def dropped(outcomes: list[Outcome]) -> bool:
    """Whether bytes were let go before their frame came to its end."""
    return any(outcome.error and outcome.error.reason in ("too_large", "outside_element") for outcome in outcomes)


# Against the oracle


@every_framing
@given(some_data)
def test_any_cut_of_any_stream_says_what_the_oracle_says(framing: Framing, data: st.DataObject) -> None:
    stream = data.draw(framing.streams, "stream")
    options = data.draw(framing.options, "options")
    chunks = data.draw(cuts(stream), "chunks")
    found = run(framing.decoder(**options), chunks)
    answer = framing.oracle(stream, **options)
    assert oracles.comparable(found.outcomes) == answer.outcomes
    expected: dict[str, Any] = {
        "frames": answer.frames,
        "errors": answer.errors,
        "done": answer.done,
        "line": answer.line,
        "unterminated": answer.unterminated,
        "array_closed": answer.array_closed,
        "last_event_id": answer.last_event_id,
        "retry": answer.retry,
    }
    if not answer.done and not dropped(answer.outcomes):
        expected |= {
            "offset": answer.offset,
            "pending": len(stream) - answer.offset,
            "comments": answer.comments,
        }
    assert found.state == {name: expected.get(name, found.state[name]) for name in found.state}


@every_framing
@given(some_data)
def test_limits_trip_at_the_same_frame_for_every_cut(framing: Framing, data: st.DataObject) -> None:
    limit = data.draw(st.integers(2, 300), "limit")
    sizes = st.lists(st.integers(-2, 2), min_size=1, max_size=5)
    ends = st.sampled_from([b"\n", b"\r\n", b"\r\r\n", b"\n\n", b"\r\n\r\n", b"\r\r", b"\r", b" \r\n", b"\x1e", b""])
    prefix = {NDJSON: b"", SSE: b"data: ", JSONSEQ: b"\x1e", CONCATENATED: b""}[framing]
    stream = b"".join(prefix + b"1" * (limit + size) + data.draw(ends) for size in data.draw(sizes, "sizes"))
    chunks = data.draw(cuts(stream), "chunks")
    found = run(framing.decoder(max_frame_size=limit), chunks)
    assert found.outcomes == framing.oracle(stream, max_frame_size=limit).outcomes


@given(
    st.integers(1, 40),
    st.integers(-3, 3),
    st.sampled_from([b": ", b"id: ", b"data: 1\n:", b"data: 1\r\nx: ", b"event: e\r", b"a\n" * 999, b"retry: 1\n"]),
    st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r", b"\n", b"\r\n", b"\r", b""]),
    some_data,
)
def test_the_slack_of_a_block_ends_at_the_same_byte_for_every_cut(
    limit: int, size: int, begin: bytes, end: bytes, data: st.DataObject
) -> None:
    length = limit + SSE_SLACK + size
    stream = begin + b"x" * (length - len(begin)) + end
    points = sorted(data.draw(st.lists(st.integers(length - 9, len(stream)), max_size=9)))
    edges = [0, *points, len(stream)]
    stream += b"data: 2\n\n"
    chunks = [stream[a:b] for a, b in zip(edges, [*edges[1:], len(stream)], strict=True)]
    found = run(ndstream.SSEDecoder(max_frame_size=limit), chunks)
    assert found.outcomes == oracles.sse(stream, max_frame_size=limit).outcomes


# P0: chunking never matters


@every_framing
@given(some_data)
def test_any_cut_equals_the_whole(framing: Framing, data: st.DataObject) -> None:
    stream = data.draw(framing.streams, "stream")
    options = data.draw(framing.options, "options")
    chunks = data.draw(cuts(stream), "chunks")
    whole = run(framing.decoder(**options), [stream])
    cut = run(framing.decoder(**options), chunks)
    assert cut.outcomes == whole.outcomes
    assert cut.state == whole.state


@every_framing
@given(some_data)
def test_chunks_that_wait_are_as_good_as_chunks_taken_at_once(framing: Framing, data: st.DataObject) -> None:
    chunks = data.draw(cut_streams(framing.streams), "chunks")
    options = data.draw(framing.options, "options")
    at_once = run(framing.decoder(**options), chunks)
    decoder = framing.decoder(**options)
    for chunk in chunks:
        decoder.feed(chunk)
    later = run(decoder, [])
    assert (later.outcomes, later.state) == (at_once.outcomes, at_once.state)


@every_framing
@given(some_data)
def test_a_reset_decoder_is_as_good_as_a_new_one(framing: Framing, data: st.DataObject) -> None:
    options = data.draw(framing.options, "options")
    decoder = framing.decoder(**options)
    run(decoder, data.draw(cut_streams(framing.streams), "first stream"), finish=data.draw(st.booleans()))
    decoder.reset()
    chunks = data.draw(cut_streams(framing.streams), "second stream")
    assert run(decoder, chunks) == run(framing.decoder(**options), chunks)


# P1: offsets tile the stream


@every_framing
@given(some_data)
def test_offset_and_pending_account_for_every_byte_fed(framing: Framing, data: st.DataObject) -> None:
    chunks = data.draw(cut_streams(framing.streams), "chunks")
    outside = False

    def collect(error: ndstream.StreamError) -> None:
        nonlocal outside
        outside = outside or error.reason == "outside_element"

    decoder = framing.decoder(max_frame_size=None, on_error=collect)
    fed, before = 0, 0
    for chunk in chunks:
        fed += len(chunk)
        decoder.feed(chunk)
        while True:
            # What follows stray bytes is let go, up to the next RS, and is not pending.
            assert outside or decoder.offset + decoder.pending == fed
            assert before <= decoder.offset <= fed
            before = decoder.offset
            if next(decoder, None) is None:
                break


@every_framing
@given(some_data)
def test_frames_follow_each_other_and_never_overlap(framing: Framing, data: st.DataObject) -> None:
    stream = data.draw(framing.streams, "stream")
    options = data.draw(framing.options, "options")
    end = 0
    for outcome in run(framing.decoder(**options), data.draw(cuts(stream))).outcomes:
        if outcome.error is not None:
            begin = outcome.error.offset
            frame_begin = begin + stream[begin : begin + 1].count(b"\x1e") * (framing is JSONSEQ)
            if not options.get("values") or outcome.error.reason == "too_large":
                # The frame in the error is what the stream holds there; a payload is not always.
                assert stream[frame_begin:].startswith(outcome.error.frame)
            assert begin >= end
        elif isinstance(outcome.value, tuple):
            assert end <= outcome.value[-1] <= outcome.progress.offset
        assert end <= outcome.progress.offset <= len(stream)
        end = outcome.progress.offset


@every_framing
@given(some_data)
def test_offset_is_a_safe_point_to_resume_from(framing: Framing, data: st.DataObject) -> None:
    stream = data.draw(framing.streams, "stream")
    options = data.draw(framing.options, "options")
    decoder = framing.decoder(**options)
    whole = run(decoder, [stream])
    places = [
        number
        for number, outcome in enumerate(whole.outcomes)
        # Over-long frames and stray bytes end only later, and a stream is truncated at its end.
        if outcome.error is None or outcome.error.reason in ("invalid_json", "invalid_utf8", "rejected")
    ]
    if not places:
        return
    number = data.draw(st.sampled_from(places), "resumed after")
    offset, frames, errors = whole.outcomes[number].progress
    # Nothing after it says that it is inside an array.
    assume(not options.get("items"))
    # A BOM that is wrong there would be at the start of a stream now.
    assume(not stream[offset:].startswith(BOM))
    if framing is SSE:
        first = framing.decoder(**options)
        run(first, single(stream[:offset]), finish=False)
        options = options | {"last_event_id": first.last_event_id}
    rest = run(framing.decoder(**options), [stream[offset:]]).outcomes

    def moved(outcome: Outcome) -> object:
        value, error, progress, _ = outcome
        if isinstance(value, tuple):
            value = (*value[:-1], value[-1] + offset)
        if error is not None:
            error = error._replace(offset=error.offset + offset, line=None)
        return value, error, (progress.offset + offset, progress.frames + frames, progress.errors + errors)

    def as_it_was(outcome: Outcome) -> object:
        error = outcome.error and outcome.error._replace(line=None)
        return outcome.value, error, tuple(outcome.progress)

    assert list(map(moved, rest)) == list(map(as_it_was, whole.outcomes[number + 1 :]))


# P2: a bad frame never touches its neighbours


@every_framing
@given(some_data)
def test_a_bad_frame_leaves_its_neighbours_alone(framing: Framing, data: st.DataObject) -> None:
    # Nothing but brackets and quotes ends a concatenated value, so only what closes has neighbours.
    bad_json = CLOSED_BAD_JSON if framing is CONCATENATED else BAD_JSON
    texts = data.draw(
        st.lists(st.tuples(st.booleans(), st.sampled_from(GOOD_JSON), st.sampled_from(bad_json)), max_size=8)
    )
    stream = b"".join(framing.wrap(good if is_good else bad) for is_good, good, bad in texts)
    found = run(framing.values(), data.draw(cuts(stream), "chunks")).outcomes
    assert [outcome.value for outcome in found if outcome.error is None] == [
        exact(orjson.loads(good)) for is_good, good, _ in texts if is_good
    ]
    assert [outcome.error is None for outcome in found] == [is_good for is_good, _, _ in texts]
    if framing is not JSONSEQ:
        frames = [outcome.error.frame for outcome in found if outcome.error]
        assert frames == [bad for is_good, _, bad in texts if not is_good]


# P5: as soon as possible


@every_framing
@given(some_data)
def test_every_frame_comes_with_the_byte_that_completes_it(framing: Framing, data: st.DataObject) -> None:
    stream = data.draw(framing.streams, "stream")
    by_feed = run(framing.decoder(), single(stream)).by_feed
    for fed, outcomes in enumerate(by_feed[:-1], 1):
        for outcome in outcomes:
            # A JSON sequence's RS ends an element and begins the next: it is not passed over yet.
            by_separator = framing is JSONSEQ and stream[fed - 1 : fed] == b"\x1e"
            stray = outcome.error is not None and outcome.error.reason == "outside_element"
            by_line_end = stray and stream[fed - 1 : fed] == b"\n"
            # What ends a number or stray text among concatenated values is no part of it.
            by_next = framing is CONCATENATED and outcome.progress.offset == fed - 1
            assert outcome.progress.offset == fed - (1 if by_separator or by_line_end or by_next else 0)


# P6: nothing is silent


@every_framing
@given(some_data)
def test_raise_skip_and_a_callable_see_the_same_stream(framing: Framing, data: st.DataObject) -> None:
    chunks = data.draw(cut_streams(framing.streams), "chunks")
    options = data.draw(framing.options, "options")
    raised = run(framing.decoder(**options), chunks)
    values = [outcome.value for outcome in raised.outcomes if outcome.error is None]

    skipped = run(framing.decoder(**options, on_error="skip"), chunks)
    assert [outcome.value for outcome in skipped.outcomes] == values
    assert skipped.state == raised.state

    errors: list[ndstream.StreamError] = []
    called = run(framing.decoder(**options, on_error=errors.append), chunks)
    assert (called.outcomes, called.state) == (skipped.outcomes, raised.state)
    facts = [(kind_of(e), e.reason, e.frame, e.offset, e.line, e.position) for e in errors]
    assert facts == [outcome.error for outcome in raised.outcomes if outcome.error is not None]
    assert skipped.state["errors"] == len(errors)


@every_framing
@given(some_data)
def test_every_error_can_be_pickled_and_says_where_it_is(framing: Framing, data: st.DataObject) -> None:
    errors: list[ndstream.StreamError] = []
    options = data.draw(framing.options, "options")
    run(framing.decoder(**options, on_error=errors.append), [data.draw(framing.streams, "stream")])
    for error in errors:
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
        assert re.search(rf"byte {error.offset}\b", str(error))
        assert error.position is None or 0 <= error.position <= len(error.frame)


# NDJSON


@given(
    cut_streams(ndjson_streams),
    st.sampled_from([b"a", b'"', b"1", b" ", b"\r", b'"a":1', b"\xe2\x82\xac", b"\x00"]),
)
@example([b'{"a":1}\r', b"\n"], b"\r")
@example([b'x\n"a', b'":1\n'], b'"a":1')
@example([b'"a"\n:1\n'], b'"a":1')
def test_contains_is_a_filter_of_all_lines(chunks: list[bytes], needle: bytes) -> None:
    def found(**options: Any) -> list[tuple[bytes, int, int]]:
        decoder = ndstream.NDJSONDecoder(loads=bytes, on_error="skip", **options)
        taken = [(line, decoder.offset, decoder.line) for chunk in chunks for line in decoder.feed(chunk)]
        return taken + [(line, decoder.offset, decoder.line) for line in decoder.finish()]

    assert found(contains=needle) == [one for one in found() if needle in one[0]]


@given(ndjson_streams, ndjson_options)
def test_lines_are_counted_as_a_file_counts_them(stream: bytes, options: dict[str, Any]) -> None:
    found = run(ndstream.NDJSONDecoder(**options, on_error="skip"), [stream])
    if not found.state["done"]:
        assert found.state["line"] <= stream.count(b"\n") + 1
        assert found.state["line"] >= stream.count(b"\n")


# SSE


@given(cut_streams(sse_streams))
def test_values_are_the_json_of_the_events(chunks: list[bytes]) -> None:
    values = run(ndstream.SSEDecoder(values=True), chunks).outcomes
    decoder = ndstream.SSEDecoder()
    expected: list[object] = []
    for chunk in [*chunks, None]:
        source = decoder.finish() if chunk is None else decoder.feed(chunk)
        while True:
            try:
                event = next(source)
                if event.payload:
                    expected.append(exact(event.json()))
            except StopIteration:
                break
            except ndstream.StreamError as error:
                expected.append((kind_of(error), error.reason, error.frame, error.offset, error.position))
    assert expected == [
        (one.error.type, one.error.reason, one.error.frame, one.error.offset, one.error.position)
        if one.error
        else one.value
        for one in values
    ]


@given(cut_streams(sse_streams), st.sampled_from(["raise", "discard", "emit"]))
def test_raw_events_are_slices_of_the_wire(chunks: list[bytes], on_truncated: str) -> None:
    stream = b"".join(chunks)
    decoder = ndstream.SSEDecoder(raw=True, on_error="skip", on_truncated=on_truncated)
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    events += decoder.finish()
    end, rebuilt = 0, b""
    for event in events:
        between = stream[end : event.offset]
        # Nothing that makes an event is left between the events.
        assert list(ndstream.SSEDecoder().feed(b"\n" + between + b"\n\n")) == []
        rebuilt += between + event.raw
        end = event.offset + len(event.raw)
    assert stream == rebuilt + stream[end:]
    for event in events:
        # Alone, the bytes of an event make that event; the id may be of an event before.
        alone = ndstream.SSEDecoder(last_event_id=event.id, on_truncated=on_truncated)
        assert list(alone.feed(b"\n" + event.raw).finish()) == [event]


@given(cut_streams(sse_streams))
def test_the_same_events_come_with_and_without_raw(chunks: list[bytes]) -> None:
    def without_raw(found: Run) -> list[Outcome]:
        return [
            # Nor the offset: raw bytes begin with the comment lines before the event.
            one._replace(value=one.value[:5]) if isinstance(one.value, tuple) else one
            for one in found.outcomes
        ]

    assert without_raw(run(ndstream.SSEDecoder(raw=True), chunks)) == without_raw(run(ndstream.SSEDecoder(), chunks))


@given(cut_streams(sse_streams), st.booleans())
def test_events_survive_pickling(chunks: list[bytes], raw: bool) -> None:
    decoder = ndstream.SSEDecoder(raw=raw, on_error="skip")
    for event in [event for chunk in chunks for event in decoder.feed(chunk)]:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            copy = pickle.loads(pickle.dumps(event, protocol))
            assert exact(copy) == exact(event)
            assert copy == event
            assert hash(copy) == hash(event)


@given(st.text(), st.text(), st.text(), st.none() | st.integers(0, 2**31 - 1))
def test_events_made_by_hand_equal_what_they_say(event: str, data: str, id: str, retry: int | None) -> None:
    made = ndstream.Event(event=event, data=data, id=id, retry=retry)
    assert (made.event, made.data, made.id, made.retry) == (event, data, id, retry)
    assert (made.payload, made.raw) == (data.encode(), None)
    assert made == ndstream.Event(event, data, id, retry)
    assert hash(made) == hash(ndstream.Event(event, data, id, retry))
    for other in (
        (event + "x", data, id, retry),
        (event, data + "x", id, retry),
        (event, data, id + "x", retry),
    ):
        assert made != ndstream.Event(*other)
    assert made != ndstream.Event(event, data, id, 7 if retry is None else None)
    assert made != (event, data, id, retry)
