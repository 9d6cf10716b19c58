"""Every decoder gives what the conformance corpus says, however the stream is cut.

The corpus and its format are described in tests/conformance/README.md.
"""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

from inputs.cuts import Outcome, Run, cuts, exact, outcomes, run, state_of, wrong
from ndstream import (
    ConcatenatedJSONDecoder,
    FrameTooLargeError,
    JSONSeqDecoder,
    NDJSONDecoder,
    SSEDecoder,
    StreamError,
    TruncatedError,
)
from stream_framing_conformance import Case, bytes_of, cases, text_of

DECODERS: dict[str, Any] = {
    "sse": SSEDecoder,
    "ndjson": NDJSONDecoder,
    "jsonseq": JSONSeqDecoder,
    "concatenated": ConcatenatedJSONDecoder,
}

# The two-way cuts of long streams are tried once; these suffice for the ways to treat an error.
FEW = 256


CASES = cases()


def decoder_for(case: Case, **more: Any) -> Any:
    return DECODERS[case.framing](**case.options, **more)


def run_case(case: Case, chunks: Iterable[Any], **more: Any) -> Run:
    return run(decoder_for(case, **more), chunks, finish=case.finish)


def each(chosen: Iterable[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in chosen])


def is_error(expected: dict[str, Any]) -> bool:
    return "error" in expected


def nesting_of(value: Any) -> int:
    """How many containers are nested, each the only member of the one around it."""
    depth = 0
    while isinstance(value, (list, dict)):
        depth += 1
        members = list(value.values()) if isinstance(value, dict) else value
        assert len(members) <= 1
        value = members[0] if members else None
    return depth


def check_outcome(got: Outcome, expected: dict[str, Any]) -> None:
    """What the corpus says of an outcome holds; what it leaves out may be anything."""
    if is_error(expected):
        assert got.error is not None, f"a value instead of {expected}"
        seen = {**got.error._asdict(), "error": got.error.type, "offset_after": got.progress.offset}
        wanted = dict(expected)
        if "frame" in wanted:
            wanted["frame"] = bytes_of(wanted["frame"])
        assert {name: seen[name] for name in wanted} == wanted
        return
    assert got.error is None, f"an error instead of {expected}"
    assert got.progress.offset == expected["offset_after"]
    if "line" in expected:
        assert got.line == expected["line"]
    if "value_json" in expected:
        assert got.value == exact(json.loads(text_of(expected["value_json"])))
    elif "nesting" not in expected:
        event, data, id, retry, payload, raw, offset = got.value
        assert (event, data) == (expected["event"], text_of(expected["data"]))
        assert (id, retry, offset) == (expected["id"], expected["retry"], expected["offset"])
        assert payload.decode("utf-8", "replace") == data
        assert raw == (bytes_of(expected["raw"]) if "raw" in expected else None)


