"""What must not be left behind: warnings, errors that nobody could raise, descriptors, threads and tasks."""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from .scripted_server import PATIENCE

CountT = TypeVar("CountT", bound="tuple[int, ...]")


class Left(NamedTuple):
    """What a process holds."""

    descriptors: int
    threads: int


def held() -> Left:
    # An event loop looks up hosts in a few threads of its own, and starts one more whenever none of them is idle.
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    return Left(len(os.listdir("/proc/self/fd")), len(threads))


def no_more(counts: Sequence[int], most: Sequence[int]) -> bool:
    return all(count <= limit for count, limit in zip(counts, most, strict=True))


def settles(measure: Callable[[], CountT], most: CountT, patience: float = PATIENCE) -> CountT:
    """The counts, once none is more than that, or when the patience is at an end."""
    deadline = time.monotonic() + patience
    while True:
        gc.collect()
        measured = measure()
        if no_more(measured, most) or time.monotonic() > deadline:
            return measured
        time.sleep(0.01)


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def nothing_left(forgiven: str = "") -> Iterator[None]:
    """Fail for a warning, an error in a destructor, or one that an event loop could only log.

    Args:
        forgiven: A pattern of complaints that a library has without us as well; none where it is empty.

    Garbage is collected at the end, so that what is left behind complains here and not later.
    """
    complaints: list[str] = []
    records = _Records()
    logger = logging.getLogger("asyncio")
    before = sys.unraisablehook
    sys.unraisablehook = lambda error: complaints.append(f"{error.err_msg or 'in a destructor'}: {error.exc_value!r}")
    logger.addHandler(records)
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield
            gc.collect()
    finally:
        sys.unraisablehook = before
        logger.removeHandler(records)
    complaints += records.messages
    complaints += [f"{warning.category.__name__}: {warning.message}" for warning in warned]
    complaints = [told for told in complaints if not (forgiven and re.search(forgiven, told))]
    assert not complaints, "; ".join(complaints)
