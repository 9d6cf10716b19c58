"""Streams recorded from real servers. They are not part of the project; without them this is skipped."""

from __future__ import annotations

import pathlib
from typing import Any

import orjson
import pytest

import ndstream
from inputs.cuts import cuts, run
from inputs.recordings import FILES, payloads_by_hand

pytestmark = pytest.mark.skipif(not FILES, reason="no recordings beside the project")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_recording_gives_the_values_a_reader_finds(file: pathlib.Path) -> None:
    data = file.read_bytes()
    wanted = payloads_by_hand(data, file.suffix[1:])
    assert wanted
    assert list(ndstream.stream(file)) == wanted
    assert list(ndstream.stream(file, format="sse" if file.suffix == ".sse" else "ndjson")) == wanted


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_recording_is_the_same_for_every_cut(file: pathlib.Path) -> None:
    data = file.read_bytes()[:8192]

    def make() -> Any:
        return ndstream.SSEDecoder(raw=True) if file.suffix == ".sse" else ndstream.NDJSONDecoder()

    whole = run(make(), [data])
    for name, chunks in cuts(data):
        cut = run(make(), chunks)
        assert (cut.outcomes, cut.state) == (whole.outcomes, whole.state), name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_events_keep_the_exact_bytes_of_a_recording(file: pathlib.Path) -> None:
    if file.suffix != ".sse":
        pytest.skip("NDJSON has no events")
    data = file.read_bytes()
    for event in ndstream.sse(data, raw=True):
        assert event.raw is not None
        assert data[event.offset : event.offset + len(event.raw)] == event.raw
        assert event.payload in event.raw
        if event.payload != b"[DONE]":
            assert event.json() == orjson.loads(event.data)
