"""Tells libFuzzer of lines of Python code that run for the first time, at no cost afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType

count = 0
"""How many lines were reached."""


def watch(folders: tuple[str, ...], reached: Callable[[int], object]) -> bool:
    """Call `reached` with a number of its own for each line of the modules in these folders, when it first runs.

    Returns:
        Whether this CPython can do so; 3.12 and newer can.
    """
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is None:
        return False

    def line_reached(code: CodeType, line: int) -> object:
        global count
        if code.co_filename.startswith(folders):
            count += 1
            reached(count)
        return monitoring.DISABLE

    monitoring.use_tool_id(monitoring.COVERAGE_ID, "fuzz")
    monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.LINE, line_reached)
    monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.LINE)
    return True
