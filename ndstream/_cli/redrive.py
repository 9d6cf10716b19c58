"""``ndstream redrive``: dead letters as values, once they are mended."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ndstream._cli.dead_letters import open_dead_letters
from ndstream._cli.json_output import write_json
from ndstream._cli.messages import count, say, with_options
from ndstream._cli.options import WrittenFile, frame_size_option

if TYPE_CHECKING:
    from ndstream.logs import DeadLetter, RedriveReport

_STATUS = """\b
A fix is run by the shell for each letter. It is given the line on standard input, without a line end, and
writes the mended line to standard output; nothing drops the letter, and an exit status other than 0 leaves it dead.

\b
With --json the figures are one object on standard error: letters, driven, dropped, dead, repeated (driven
before), unreadable (no dead letters), source_changed (the file holds other bytes there now).

\b
Exit status:
  0  every letter was driven or dropped, now or before
  1  a letter is bad still, or a file cannot be read or written
  2  the arguments make no sense
"""


@click.command(epilog=_STATUS, short_help="Write the values of dead letters, once they are mended.")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--fix", metavar="COMMAND", help="A command that mends a line, such as \"sed 's/NaN/null/g'\".")
@click.option("--still-bad", metavar="FILE", type=WrittenFile(), help="Append the letters that are bad still to FILE.")
@click.option(
    "--driven",
    metavar="FILE",
    type=WrittenFile(),
    help="Where to keep which letters are done; by default beside FILE, with .driven at the end.",
)
@frame_size_option
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object, on standard error.")
def redrive(
    file: str, fix: str | None, still_bad: str | None, driven: str | None, max_frame_size: int, as_json: bool
) -> int:
    """Write the values of a file of dead letters, as `ndstream cat --bad` makes it, to standard output as NDJSON.

    Each letter is driven once, however often this is run: what was driven is kept beside the letters, and noted only
    after the value was written. Over-long lines are read again from the file that they came from.
    """
    if fix is not None and not fix.strip():
        raise click.BadParameter("COMMAND is empty, and would drop every letter", param_hint="'--fix'")
    from ndstream import logs
    from ndstream._cli.output import Output
    from ndstream._cli.selection import line_of

    output = Output()
    letters = None if still_bad is None else open_dead_letters(still_bad, append=True, option="--still-bad")
    try:
        values = logs.redrive(
            file,
            fix=None if fix is None else _fix_by(fix),
            driven=driven,
            still_bad=letters,
            loads=line_of,
            max_frame_size=max_frame_size or None,
        )
    except ValueError as error:
        raise click.UsageError(with_options(str(error))) from None
    with values:
        for value in values:
            # Asking for the next one says that this one was dealt with.
            output.write_all(value)
    output.close()
    report = values.report
    if as_json:
        write_json(asdict(report), err=True)
    else:
        say(_as_text(report))
    return int(report.dead > 0 or report.unreadable > 0)


def _fix_by(command: str) -> Callable[[DeadLetter], bytes | None]:
    """What runs a command for each letter."""

    def fix(letter: DeadLetter) -> bytes | None:
        ran = subprocess.run(command, shell=True, input=letter.raw, stdout=subprocess.PIPE, check=True)
        line = ran.stdout.removesuffix(b"\n")
        return line or None

    return fix


def _as_text(report: RedriveReport) -> str:
    facts = {
        "driven": report.driven,
        "dropped": report.dropped,
        "bad still": report.dead,
        "driven before": report.repeated,
        "no dead letters": report.unreadable,
        "changed in their file": report.source_changed,
    }
    return ", ".join(
        [count(report.letters, "letter"), *(f"{number:,} {name}" for name, number in facts.items() if number)]
    )
