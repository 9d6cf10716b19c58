"""What serving costs, beside its budgets.

    python -m benchmarks.serving             all rows
    python -m benchmarks.serving --quick     short streams and one round, to check that it works

Contenders take turns in one process, and ratios are taken within a round. Before they are timed, what they write is
compared: events that a decoder reads alike.
"""

from __future__ import annotations

import argparse

from benchmarks.harness import rounds
from benchmarks.serving import encoders, fan_out, in_server, load, relays, targets
from benchmarks.serving.row import Row, show


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short streams, one round: a check, no figures")
    parser.add_argument("--only", default="", metavar="NAME", help="only the rows with this in their name")
    arguments = parser.parse_args()
    scale = 0.02 if arguments.quick else 1.0
    rounds.pin()
    # Kept to the end, so that no contender pays for memory that the system takes back.
    _ballast = rounds.Ballast()
    rows: list[Row] = []
    for make in (encoders.rows, relays.rows, targets.rows, fan_out.rows, in_server.rows, load.rows):
        for row in make(scale):
            if arguments.only in row.name:
                rows.append(row.measured(0 if arguments.quick else 1.0))
                show(rows[-1], judged=not arguments.quick)
    if not arguments.quick:
        missed = [row.name for row in rows if not row.holds]
        print("\nAll budgets hold." if not missed else f"\nMissed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