def check_end(state: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {name: state[name] for name in expected} == expected


# --- what comes out


@each(CASES)
def test_a_whole_stream_gives_what_the_corpus_says(case: Case) -> None:
    got = run_case(case, [case.data])
    assert len(got.outcomes) == len(case.expected), got.outcomes
    for outcome, expected in zip(got.outcomes, case.expected, strict=True):
        check_outcome(outcome, expected)
    check_end(got.state, case.end)


@each(CASES)
def test_every_cut_gives_the_same_as_the_whole_stream(case: Case) -> None:
    whole = run_case(case, [case.data])
    for cut in cuts(case.data):
        got = run_case(case, cut.chunks)
        assert got.outcomes == whole.outcomes, cut.name
        assert got.state == whole.state, cut.name


@each(case for case in CASES if any("nesting" in one for one in case.expected))
def test_deeply_nested_values_are_as_deep_as_they_were_sent(case: Case) -> None:
    decoder = decoder_for(case)
    values = list(decoder.feed(case.data))
    assert [nesting_of(value) for value in values] == [one["nesting"] for one in case.expected]


@each(case for case in CASES if case.feeds is not None)
def test_each_feed_delivers_what_it_completes(case: Case) -> None:
    assert case.feeds is not None
    got = run_case(case, case.feeds).by_feed
    assert [len(outcomes) for outcomes in got] == [len(outcomes) for outcomes in case.by_feed]
    for seen, expected in zip(got, case.by_feed, strict=True):
        for outcome, one in zip(seen, expected, strict=True):
            check_outcome(outcome, one)


@each(CASES)
def test_chunks_of_any_kind_give_the_same_and_may_change_after_they_were_fed(case: Case) -> None:
    whole = outcomes(partial(decoder_for, case), [case.data], finish=case.finish)
    for cut in cuts(case.data, two_way_most=FEW):
        if not cut.name.startswith(("whole", "at random")):
            continue
        decoder = decoder_for(case)
        got: list[Outcome] = []
        for chunk in cut.chunks:
            owner = bytearray(chunk)
            decoder.feed(memoryview(owner) if len(chunk) % 2 else owner)
            owner[:] = b"!" * len(owner)
            got += run(decoder, [b""], finish=False).outcomes
        got += run(decoder, [], finish=case.finish).outcomes
        assert got == whole, cut.name


# --- what becomes of the errors


FAULTY = [case for case in CASES if any(map(is_error, case.expected))]


@each(FAULTY)
def test_skipped_errors_are_counted_and_leave_the_values_as_they_are(case: Case) -> None:
    whole = run_case(case, [case.data])
    values = [one for one in whole.outcomes if one.error is None]
    for cut in cuts(case.data, two_way_most=FEW):
        got = run_case(case, cut.chunks, on_error="skip")
        assert got.outcomes == values, cut.name
        assert got.state == whole.state, cut.name


@each(FAULTY)
def test_a_handler_gets_every_error_in_its_place(case: Case) -> None:
    whole = run_case(case, [case.data])
    for cut in cuts(case.data, two_way_most=FEW):
        got: list[object] = []
        decoder = decoder_for(case, on_error=lambda error, got=got: got.append(wrong(error)))
        for chunk in cut.chunks:
            got.extend(exact(value) for value in decoder.feed(chunk))
        if case.finish:
            got.extend(exact(value) for value in decoder.finish())
        assert got == [one.error or one.value for one in whole.outcomes], cut.name
        assert state_of(decoder) == whole.state, cut.name


@each(FAULTY)
def test_errors_hold_the_bytes_of_the_stream_and_survive_a_pickle(case: Case) -> None:
    errors: list[StreamError] = []
    decoder = decoder_for(case, on_error=errors.append)
    list(decoder.feed(case.data))
    if case.finish:
        list(decoder.finish())
    assert len(errors) == len([one for one in case.expected if is_error(one)])
    for error in errors:
        assert str(error)
        assert wrong(pickle.loads(pickle.dumps(error))) == wrong(error)
        if error.position is not None:
            assert 0 <= error.position <= len(error.frame)
        if isinstance(error, FrameTooLargeError):
            assert (error.limit, error.option) == (case.options["max_frame_size"], "max_frame_size")
            assert 0 < len(error.frame) <= 256
        if isinstance(error, TruncatedError):
            assert error.good_end == error.offset
        if not case.options.get("values"):
            # The frame of a JSON sequence element is the text after the RS at its offset.
            start = error.offset
            if case.framing == "jsonseq" and case.data[start : start + 1] == b"\x1e":
                start += 1
            assert case.data[start : start + len(error.frame)] == error.frame


# --- the corpus itself


def test_every_case_has_an_id_of_its_own() -> None:
    assert [id for id, count in Counter(case.id for case in CASES).items() if count > 1] == []
    assert [case.id for case in CASES if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.id)] == []


def test_every_title_is_a_sentence_and_every_case_names_its_rule() -> None:
    assert [case.id for case in CASES if not re.fullmatch(r"[A-Z0-9-].* .*\.", case.title)] == []
    assert [case.id for case in CASES if not case.rule] == []


