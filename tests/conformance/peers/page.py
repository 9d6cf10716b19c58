"""The page that shows how many cases each decoder has right, and in what the others deviate."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Iterable
from typing import NamedTuple

from peers.peer import Peer
from stream_framing_conformance import Case, deviation, first_deviation, standard_cases

TITLES = {"sse": "Server-sent events", "ndjson": "NDJSON", "concatenated": "Concatenated JSON"}


class Row(NamedTuple):
    """How one decoder did.

    Attributes:
        peer: The decoder.
        asked: How many cases it was held to.
        right: How many it has right if the stream comes as one chunk.
        right_at_all_cuts: How many it has right however the stream is cut; None if it takes whole files alone.
        deviations: Each case that it has wrong, and in what it deviates there.
    """

    peer: Peer
    asked: int
    right: int
    right_at_all_cuts: int | None
    deviations: list[tuple[Case, str]]


class Table(NamedTuple):
    framing: str
    rows: list[Row]


def judge(peer: Peer, cases: Iterable[Case]) -> Row:
    asked = [case for case in cases if peer.concerns is None or peer.concerns(case)]
    right = right_at_all_cuts = 0
    deviations = []
    for case in asked:
        found = deviation(case, peer.decode, [case.data])
        right += found is None
        if found is None and peer.chunked:
            found = first_deviation(case, peer.decode, two_way_most=256)
            right_at_all_cuts += found is None
        if found is not None:
            deviations.append((case, found))
    return Row(peer, len(asked), right, right_at_all_cuts if peer.chunked else None, deviations)


def table(framing: str, peers: Iterable[Peer]) -> Table:
    cases = standard_cases(framing)
    rows = [judge(peer, cases) for peer in peers]
    ours, *others = rows
    return Table(
        framing, [ours, *sorted(others, key=lambda row: (row.right_at_all_cuts or row.right) / row.asked, reverse=True)]
    )


def page(tables: dict[str, Table]) -> str:
    parts = [
        "# Conformance",
        "How many cases of the [conformance corpus](../tests/conformance/README.md) decoders have right: with the"
        " stream in one chunk, and with the stream cut byte by byte, at every place in two, and at random. A case is"
        " right if the values or events are those that the rule says, in order, and a bad frame is told. Of event"
        " streams, what the end of the stream cuts off may be told or dropped, as the standard drops it. After the"
        " first error nothing is compared, since most decoders end there.",
        "A deviation is not always a fault: a decoder may read what its own server sends, and no more. What is asked"
        " here is the standard.",
        f"Written on {datetime.date.today()} with Python {platform.python_version()} by `make conformance`.",
    ]
    for framing, held in tables.items():
        parts += [f"## {TITLES[framing]}", _counts(held)]
    for framing, held in tables.items():
        parts += [f"## Deviations: {TITLES[framing]}", *map(_deviations, held.rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _counts(held: Table) -> str:
    lines = ["| decoder | cases | right, whole | right, at all cuts | |", "|---|---|---|---|---|"]
    for peer, asked, right, right_at_all_cuts, _ in held.rows:
        cuts = "-" if right_at_all_cuts is None else right_at_all_cuts
        lines.append(f"| {peer.title} | {asked} | {right} | {cuts} | {peer.about} |")
    return "\n".join(lines)


def _deviations(row: Row) -> str:
    if not row.deviations:
        return ""
    lines = [f"### {row.peer.title}", "", "| case | rule | in what it deviates |", "|---|---|---|"]
    for case, found in row.deviations:
        link = f"[{case.id}](../tests/conformance/stream_framing_conformance/cases/{case.file})"
        lines.append(f"| {link} | {_cell(case.rule)} | {_cell(found)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    printable = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return printable.replace("|", "\\|").replace("<", "&lt;").replace("`", "'").replace("*", "\\*").replace("_", "\\_")
