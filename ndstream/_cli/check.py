"""``ndstream check``: what is wrong with log files, without changing them."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from ndstream._cli.control_characters import without_controls
from ndstream._cli.json_output import path_fields, printable
from ndstream._cli.messages import count, say, with_options
from ndstream._cli.options import decoding_options
from ndstream._cli.output import Output
from ndstream._cli.progress_bar import Bar, make_bar
from ndstream._errors import StreamError

if TYPE_CHECKING:
    from ndstream.logs import CheckReport

_STATUS = """\b
With --json each file is one object a line:
  path, format        the file; "path_base64" has the exact bytes of a name that is not UTF-8
  bytes, lines        how much content was read
  values, bad         how many lines hold a value, and how many do not, by reason
  tail                complete, unterminated (a value without a line end) or interrupted (an append that was cut)
  good_end            the offset after the last line that ends with a line end and is no trace of a cut append
  errors              the first bad lines: offset, line, reason, message
  damage              what is wrong with an archive, or null
  ok                  whether all is well

\b
Exit status:
  0  every line of every file is good
  1  something is wrong, or a file cannot be read
  2  the arguments make no sense
"""


@click.command(epilog=_STATUS, short_help="Report what is wrong with log files.")
@click.argument("files", nargs=-1, required=True, metavar="FILE ...", type=click.Path())
@click.option(
    "--max-errors",
    metavar="NUMBER",
    type=click.IntRange(min=0),
    default=10,
    help="Show so many bad lines; 10 by default.",
)
@decoding_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each file.")
def check(files: tuple[str, ...], max_errors: int, max_frame_size: int, max_window: int, as_json: bool) -> int:
    """Read log files of NDJSON, plain or compressed, and report on standard output what is wrong with them.

    Nothing is changed. FILE is a path, a glob in quotation marks or a URL.
    """
    from ndstream._cli.input_files import find_names, size_of

    names = find_names(files)
    output = Output()
    bar = make_bar(sum(map(size_of, names)), output)
    limits = {"max_frame_size": max_frame_size or None, "max_window": max_window or None, "max_errors": max_errors}
    checked = _Checked(bar)
    all_good = True
    try:
        for name in names:
            report = checked.check(name, limits)
            all_good = all_good and report is not None and report.ok
            if report is not None:
                output.write_all(orjson.dumps(_as_json(report)) + b"\n" if as_json else _as_text(report).encode())
    finally:
        output.close()
        checked.close()
    return int(not all_good)


class _Checked:
    """Files that are checked one after the other, with one bar for all."""

    def __init__(self, bar: Bar | None) -> None:
        self._bar = bar
        # Of the files before.
        self._bytes = self._lines = self._bad = 0

    def check(self, name: str, limits: dict[str, Any]) -> CheckReport | None:
        """What is wrong with a file; None if it cannot be read, which is said."""
        from ndstream import logs

        if self._bar is not None:
            self._bar.begin(Path(name).name)
        try:
            report = logs.check(name, on_progress=self._move, **limits)
        except OSError as error:
            with nullcontext() if self._bar is None else self._bar.hidden():
                say(f"{name or repr(name)}: {error.strerror or error}")
            return None
        self._bytes += report.compressed_bytes
        self._lines += report.lines
        self._bad += report.bad.total()
        return report

    def _move(self, report: CheckReport) -> None:
        if self._bar is not None:
            bad = self._bad + report.bad.total()
            self._bar.move(self._bytes + report.compressed_bytes, self._lines + report.lines, bad)

    def close(self) -> None:
        """Draw the bar for the last time."""
        if self._bar is not None:
            self._bar.close(self._bytes, self._lines, self._bad)


def _as_text(report: CheckReport) -> str:
    """The report in a few lines."""
    name = printable(report.path)
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in report.bad.items())
    parts = [
        f"{name}: {count(report.lines, 'line')}, {count(report.values, 'value')}",
        f"{report.bad.total():,} bad" + (f" ({reasons})" if reasons else ""),
    ]
    if report.tail == "unterminated":
        parts.append("no line end after the last value")
    lines = [", ".join(parts)]
    lines.extend(f"  {with_options(str(error), has_format=False)}" for error in report.errors)
    if report.damage is not None:
        lines.append(f"  {with_options(str(report.damage))}")
    elif report.tail == "interrupted" and report.format == "plain":
        advice = f"ndstream repair {shlex.quote(name)} cuts what follows"
        lines.append(f"  the last append was interrupted: good up to byte {report.good_end:,}; {advice}")
    # What is in a log cannot steer a terminal.
    return without_controls("\n".join(" ".join(line.splitlines()) for line in lines)) + "\n"


def _as_json(report: CheckReport) -> dict[str, Any]:
    damage = report.damage
    return {
        **path_fields(report.path),
        "format": report.format,
        "bytes": report.bytes,
        "lines": report.lines,
        "values": report.values,
        "bad": dict(report.bad),
        "tail": report.tail,
        "good_end": report.good_end,
        "errors": [_error(error) for error in report.errors],
        "damage": None if damage is None else {**_error(damage), "compressed_offset": damage.compressed_offset},
        "ok": report.ok,
    }


def _error(error: StreamError) -> dict[str, Any]:
    message = printable(with_options(str(error), has_format=False))
    return {"offset": error.offset, "line": error.line, "reason": error.reason, "message": message}
