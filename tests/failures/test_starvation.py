"""Each allocation fails in turn, in every way to read a stream: nothing crashes, leaks, is called bad or goes missing.

`core/test_memory.py` does the same to the single calls of a decoder. The suite tries some of the allocations here, and
``make starve`` all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import real_parts
from failures.uses import USES, WITHOUT_NDSTREAM, Use

TESTS = Path(__file__).parents[1]
STEP = 1 if os.environ.get("NDSTREAM_STARVE") else 11
MOST_CRASHES = 60


class Sweep(NamedTuple):
    """What became of the allocations of a phase.

    Attributes:
        failures: How many of them made themselves known.
        wrong: What was wrong, by the number of the allocation.
        crashes: The numbers of those that ended the interpreter.
        orjson_crashes: How many of those crashes were orjson's own.
        over: Whether the end of the allocations was reached.
    """

    failures: int
    wrong: dict[int, Any]
    crashes: list[int]
    orjson_crashes: int
    over: bool


def sweep(use: Use, phase: str, note: Path, parser: str = "standard", step: int = STEP) -> Sweep:
    """Run a use once for each allocation, in interpreters of their own: another one goes on after a crash."""
    real_parts.library("_testcapi", get="a CPython with its own test modules")
    found = Sweep(0, {}, [], 0, False)
    # Not always the same ones, where only some are tried.
    begin = len(use.name) % step
    while True:
        command = [sys.executable, "-m", "failures.starved", parser, str(note), use.name, phase]
        done = subprocess.run(
            [*command, str(begin), "100000", str(step)],
            cwd=TESTS,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS / "conformance", *sys.path[1:])))},
            capture_output=True,
            check=False,
            timeout=300,
        )
        reports = [json.loads(line) for line in done.stdout.splitlines()]
        whole = [report for report in reports if "failed" in report]
        found = found._replace(
            failures=found.failures + sum(report["failed"] for report in whole),
            wrong={**found.wrong, **{report["number"]: report["wrong"] for report in whole if report["wrong"]}},
            over=bool(reports) and "over" in reports[-1],
        )
        if done.returncode == 0 or not reports or len(found.crashes) == MOST_CRASHES:
            assert reports, done.stderr[-3000:].decode(errors="replace")
            return found
        crashed = reports[-1]["number"]
        found.crashes.append(crashed)
        found = found._replace(orjson_crashes=found.orjson_crashes + (note.exists() and note.read_bytes() == b"\1"))
        begin = crashed + step


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip what CPython itself does not survive: the same kinds of statements without ndstream are run first."""
    note = tmp_path_factory.mktemp("starvation") / "note"
    for use in WITHOUT_NDSTREAM:
        for phase in ("opening", "reading"):
            alone = sweep(use, phase, note, step=1)
            if alone.crashes:
                pytest.skip(f"CPython {sys.version.split()[0]} itself crashes where memory fails")
            assert alone.over
            assert alone.failures


@pytest.mark.usefixtures("survivor")
@pytest.mark.parametrize("phase", ["opening", "reading"])
@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_no_failed_allocation_of_a_stream_does_harm(use: Use, phase: str, tmp_path: Path) -> None:
    found = sweep(use, phase, tmp_path / "note")
    assert found.crashes == []
    assert found.wrong == {}
    assert found.over
    # The sweep has met allocations, or it would prove nothing.
    assert found.failures > (0 if STEP > 1 else 5)


@pytest.mark.usefixtures("survivor")
@pytest.mark.parametrize("name", ["ndjson skip sync", "stream of events sync", "reply sync"])
def test_what_orjson_has_no_memory_for_is_never_called_bad(name: str, tmp_path: Path) -> None:
    # orjson writes to null pointers where it gets no memory; those crashes are its own, and told apart.
    [use] = [use for use in USES if use.name == name]
    found = sweep(use, "reading", tmp_path / "note", parser="orjson", step=1)
    assert len(found.crashes) == found.orjson_crashes < MOST_CRASHES
    assert {number: wrong for number, wrong in found.wrong.items() if wrong[0][0] != "leaked"} == {}
    assert found.over
    assert found.failures
