"""The shapes that tests and benchmarks share are what they say: always these bytes, values and sizes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

import ndstream
from benchmarks.harness import shapes
from benchmarks.harness.shapes import SHAPES, Shape

ROOT = Path(__file__).parents[2]

# A change of a shape changes what figures mean that were measured with it.
DIGESTS = {
    "token_lines": "3b71d402c72845ee",
    "access_logs": "df2b7e9f6d887db0",
    "one_frame": "4e2a7b2f0937f567",
    "openai_events": "a1ca05138323cc44",
    "anthropic_events": "8808ba31f49991ca",
    "multi_line_data": "decabefb120ccffb",
    "heartbeats": "6008ce2c2d349602",
    "cr_floods": "e4222d6a02940540",
    "tiny_fields": "ce5e660801fea94a",
}

each_shape = pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)


def decoded(shape: Shape, chunks: Iterable[bytes]) -> list[Any]:
    return list(ndstream.stream(chunks, format=shape.format))


@each_shape
def test_a_shape_is_always_the_same_bytes(make: Callable[[], Shape]) -> None:
    shape = make()
    assert shape.name == make.__name__
    assert sha256(shape.data).hexdigest()[:16] == DIGESTS[shape.name]


@each_shape
def test_a_shape_decodes_to_its_values_for_every_cut_that_is_timed(make: Callable[[], Shape]) -> None:
    shape = make()
    assert len(shape.values) == len(shape.payloads)
    for chunks in (
        [shape.data],
        list(shape.pieces),
        shapes.cut(shape.data, 64 * shapes.KIB),
        shapes.cut(shape.data, 1460),
    ):
        assert b"".join(chunks) == shape.data
        assert decoded(shape, chunks) == shape.values


@each_shape
def test_a_shape_decodes_to_its_values_a_byte_at_a_time(make: Callable[..., Shape]) -> None:
    # The size of a single frame is in bytes.
    shape = make(100_000) if make is shapes.one_frame else make()
    assert b"".join(shapes.drip(shape.data)) == shape.data
    assert decoded(shape, shapes.drip(shape.data)) == shape.values


@each_shape
def test_a_shape_is_as_long_as_asked_for(make: Callable[..., Shape]) -> None:
    for size in (100, 1001):
        (payload, *others) = make(size).payloads
        if make is shapes.one_frame:
            assert len(payload) == size
        elif make is shapes.tiny_fields:
            assert payload.count(b"\n") == size - 1
        else:
            assert len(others) == size - 1


@each_shape
def test_frames_have_the_size_that_the_description_states(make: Callable[..., Shape]) -> None:
    stated = re.search(r"of (\d+) bytes", make.__doc__ or "")
    if stated is None:
        assert make in (shapes.one_frame, shapes.heartbeats, shapes.cr_floods, shapes.tiny_fields)
        return
    shape = make(2000)
    assert len(shape.data) / len(shape.payloads) == pytest.approx(int(stated[1]), rel=0.03)


@pytest.mark.parametrize("make", [make for make in SHAPES if make is not shapes.tiny_fields])
def test_another_seed_gives_other_bytes(make: Callable[..., Shape]) -> None:
    assert make(500).data != make(500, seed=99).data


def test_one_log_line_in_a_hundred_is_an_error() -> None:
    shape = shapes.access_logs(1000)
    levels = [value["level"] for value in shape.values]
    assert [levels[hundred : hundred + 100].count("error") for hundred in range(0, 1000, 100)] == [1] * 10
    assert sum(b'"level":"error"' in payload for payload in shape.payloads) == 10


def test_a_reply_ends_as_its_server_ends_it() -> None:
    assert shapes.token_lines(50).values[-1]["done"] is True
    assert shapes.openai_events(50).pieces[-1] == b"data: [DONE]\n\n"
    assert shapes.anthropic_events(50).values[-1] == {"type": "message_stop"}


def test_a_single_frame_is_nearly_all_one_string() -> None:
    (payload,) = shapes.one_frame(shapes.MIB).payloads
    assert len(payload) == shapes.MIB
    assert len(orjson.loads(payload)["data"]) > 0.999 * shapes.MIB


def test_cr_floods_hold_no_lf() -> None:
    assert b"\n" not in shapes.cr_floods().data


def test_the_comparison_runs_and_its_contenders_agree() -> None:
    command = [sys.executable, "-m", "benchmarks.compare", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "All contenders get the same values." in done.stdout
