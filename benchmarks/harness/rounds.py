"""Timing: contenders take turns in one process, round by round, and each is compared within a round.

What happens to the machine for longer than a round (the clock's frequency, another process in the
caches) happens to all contenders alike, and falls out of the ratios. Time is the processor's, since
nothing here waits: by the clock on the wall, a loop of ten milliseconds would nearly always pay for
some other process, and one of half a millisecond hardly ever. What is settled when a process starts
(where its memory lies, its hash seed) falls out of nothing; so a comparison is repeated in several
processes, and the medians of their medians are what counts.
"""

from __future__ import annotations

import ctypes
import gc
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from benchmarks.harness.shapes import KIB, MIB

if sys.platform != "win32":
    import resource

LEAST_ROUNDS = 3


class Loop(NamedTuple):
    """What is timed, and how many units of work it does."""

    run: Callable[[], object]
    units: int


@dataclass
class Times:
    """What so many units took: nanoseconds and page faults, one of each a round."""

    units: int
    nanoseconds: list[int] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)


def take_turns(loops: dict[str, Loop], seconds: float, seed: int, settle: bool = True) -> dict[str, Times]:
    """Time each loop once a round, in an order drawn anew for each, for about so many seconds.

    To settle, each loop runs just before it is timed as well: what it needs is then in the caches,
    where another loop, much slower and larger, may have left nothing of it.
    """
    chance = random.Random(seed)

    def one_round(times: dict[str, Times]) -> float:
        names = list(loops)
        chance.shuffle(names)
        began = time.perf_counter()
        for name in names:
            run = loops[name].run
            if settle:
                run()
            faults = page_faults()
            start = time.thread_time_ns()
            run()
            took = time.thread_time_ns() - start
            times[name].nanoseconds.append(took)
            times[name].faults.append(page_faults() - faults)
        return time.perf_counter() - began

    def none_yet() -> dict[str, Times]:
        return {name: Times(loop.units) for name, loop in loops.items()}

    warm_up = one_round(none_yet())
    rounds = max(LEAST_ROUNDS, int(seconds / warm_up)) if seconds else 1
    times = none_yet()
    gc.collect()
    gc.freeze()
    try:
        for _ in range(rounds):
            one_round(times)
    finally:
        gc.unfreeze()
    return times


def ratio(times: Times, to: Times) -> float:
    """The median of what one took in units of the other, round by round."""
    return median(one / other for one, other in zip(times.nanoseconds, to.nanoseconds, strict=True))


def page_faults() -> int:
    if sys.platform == "win32":
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def pin() -> bool:
    """Keep to one processor, where that can be asked for."""
    if sys.platform == "linux":
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(allowed)})
        return True
    return False


class Ballast:
    """Memory that is kept, so that no contender pays for handing it back and asking for it again.

    In a process that does nothing else, a loop's few live objects may be the only ones of an arena:
    the allocators then return it to the system and get a new one over and over, which costs whoever
    is unlucky up to a third of its time in page faults. Any real program has other objects to
    prevent that. So one small object is kept in each part of some MiB of Python's arenas, whose
    other blocks are free for all contenders; and malloc is told to keep what it has.
    """

    def __init__(self, size: int = 32 * MIB) -> None:
        step = 512
        blocks = [bytes(step - 64) for _ in range(size // step)]
        self._kept = blocks[:: 64 * KIB // step]
        del blocks
        _keep_malloc()


def _keep_malloc() -> None:
    """Let glibc neither trim its heap nor map memory for a single object; nothing elsewhere."""
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(trim_threshold, 1024 * MIB)
        mallopt(top_pad, 64 * MIB)
        mallopt(mmap_threshold, 32 * MIB)