def test_no_two_cases_say_the_same() -> None:
    seen: dict[Any, str] = {}
    for case in CASES:
        if case.feeds is None:
            key = (case.framing, case.data, repr(sorted(case.options.items())), case.finish)
            assert seen.setdefault(key, case.id) == case.id


def test_every_rule_of_event_streams_has_cases() -> None:
    named = {rule for case in CASES for rule in re.findall(r"\bR\d+\b", case.rule)}
    assert named == {f"R{number}" for number in range(1, 16)}


def test_every_section_of_the_other_standards_has_cases() -> None:
    rules = " ".join(case.rule for case in CASES)
    for section in ("ndjson-spec 3.1", "ndjson-spec 3.2", "RFC 7464 2.1", "RFC 7464 2.3", "RFC 7464 2.4"):
        assert section in rules


def test_every_rule_of_concatenated_json_has_cases() -> None:
    rules = {"brackets", "scalars", "stray text", "the end", "items", "offsets", "as soon as possible"}
    named = {case.rule for case in CASES if case.framing == "concatenated"}
    assert named == rules | {"max_frame_size", "done", "require_done", "contains"}


def test_every_option_has_cases() -> None:
    used = {(case.framing, name) for case in CASES for name in case.options}
    common = {"max_frame_size", "done", "require_done"}
    assert used == {
        *(("sse", name) for name in common | {"on_truncated", "values", "raw", "last_event_id"}),
        *(("ndjson", name) for name in common | {"contains", "blank_lines"}),
        *(("jsonseq", name) for name in common),
        *(("concatenated", name) for name in common | {"contains", "items"}),
    }


WPT = (
    "bom", "bom-2", "comments", "data-before-final-empty-line", "field-data", "field-event",
    "field-event-empty", "field-id", "field-id-2", "field-id-3", "field-id-null", "field-parsing",
    "field-retry", "field-retry-bogus", "field-retry-empty", "field-unknown", "leading-space", "newlines",
    "null-character", "utf-8",
)  # fmt: skip


def test_every_source_has_a_case() -> None:
    assert {case.source for case in CASES if case.source} == {
        *(f"sse-b-{number}" for number in range(1, 71)),
        *(f"sse-c-{number}" for number in range(1, 21)),
        *(f"wpt-format-{name}" for name in WPT),
        "wpt-event-data",
        *(f"ndjson-b-{number}" for number in range(1, 56) if number != 54),
        *(f"jsonseq-J{number}" for number in range(1, 15)),
    }


def test_sources_with_several_inputs_have_a_case_for_each() -> None:
    count = Counter(case.source for case in CASES)
    several = {
        "sse-b-20": 3, "sse-b-43": 7, "sse-b-63": 7, "sse-b-69": 2, "wpt-format-field-id-null": 5,
        "ndjson-b-19": 3, "ndjson-b-25": 4, "ndjson-b-27": 4, "ndjson-b-28": 4, "ndjson-b-29": 4,
        "ndjson-b-30": 8, "ndjson-b-31": 3, "ndjson-b-33": 4, "ndjson-b-38": 7, "ndjson-b-39": 3,
        "ndjson-b-44": 4, "ndjson-b-46": 12, "ndjson-b-49": 5, "ndjson-b-50": 6, "ndjson-b-51": 3,
    }  # fmt: skip
    assert {source: count[source] for source in several} == several


@pytest.mark.parametrize("data", [b"", b"a", b"a\r\n", bytes(5000), bytes(70_000)], ids=len)
def test_every_cut_holds_the_whole_stream(data: bytes) -> None:
    names = []
    for cut in cuts(data):
        assert b"".join(cut.chunks) == data, cut.name
        names.append(cut.name)
    assert len(set(names)) == len(names)
    again = partial(cuts, data)
    assert list(again()) == list(again())
