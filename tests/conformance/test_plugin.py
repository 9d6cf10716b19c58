"""The corpus judges a decoder as a plugin of pytest: a right one passes, and a wrong one is told what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ndstream import ConcatenatedJSONDecoder, JSONSeqDecoder, NDJSONDecoder
from stream_framing_conformance import Case, Decode, cuts, deviation, first_deviation, standard_cases

ROOT = Path(__file__).parent

DECODE = """
from stream_framing_conformance import ReceivedEvent, first_deviation
from ndstream import SSEDecoder

def decode(chunks):
    decoder = SSEDecoder()
    for chunk in chunks:
        for event in decoder.feed(chunk):
            yield ReceivedEvent({event}, event.data, event.id)
    yield from ()

def test_conformance(sse_case):
    assert first_deviation(sse_case, decode) is None
"""


def run_plugin(tmp_path: Path, event: str) -> str:
    (tmp_path / "test_decoder.py").write_text(DECODE.replace("{event}", event))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "stream_framing_conformance.plugin",
        "--rootdir",
        str(tmp_path),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, env=environment)
    return done.stdout


def test_a_decoder_that_is_right_passes_every_case(tmp_path: Path) -> None:
    assert f"{len(standard_cases('sse'))} passed" in run_plugin(tmp_path, "event.event")


def test_a_decoder_that_loses_the_type_fails_the_cases_that_have_one(tmp_path: Path) -> None:
    output = run_plugin(tmp_path, "'message'")
    assert "has event 'message', not " in output
    assert "failed" in output
    assert " passed" in output


def one_by_one(make: Any) -> Decode:
    def decode(chunks: list[bytes]) -> Iterator[Any]:
        decoder = make()
        for chunk in chunks:
            yield from decoder.feed(chunk)
        yield from decoder.finish()

    return decode


@pytest.mark.parametrize(
    ("framing", "make"),
    [("ndjson", NDJSONDecoder), ("jsonseq", JSONSeqDecoder), ("concatenated", ConcatenatedJSONDecoder)],
)
def test_the_judge_finds_nothing_wrong_with_a_decoder_that_is_right(framing: str, make: Any) -> None:
    cases = standard_cases(framing)
    assert len(cases) > 50
    assert [(case.id, found) for case in cases if (found := first_deviation(case, one_by_one(make)))] == []


def case_of(values: int, *, error: bool) -> Case:
    """The first case of NDJSON with so many values, then an error or none."""
    for case in standard_cases("ndjson"):
        good = [one for one in case.expected if "value_json" in one]
        wrong = len(case.expected) - len(good)
        if len(good) == values and bool(wrong) == error and case.expected[:values] == good:
            return case
    raise LookupError(values)


def test_each_way_to_be_wrong_is_told() -> None:
    right = one_by_one(NDJSONDecoder)
    two, bad = case_of(2, error=False), case_of(1, error=True)

    def lost(chunks: list[bytes]) -> Iterator[Any]:
        yield next(iter(right(chunks)))

    def twice(chunks: list[bytes]) -> Iterator[Any]:
        for value in right(chunks):
            yield value
            yield value

    def silent(chunks: list[bytes]) -> Iterator[Any]:
        yield next(iter(right(chunks)))

    def raising(chunks: list[bytes]) -> Iterator[Any]:
        yield from right(chunks)
        raise ValueError("the end")

    assert deviation(two, lost, [two.data]) == "nothing came out in place of value 2"
    assert str(deviation(two, twice, [two.data])).startswith("value ")
    assert deviation(bad, silent, [bad.data]) == "the error was not told"
    assert deviation(two, raising, [two.data]) == "ValueError was raised: 'the end'"


def test_a_decoder_that_is_wrong_for_one_cut_alone_is_found() -> None:
    right = one_by_one(NDJSONDecoder)
    case = case_of(2, error=False)

    def wrong_byte_by_byte(chunks: list[bytes]) -> Iterator[Any]:
        yield from () if chunks[:1] == [case.data[:1]] else right(chunks)

    assert deviation(case, wrong_byte_by_byte, [case.data]) is None
    assert str(first_deviation(case, wrong_byte_by_byte)).startswith("byte by byte")
    assert any(cut.name == "byte by byte" for cut in cuts(case.data))
