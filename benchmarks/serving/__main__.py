"""What serving costs, beside its budgets.

    python -m benchmarks.serving                 all rows; writes RESULTS.md here
    python -m benchmarks.serving --only relay    the rows with that in their name; writes nothing
    python -m benchmarks.serving --quick         short streams and one round, to check that it works

Contenders take turns in one process, and ratios are taken within a round. Before they are timed, what they write is
compared: events that a decoder reads alike.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.harness import machine, report, rounds
from benchmarks.harness.report import Table
from benchmarks.serving import encoders, fan_out, in_server, load, relays, targets

LIBRARIES = (
    "orjson", "aiohttp", "httpx", "httpx-sse", "httpx2", "openai", "sse-starlette", "starlette", "uvicorn", "uvloop",
)  # fmt: skip
METHOD = """
## How it is measured

Contenders take turns in one process, and ratios are taken within a round. The first of each table is ours; beside the
others stands what it takes against them. Before they are timed, what they write is compared: events that a decoder
reads alike. Where a server is in it, the time is that of the processor for upstream, server and clients together.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short streams, one round: a check, no figures")
    parser.add_argument("--only", default="", metavar="NAME", help="only the rows with this in their name")
    arguments = parser.parse_args()
    scale = 0.02 if arguments.quick else 1.0
    rounds.pin()
    # Kept to the end, so that no contender pays for memory that the system takes back.
    _ballast = rounds.Ballast()
    began = time.perf_counter()
    tables: list[Table] = []
    for make in (encoders.rows, relays.rows, targets.rows, fan_out.rows, in_server.rows, load.rows):
        for row in make(scale):
            if arguments.only in row.name:
                tables.append(row.measured(0 if arguments.quick else 1.0).table)
                report.show(tables[-1], judged=not arguments.quick)
    if arguments.quick:
        return
    report.show_verdict(tables)
    if not arguments.only:
        minutes = (time.perf_counter() - began) / 60
        facts = machine.facts(LIBRARIES)
        head = report.head("What serving costs", "bench-serving", "benchmarks.serving", minutes, facts)
        (Path(__file__).parent / "RESULTS.md").write_text(report.page(head, tables, method=METHOD))


if __name__ == "__main__":
    main()
