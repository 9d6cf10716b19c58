"""Whole commands that copy a log to /dev/null, timed from their start to their end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

_DECODE = "import sys, ndstream\nfor value in ndstream.ndjson(open(sys.argv[1], 'rb')): pass"
_CAT = (sys.executable, "-m", "ndstream", "cat")

COMMANDS: dict[str, tuple[str, ...]] = {
    # A program that decodes all lines, and does nothing else.
    "decode_alone": (sys.executable, "-c", _DECODE),
    "cat": _CAT,
    "cat_two_workers": (*_CAT, "--workers", "2"),
    "jq_compact": ("jq", "-c", "."),
}


class Usage(NamedTuple):
    """What a command took.

    Attributes:
        wall: Seconds on the clock.
        cpu: Seconds of processors, those of its children included.
        memory: The most that one of its processes held, in bytes.
    """

    wall: float
    cpu: float
    memory: int


def run(name: str, path: Path) -> Usage:
    """Run a command on a log."""
    began = time.perf_counter()
    with subprocess.Popen([*COMMANDS[name], str(path)], stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{name} failed on {path.name}")
    # In KiB on Linux.
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
