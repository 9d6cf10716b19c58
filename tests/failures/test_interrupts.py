"""An interrupt at every place where one can come, in replies, relays, logs, checkpoints and the command line.

Streams alone are in `streams/test_interrupts.py`. A place is where CPython runs signal handlers, in Python code of the
package; the suite tries some of them, and ``NDSTREAM_INTERRUPTS=1`` all.
"""

from __future__ import annotations

import gc
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from failures.interrupts import Interrupt, at_every_place
from failures.uses import BY_NAME, LINES, Taken, Use, shown
from ndstream import logs
from ndstream._cli.main import _run

STEP = 1 if os.environ.get("NDSTREAM_INTERRUPTS") else 7
NAMES = [
    *("ndjson async", "ndjson suspending", "sse async", "stream of events sync", "stream of events suspending"),
    *("reply sync", "reply async", "reply suspending"),
    *("relay verbatim sync", "relay reframed sync", "relay text sync"),
]


def places(program: Callable[[], Any]) -> Iterator[Any]:
    """Each result of the program, interrupted at one place after the other, and how many there were at least."""
    count = 0
    for seen in at_every_place(program, below=program, step=STEP):
        count += 1
        yield seen
    assert count > 3


class Reading:
    """What a use gave before and after an interrupt."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.taken = Taken()
        self.source = use.source()
        self.interrupts = 0
        self.interrupted_in = ""

    def read(self) -> None:
        """Read all there is, going on after an interrupt; an error ends it, and so does an interrupt of the opening."""
        try:
            self.taken.stream = self.use.open(self.source, self.taken)
        except Interrupt:
            return
        while True:
            try:
                self.use.read(self.taken)
                return
            except Interrupt as interrupt:
                self.interrupts += 1
                frames = [frame.name for frame in traceback.extract_tb(interrupt.__traceback__)]
                self.interrupted_in = frames[-2]

    @property
    def values(self) -> list[Any]:
        return [shown(value) for value in self.taken.values[: self.taken.count]]


# CPython itself warns where an interrupt comes between the making of a coroutine and its first step.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", NAMES)
def test_no_value_is_invented_or_out_of_order_and_the_source_is_closed_once(name: str) -> None:
    use = BY_NAME[name]

    def program() -> Reading:
        reading = Reading(use)
        try:
            reading.read()
        except Exception as error:
            assert reading.interrupts, error
        return reading

    whole = program().values
    for reading in places(program):
        if reading.taken.stream is None:
            assert reading.source.closed <= 1
            continue
        use.close(reading.taken)
        # CPython has no way to make sure that a coroutine which was made is awaited as well.
        lost = reading.interrupted_in == "_release_at_end"
        assert reading.source.closed == 1 or (lost and reading.source.closed == 0)
        values = reading.values
        # The loop that takes a value may be interrupted as well, but not within the package.
        assert values == whole[: len(values)]
        reply = reading.taken.stream
        if name.startswith("reply"):
            assert reply.text.startswith("".join(value[0] for value in values))
            assert reply.ending is not None


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_log_is_read_on_from_its_checkpoint_after_any_interrupt(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"".join(b"%d\n" % number for number in range(6)))
    numbers = iter(range(10**6))

    def read(place: Path, got: list[Any]) -> None:
        with logs.read(log, checkpoint=logs.Checkpoint(place, interval=0)) as stream:
            for value in stream:
                got.append(value)

    def program() -> tuple[Path, list[Any]]:
        place = tmp_path / f"checkpoint-{next(numbers)}"
        got: list[Any] = []
        with suppress(Interrupt):
            read(place, got)
        # A stream that never reached the hands of its user is released with the garbage, and its lock with it.
        gc.collect()
        return place, got

    for place, got in places(program):
        rest: list[Any] = []
        read(place, rest)
        # Nothing is lost; what came after the last save comes again.
        assert got == list(range(len(got)))
        assert rest == list(range(6 - len(rest), 6))
        assert len(got) + len(rest) >= 6
        # No temporary file is left, nor a lock that keeps others out.
        assert [path.name for path in tmp_path.glob(f"{place.name}*") if path.suffix == ".tmp"] == []
        place.unlink()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_cat_wrote_before_an_interrupt_is_the_beginning_of_all(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    log = tmp_path / "app.ndjson"
    log.write_bytes(LINES + b"\n")

    def program() -> bytes:
        with suppress(Interrupt):
            _run(["cat", str(log)])
        # A log that never reached the hands of the command is released with the garbage.
        gc.collect()
        return capfdbinary.readouterr().out

    whole = program()
    assert whole
    for written in places(program):
        assert whole.startswith(written)
