"""Work is counted, since a clock would tell of the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import ndstream

PACKAGE = str(Path(ndstream.__file__).parent)


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the package run: a count of work that no clock disturbs."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count
