"""How much was read: a table for people, or one JSON object for machines, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ndstream._cli.json_output import path_fields, printable, write_json

if TYPE_CHECKING:
    from ndstream.logs import FileReport, Report

Figures = Literal["table", "json"]

_COUNTS = ("bytes", "compressed_bytes", "lines", "values", "bad")
_MAX_ROWS = 40


def write_figures(report: Report, seconds: float, figures: Figures) -> None:
    """Write the figures of a run to standard error.

    Args:
        report: The counts of each file.
        seconds: How long it took.
        figures: In which form.
    """
    if figures == "json":
        write_json(_as_json(report, seconds), err=True)
    else:
        _write_table(report, seconds)


def _as_json(report: Report, seconds: float) -> dict[str, Any]:
    totals = {name: getattr(report, name) for name in _COUNTS}
    return {**totals, "seconds": round(seconds, 6), "files": [_of_file(file) for file in report.files]}


def _of_file(file: FileReport) -> dict[str, Any]:
    counts = {name: getattr(file, name) for name in _COUNTS}
    error = None if file.error is None else printable(str(file.error))
    return {**path_fields(file.path or ""), "format": file.format, **counts, "error": error}


def _write_table(report: Report, seconds: float) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    rates = f"{report.values / seconds:,.0f} values/s, {report.bytes / seconds / 1e6:,.1f} MB/s"
    table = Table(box=SIMPLE_HEAD, caption=f"{seconds:.2f} s: {rates}", caption_justify="left")
    table.add_column("file", overflow="fold")
    table.add_column("format")
    for heading in ("bytes", "as stored", "lines", "values", "bad"):
        table.add_column(heading, justify="right", no_wrap=True)
    shown = report.files if len(report.files) <= _MAX_ROWS else []
    for file in shown:
        counts = (f"{getattr(file, name):,}" for name in _COUNTS)
        table.add_row(escape(printable(file.path or "")), file.format, *counts)
    if len(report.files) != 1:
        totals = (f"{getattr(report, name):,}" for name in _COUNTS)
        table.add_row(f"{len(report.files):,} files", "", *totals)
    Console(stderr=True, highlight=False).print(table)
