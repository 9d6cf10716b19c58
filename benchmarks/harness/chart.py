"""The figures that a README shows: what a server-sent event costs, and what a line of NDJSON costs.

Drawn from the tables of a run, with the same bytes for the same figures. All bars of a panel are of
one table; ours are set off by their colour, and every bar carries its figure.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.harness.report import Line, Table

OURS, OTHERS, INK, FAINT = "#d9480f", "#adb5bd", "#212529", "#868e96"

EVENTS = "openai_events, 64 KiB"
LINES = "ndjson, 64 KiB"
NAMES = {
    "orjson.loads of each payload (floor)": "orjson alone (the floor)",
    "msgspec decode_lines, all at once": "msgspec decode_lines",
}
LEFT_OUT = {"ndstream, decoder loop", "ndstream, over an httpx response"}


def draw(tables: list[Table], path: Path) -> None:
    """Write the chart as SVG, or in any format that the path's suffix names."""
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot = import_module("matplotlib.pyplot")
    by_key = {table.key: table for table in tables}
    with pyplot.rc_context({"font.family": "DejaVu Sans", "font.size": 10, "svg.hashsalt": "ndstream"}):
        figure, (above, below) = pyplot.subplots(2, 1, figsize=(8, 6.6), facecolor="white", layout="constrained")
        figure.get_layout_engine().set(h_pad=0.15, w_pad=0.1)
        _events(above, by_key[EVENTS])
        _lines(below, by_key[LINES])
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)
        pyplot.close(figure)


def _events(axes: Any, table: Table) -> None:
    bars = [(line.name, line.nanoseconds, _cost(line)) for line in _shown(table) if line.nanoseconds is not None]
    _bars(axes, bars)
    axes.set_xscale("log")
    axes.set_xlim(50, max(nanoseconds for _, nanoseconds, _ in bars) * 3)
    axes.set_xticks([100, 1000], ["100 ns", "1,000 ns"])
    _title(axes, "Server-sent events: time an event, its data read (log scale)")


def _lines(axes: Any, table: Table) -> None:
    bars = [
        (NAMES.get(line.name, line.name), line.times_reference, f"{line.times_reference:.2f} x")
        for line in _shown(table)
        if line.times_reference is not None
    ]
    _bars(axes, bars)
    axes.set_xlim(0, max(ratio for _, ratio, _ in bars) * 1.15)
    axes.set_xticks([1], ["1 x"])
    _title(axes, "NDJSON to values: time in units of orjson.loads alone")


def _shown(table: Table) -> list[Line]:
    return [line for line in table.lines if line.name not in LEFT_OUT]


def _cost(line: Line) -> str:
    told = f"{line.nanoseconds:,.0f} ns"
    return told if line.name == "ndstream" else f"{told}   {line.times_reference:.0f} x"


def _bars(axes: Any, bars: list[tuple[str, float, str]]) -> None:
    """Horizontal bars with their figures behind them, the shortest on top."""
    bars = sorted(bars, key=lambda bar: -bar[1])
    names = [name for name, _, _ in bars]
    colours = [OURS if name == "ndstream" else OTHERS for name in names]
    drawn = axes.barh(names, [value for _, value, _ in bars], color=colours, height=0.62)
    axes.bar_label(drawn, [told for _, _, told in bars], padding=6, color=INK, fontsize=9.5)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == "ndstream" else "normal")
    axes.tick_params(length=0, which="both", labelcolor=INK)
    axes.tick_params(axis="x", labelcolor=FAINT, labelsize=8.5)
    axes.grid(axis="x", which="major", color=FAINT, linewidth=0.7, linestyle=(0, (4, 3)))
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _title(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=INK, pad=8)
    axes.minorticks_off()
