"""The fuzzer's commands, run in tests/: ``python -m fuzz run``, ``totals``, ``keep`` and ``again``.

    run [--seconds N] [--until N] [--sanitized LIBRARY] [--seed N] [TARGET ...]   fuzz, from the last run on
    totals                                                                       what all runs came to, as a table
    keep                                                                         write the smallest corpus into the tree
    again TARGET FILE                                                            give a target one input again

State is in the folder that NDSTREAM_FUZZ_STATE names: a corpus for each target, findings, and the totals.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from fuzz import corpora, runs, totals

STATE = Path(os.environ.get("NDSTREAM_FUZZ_STATE", "../build/fuzz"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--seconds", type=int, default=15, help="for each target")
    run.add_argument("--until", type=int, help="leave out a target that has so many executions")
    run.add_argument(
        "--sanitized", metavar="LIBRARY", help="the library of the sanitizers that the core was built with"
    )
    run.add_argument("--seed", type=int, default=0, help="where chance begins; 0 is another place each time")
    run.add_argument("targets", nargs="*", metavar="TARGET")
    commands.add_parser("totals")
    commands.add_parser("keep")
    again = commands.add_parser("again")
    again.add_argument("target")
    again.add_argument("file", type=Path)
    options = parser.parse_args()
    if options.command == "run":
        return runs.run(STATE, options.targets, options.seconds, options.until, options.sanitized, options.seed)
    if options.command == "totals":
        print(totals.table(totals.load(STATE)))
    elif options.command == "keep":
        corpora.keep(STATE)
    else:
        return runs.again(options.target, options.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
