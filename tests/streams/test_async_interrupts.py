"""SIGINT while a task awaits the next value, by real signals to a process of its own under asyncio and trio."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import real_parts

PROGRAM = Path(__file__).with_name("interrupted_reader.py")
VALUES = list(range(400))
ROUNDS = 25

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals that can be blocked")

both_libraries = pytest.mark.parametrize(
    "library",
    [
        pytest.param(
            "asyncio",
            marks=pytest.mark.skipif(
                sys.version_info < (3, 11), reason="up to 3.10 the interrupt is raised in the event loop, which ends"
            ),
        ),
        "trio",
    ],
)
every_layer = pytest.mark.parametrize("layer", ["lines", "generator", "detected", "json", "prefetch", "idle_timeout"])


def interrupted(library: str, layer: str, way: str) -> list[dict[str, Any]]:
    """What the program saw in each round, interrupted once at a moment that nobody chose."""
    real_parts.library("httpx")
    real_parts.library("trio")
    command = [sys.executable, str(PROGRAM), library, layer, way, str(ROUNDS)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    seen: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(seen) == ROUNDS
    return seen


def check_values(layer: str, seen: dict[str, Any]) -> None:
    """What came out is what the source gave, up to the last whole line; the source was released once."""
    if layer == "json":
        assert seen["values"] in ([], [{"values": VALUES}])
    else:
        assert seen["values"] == VALUES[: len(seen["values"])]
    # A task that reads ahead has given the stream less than it took from the source.
    if layer not in ("json", "prefetch"):
        whole, _, _ = seen["given"].rpartition("\n")
        assert len(seen["values"]) == len(whole.splitlines())
    assert seen["more"] == []
    assert seen["closed"] == 1
    assert seen["stream_closed"]


@both_libraries
@every_layer
def test_what_arrived_before_an_interrupt_comes_out_and_then_an_error_or_the_end(library: str, layer: str) -> None:
    rounds = interrupted(library, layer, "going_on")
    for seen in rounds:
        check_values(layer, seen)
        if seen["error"] is None:
            assert seen["values"] in (VALUES, [{"values": VALUES}])
        else:
            assert seen["interrupts"] == 1
            assert seen["error"] == "TruncatedError"
            assert seen["cause"] in ("KeyboardInterrupt", "CancelledError", "Cancelled", "GeneratorExit")
    assert any(seen["error"] for seen in rounds)


@both_libraries
@every_layer
def test_an_interrupt_that_leaves_the_loop_releases_the_source_once(library: str, layer: str) -> None:
    rounds = interrupted(library, layer, "leaving")
    for seen in rounds:
        assert seen["values"] in (VALUES[: len(seen["values"])], [{"values": VALUES}])
        assert seen["values"] in (VALUES, [{"values": VALUES}]) or seen["interrupts"] == 1
        assert (seen["more"], seen["closed"], seen["stream_closed"]) == ([], 1, True)
    assert any(seen["interrupts"] for seen in rounds)
