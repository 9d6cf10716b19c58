"""Runs one target under libFuzzer: ``python -m fuzz.one_target NAME TOTALS [arguments of libFuzzer]``.

libFuzzer's module and the core have to be built as the Makefile builds them. At the end the process writes to the
file TOTALS what libFuzzer does not know.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

# The core calls what libFuzzer's module has.
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
import libfuzzer  # noqa: E402

from fuzz import oracle_runs, reached_lines  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402


def main() -> None:
    import ndstream

    name, totals, *arguments = sys.argv[1:]
    package = str(Path(ndstream.__file__).parent)
    tests = str(Path(__file__).parents[1] / "oracles")
    reached_lines.watch((package, tests), libfuzzer.reached)

    def write_totals() -> None:
        counts = {"oracle": oracle_runs.count, "lines": reached_lines.count}
        Path(totals).write_text(json.dumps(counts))

    # What libFuzzer takes for its program is what it starts again to merge inputs.
    program = f"{sys.executable} -m fuzz.one_target {name} {totals}"
    libfuzzer.run([program, *arguments], TARGETS[name], write_totals)


main()
