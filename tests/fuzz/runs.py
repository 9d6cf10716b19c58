"""Runs targets under libFuzzer, one process after another, and keeps count."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from fuzz import corpora, totals
from fuzz.names import MAX_LEN

WORDS = Path(__file__).parent / "words.txt"
# A hang is a finding; so much more than an input takes that a busy machine makes none.
TIMEOUT_SECONDS = 60
MEMORY_MIB = 4096


def run(state: Path, targets: list[str], seconds: int, until: int | None, sanitized: str | None, seed: int) -> int:
    """Fuzz each target for so many seconds; with the seed 0, each run tries something else.

    Returns:
        An exit status: 1 if there is a finding.
    """
    failed = False
    state.mkdir(parents=True, exist_ok=True)
    for target in targets or MAX_LEN:
        counted = "sanitized" if sanitized else "executions"
        if until is not None and totals.load(state).get(target, {}).get(counted, 0) >= until:
            continue
        numbers, log = _run_one(state, target, seconds, sanitized, seed)
        totals.add(state, target, numbers)
        shown = ", ".join(f"{name} {numbers[name]:,}" for name in ("executions", "oracle", "edges", "lines"))
        print(f"{target}: {shown}", flush=True)
        if numbers["findings"]:
            failed = True
            print("\n".join(log.splitlines()[-60:]), flush=True)
    return 1 if failed else 0


def again(target: str, file: Path) -> int:
    """Give a target one input. Returns an exit status."""
    command = [sys.executable, "-m", "fuzz.one_target", target, os.devnull, str(file)]
    return subprocess.run(command, env=dict(os.environ, PYTHONHASHSEED="0"), check=False).returncode


def _run_one(state: Path, target: str, seconds: int, sanitized: str | None, seed: int) -> tuple[dict[str, int], str]:
    folder = corpora.folder_with_seeds(state, target)
    findings = state / "findings"
    findings.mkdir(exist_ok=True)
    counts = state / "counts.json"
    counts.unlink(missing_ok=True)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([".", "conformance"]), PYTHONHASHSEED="0")
    if sanitized:
        # CPython itself frees at exit what ASAN would call leaked, and is not built for UBSAN's checks of types.
        environment |= {
            # ASAN has its own functions for the edges that are taken; those of libFuzzer have to be found first.
            "LD_PRELOAD": f"{_libfuzzer()} {sanitized}",
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
            "PYTHONMALLOC": "malloc",
        }
    command = [
        sys.executable, "-m", "fuzz.one_target", target, str(counts), str(folder),
        f"-artifact_prefix={findings}/{target}-", f"-dict={WORDS}", f"-max_len={MAX_LEN[target]}",
        f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={TIMEOUT_SECONDS}", f"-rss_limit_mb={MEMORY_MIB}",
        "-print_final_stats=1", "-detect_leaks=0",
    ]  # fmt: skip
    begun = time.monotonic()
    process = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    log = process.stdout.decode("utf-8", "replace")
    (state / f"{target}.log").write_text(log)
    executions = _last(r"number_of_executed_units: *(\d+)", log) or _last(r"^#(\d+)\s", log)
    numbers = {
        "executions": executions,
        "sanitized": executions if sanitized else 0,
        "edges": _last(r"cov: (\d+)", log),
        "features": _last(r"ft: (\d+)", log),
        "seconds": round(time.monotonic() - begun),
        "findings": int(process.returncode != 0),
    }
    known = json.loads(counts.read_text()) if counts.exists() else {}
    return {"oracle": 0, "lines": 0, **numbers, **known}, log


def _libfuzzer() -> str:
    return str(Path(sysconfig.get_paths()["platlib"]) / "libfuzzer.so")


def _last(pattern: str, log: str) -> int:
    found = re.findall(pattern, log, re.MULTILINE)
    return int(found[-1]) if found else 0
