"""Interrupts at the places where CPython runs signal handlers: by real signals, and one by one at each such place.

A handler runs between two instructions of Python code: after a call, at the beginning of a function, and where a loop
goes back. `at_every_place` raises there in ndstream's own modules, once for each place that a program comes by.
`by_signals` lets a timer of the system decide, in whatever Python code runs.
"""

from __future__ import annotations

import dis
import functools
import json
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeVar

import ndstream

PACKAGE = str(Path(ndstream.__file__).parent)
TESTS = str(Path(__file__).parent)


SeenT = TypeVar("SeenT")


class Interrupt(BaseException):
    """What a signal handler raises."""


class Seen(NamedTuple):
    """What a program got that goes on after each interrupt, and what ended it."""

    values: list[Any]
    error: Exception | None
    interrupts: int


def read(stream: ndstream.Stream[Any]) -> Seen:
    """Read a stream to its end, going on after interrupts. `extend` keeps what came before one."""
    values: list[Any] = []
    interrupts = 0
    while True:
        try:
            values.extend(stream)
            return Seen(values, None, interrupts)
        except Interrupt:
            interrupts += 1
        except ndstream.StreamError as error:
            return Seen(values, error, interrupts)


def check(seen: Seen, expected: list[Any]) -> None:
    """Nothing was lost or invented, or the stream said that bytes were lost."""
    if seen.error is None:
        assert seen.values == expected
    else:
        assert seen.interrupts
        assert isinstance(seen.error, ndstream.TruncatedError)
        assert isinstance(seen.error.__cause__, Interrupt)
        assert seen.values == expected[: len(seen.values)]


def at_every_place(
    program: Callable[[], SeenT], modules: str = PACKAGE, below: Callable[..., object] = read, step: int = 1
) -> Iterator[SeenT]:
    """Run the program once for each place, interrupted there.

    Args:
        program: What to run; it has to come by the same places each time.
        modules: The folder of the modules that are interrupted.
        below: The function of the program that is interrupted in what it calls.
        step: How many places one run is from the next.
    """
    number = 0
    while True:
        tracer = _Tracer(number, modules, below.__code__)
        # CPython 3.12 begins to trace instructions at the first settrace after a frame asked for it.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(tracer.trace)
        try:
            seen = program()
        finally:
            sys.settrace(None)
        if not tracer.raised:
            return
        yield seen
        number += step


class _Tracer:
    def __init__(self, number: int, modules: str, below: CodeType) -> None:
        self.left = number
        self.raised = False
        self.modules = modules
        self.below = below

    def trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(self.modules) or not _is_below(frame, self.below):
            return None
        frame.f_trace_opcodes = True
        return _FrameTracer(self).step

    def is_here(self) -> bool:
        """Whether this place is the one to interrupt."""
        if not self.raised:
            self.raised = not self.left
            self.left -= 1
            return self.raised
        return False


class _FrameTracer:
    """Knows the last instruction of a frame, since where a loop goes on may also be reached without going back."""

    def __init__(self, tracer: _Tracer) -> None:
        self.tracer = tracer
        self.last = -1

    def step(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            last, self.last = self.last, frame.f_lasti
            if last in _handling(frame.f_code) and self.tracer.is_here():
                raise Interrupt
        elif event == "exception":
            # It did not come to its end.
            self.last = -1
        return self.step


@functools.cache
def _handling(code: CodeType) -> frozenset[int]:
    """The instructions that run signal handlers when they are done."""
    return frozenset(
        instruction.offset
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("RESUME", "JUMP_BACKWARD", "JUMP_ABSOLUTE")
        or (instruction.opname.startswith("CALL") and not instruction.opname.startswith("CALL_INTRINSIC"))
    )


def by_signals(program: Callable[[], Seen], wanted: int, seed: int = 0) -> Iterator[Seen]:
    """Run the program until a timer has interrupted it so many times, at moments that nobody chose.

    Where few signals find Python code to interrupt, it ends with fewer: `at_every_place` is what shows each place.
    """
    chance = random.Random(seed)
    counted = left = 0

    def interrupt(number: int, frame: FrameType | None) -> None:
        # `read` itself is the program that goes on: it must not be interrupted, nor this handler on top of it.
        if frame is None or frame.f_code in (read.__code__, _is_below.__code__) or _is_below(frame, interrupt.__code__):
            return
        # Callbacks of the garbage collector, for one, swallow what is raised in them.
        ours = frame.f_code.co_filename.startswith((PACKAGE, TESTS, json.__path__[0], threading.__file__))
        if ours and _is_below(frame, read.__code__):
            nonlocal left
            left -= 1
            if not left:
                # Else a slow machine would never come through.
                signal.setitimer(signal.ITIMER_REAL, 0)
            raise Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(10 * wanted):
            left = 5
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-5, 1e-3), chance.uniform(2e-4, 1e-3))
            try:
                seen = program()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            counted += seen.interrupts
            yield seen
            if counted >= wanted:
                return
    finally:
        signal.signal(signal.SIGALRM, before)


def _is_below(frame: FrameType | None, code: CodeType) -> bool:
    while frame is not None:
        if frame.f_code is code:
            return True
        if code.co_name != "interrupt" and frame.f_code.co_name == "__del__":
            # What is raised there goes nowhere.
            return False
        frame = frame.f_back
    return False
