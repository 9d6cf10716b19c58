"""What a replay did: a table for people, or one JSON object for machines, on standard error."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from ndstream._cli.figures import Figures
from ndstream._cli.json_output import write_json
from ndstream.logs import ReplayReport


def write_replay_figures(report: ReplayReport, sink: dict[str, int], figures: Figures) -> None:
    """Write the figures of a replay to standard error.

    Args:
        report: The counts of the replay.
        sink: The counts of where it went, by name.
        figures: In which form.
    """
    counts: dict[str, Any] = {**report.to_dict(), **sink}
    if figures == "json":
        write_json(counts, err=True)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD)
    table.add_column("replay")
    table.add_column("", justify="right", no_wrap=True)
    for name, value in counts.items():
        table.add_row(name.replace("_", " "), _shown(name, value))
    Console(stderr=True, highlight=False).print(table)


def _shown(name: str, value: Any) -> str:
    if name in ("first", "last"):
        return "-" if value is None else _moment(value)
    return f"{value:,.3f} s" if isinstance(value, float) else f"{value:,}"


def _moment(time: int) -> str:
    seconds, nanoseconds = divmod(time, 1_000_000_000)
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{nanoseconds:09} UTC"
