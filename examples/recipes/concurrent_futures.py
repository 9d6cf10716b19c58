"""Sum up a column of log files on all cores of one machine, with what Python brings.

    python examples/recipes/concurrent_futures.py 'access.log*'

Each process reads splits, and sends back sums, counts and bad lines, never values.
"""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from ndstream import logs

FIELDS = {"status": ("status", int), "size": ("bytes", int)}


def bytes_by_status(split: logs.Split) -> tuple[Counter[int], list[logs.DeadLetter]]:
    """The sums of one split, and its bad lines."""
    sums: Counter[int] = Counter()
    bad: list[logs.DeadLetter] = []
    with logs.read(split, fields=FIELDS, dead_letters=bad) as rows:
        for row in rows:
            if row.status is not None:
                sums[row.status] += row.size or 0
    return sums, bad


def main(pattern: str) -> None:
    total: Counter[int] = Counter()
    bad: list[logs.DeadLetter] = []
    # Small splits keep all processes busy up to the end.
    splits = logs.splits(pattern, size=4 * 1024 * 1024)
    with ProcessPoolExecutor() as processes:
        for sums, letters in processes.map(bytes_by_status, splits):
            total += sums
            bad += letters
    for status, number in sorted(total.items()):
        print(status, number)
    for letter in bad:
        print(letter.message, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
