"""Sum up a column of log files on the workers of Ray.

    python examples/recipes/ray_data.py 'access.log*'

Ray reads each file in one task; with splits a large file keeps all workers busy. Items are dictionaries of scalars,
which Ray holds as columns of Arrow; a bad line is one of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import ray

from ndstream import logs

FIELDS = {"status": ("status", int), "size": ("bytes", int)}


def rows(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of one split, and then its bad lines."""
    member = logs.Member(item.pop("member_offset"), item.pop("member_compressed_offset"))
    split = logs.Split(**{**item, "member": member})
    bad: list[logs.DeadLetter] = []
    with logs.read(split, fields=FIELDS, dead_letters=bad) as stream:
        for row in stream:
            yield {"status": row.status, "size": row.size, "bad": None}
    for letter in bad:
        yield {"status": None, "size": None, "bad": letter.message}


def item_of(split: logs.Split) -> dict[str, Any]:
    """A split as scalars."""
    item = asdict(split)
    item["member_offset"], item["member_compressed_offset"] = item.pop("member")
    return item


def main(pattern: str) -> None:
    items = [item_of(split) for split in logs.splits(pattern, size=4 * 1024 * 1024)]
    table = ray.data.from_items(items).flat_map(rows).materialize()
    good = table.filter(lambda row: row["status"] is not None)
    for group in sorted(good.groupby("status").sum("size").take_all(), key=lambda group: group["status"]):
        print(group["status"], int(group["sum(size)"]))
    for row in table.filter(lambda row: row["bad"] is not None).take_all():
        print(row["bad"], file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
