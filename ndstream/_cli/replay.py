"""``ndstream replay``: logs once more, at the pace of their time stamps, to a file, a pipe or a server."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import click

from ndstream._cli.dead_letters import DEAD_LETTERS_HELP
from ndstream._cli.messages import STDIN, bad_frame, count, say, with_options
from ndstream._cli.number_range import NumberRange
from ndstream._cli.options import WrittenFile, decoding_options, figures_of, figures_options, on_mismatch_option
from ndstream._cli.replay_options import checked_options, http_options
from ndstream._errors import StreamError

_REFUSED = """\b
These do not go together, and are refused:
  --checkpoint  with a --window, --repeat and --dry-run: it is a place in each log, read once and in its order
  --repeat      with standard input and pipes, which cannot be read twice
  --bad         with --on-error: it takes the bad lines
  --header, --key-env, --batch, --batch-bytes, --linger, --timeout, --retry-for and --retry-on go with a URL
                as --to, and not with --dry-run
"""
_STATUS = """\b
Exit status:
  0  every record was delivered, or bad lines were to be skipped
  1  there was a bad line or a refused one, or something could not be read, written or delivered
  2  the arguments make no sense, or do not go together
"""


@click.command(
    epilog=f"{_REFUSED}\n{DEAD_LETTERS_HELP}\n{_STATUS}", short_help="Write logs at the pace of their time stamps."
)
@click.argument("files", nargs=-1, metavar="[FILE ... | -]", type=click.Path())
@click.option(
    "--by",
    metavar="PATH",
    multiple=True,
    required=True,
    help="The dotted path of the time stamp; twice for one of seconds and one of nanoseconds.",
)
@click.option("--to", metavar="TARGET", default=STDIN, help="A file, or an http(s) URL; standard output without it.")
@click.option(
    "--speed", metavar="NUMBER", type=float, default=1.0, help="Seconds of the log in a second; inf: no pace."
)
@click.option("--start", metavar="TIME", help="The earliest time, such as 2026-01-01T00:00:00Z.")
@click.option("--end", metavar="TIME", help="The earliest time that is left out.")
@click.option("--max-gap", metavar="SECONDS", type=float, help="The longest wait between two records.")
@click.option("--repeat", metavar="TIMES", type=float, default=1, help="How often; inf: until it is interrupted.")
@click.option("--rewrite-now", is_flag=True, help="Replace each stamp by the time when it is due, in its form.")
@click.option(
    "--window",
    metavar="RECORDS",
    type=click.IntRange(min=0),
    help="How many records are looked ahead to put them in order; 100 by default, 0 with --checkpoint.",
)
@click.option("--stamp-format", metavar="FORMAT", help="How stamps are written, as for strptime: %d/%b/%Y:%H:%M:%S %z")
@click.option("--zone", metavar="NAME", help="The zone of stamps that state none, such as Europe/Berlin; else UTC.")
@click.option("--year", type=int, help="The year of the first record, for a format without one.")
@click.option(
    "--unstamped",
    type=click.Choice(["error", "at-once"]),
    default="error",
    help="A line without a usable stamp is a bad one, or comes right after the one before it.",
)
@click.option(
    "--unwrap",
    type=click.Choice(["docker", "cri"]),
    help="Take off the envelopes of a container runtime, and join the parts of long lines; stamps are in the texts.",
)
@click.option("--contains", metavar="TEXT", multiple=True, help="Only lines that hold TEXT, or one of several.")
@click.option("--sample", metavar="SHARE", type=NumberRange(0, 1, min_open=True), help="About this share of them.")
@click.option("--seed", metavar="NUMBER", type=int, default=0, help="Another number chooses another sample.")
@click.option("--on-error", type=click.Choice(["raise", "skip"]), help="At a bad line: stop, or count it and go on.")
@click.option("--bad", metavar="FILE", type=click.Path(), help="Write bad and refused lines to FILE and go on.")
@click.option(
    "--checkpoint",
    metavar="FILE",
    type=WrittenFile(),
    help="Save in FILE how much of each log was delivered, and go on from there the next time.",
)
@on_mismatch_option
@click.option("--dry-run", is_flag=True, help="Deliver nothing: say how long it would take, and what is wrong.")
@http_options
@decoding_options
@figures_options
@click.pass_context
def replay(context: click.Context, /, files: tuple[str, ...], **options: Any) -> int:
    """Write the lines of logs as they are, each when it is due by its time stamp.

    FILE is NDJSON: a path, a glob in quotation marks or a URL, or standard input; what is compressed is decompressed.
    Several logs are merged in order of time. What is late is written at once, and nothing is dropped.

    To a URL, lines are posted in batches. Answers of 408, 429, 500, 502, 503 and 504 and failed connections are tried
    again, after Retry-After if the server sends one; 413 halves a batch; other answers of 4xx put its lines into
    --bad, or end the replay. --checkpoint moves once a batch was answered.
    """
    names = list(files or (STDIN,))
    try:
        checked_options(context, names, options)
        return _replay(names, options)
    except click.ClickException:
        raise
    except StreamError as error:
        from ndstream.logs import CheckpointError, LogFileError

        message = _advice(str(error))
        # Errors of files and of checkpoints name them, and are about no line that could be gone on after.
        if hasattr(error, "path") and not isinstance(error, (LogFileError, CheckpointError)):
            message = bad_frame(error.path or STDIN, message)
        say(message)
        return 1
    except (ValueError, TypeError) as error:
        raise click.UsageError(_advice(str(error))) from None


def _replay(names: list[str], options: dict[str, Any]) -> int:
    from ndstream import logs
    from ndstream._cli.dead_letters import open_dead_letters
    from ndstream._cli.replay_options import arguments_of, make_sink, standard_input
    from ndstream._cli.replay_progress import with_bar

    figures = figures_of(options) or ("table" if options["dry_run"] else None)
    goes_on = options["checkpoint"] is not None
    report = logs.ReplayReport()
    with ExitStack() as closing:
        letters = None
        if options["bad"] is not None:
            letters = closing.enter_context(open_dead_letters(options["bad"], append=goes_on))
        sink = None if options["dry_run"] else make_sink(options, letters, append=goes_on)
        checkpoint = None
        if sink is not None:
            sink = with_bar(sink, report, names, options["repeat"])
            closing.callback(sink.close)
            if goes_on:
                checkpoint = logs.Checkpoint(
                    options["checkpoint"], on_mismatch=options["on_mismatch"], before_save=sink.flush
                )
        arguments: dict[str, Any] = {
            **arguments_of(options),
            "loads": bytes,
            "dead_letters": letters,
            "checkpoint": checkpoint,
            "with_places": True,
            "report": report,
            **({"dry_run": True} if sink is None else {"to": sink.deliver, "sleep": sink.wait}),
        }
        try:
            try:
                logs.replay([standard_input() if name == STDIN else name for name in names], **arguments)
            finally:
                # What came before an error arrives as well; an error of the sink itself is raised once more.
                if sink is not None:
                    sink.flush()
        finally:
            if figures is not None:
                from ndstream._cli.replay_figures import write_replay_figures

                write_replay_figures(report, {} if sink is None else sink.counts, figures)
    refused = 0 if sink is None else sink.counts.get("refused", 0)
    if figures is None and report.bad + refused:
        what = count(report.bad + refused, "bad or refused line" if refused else "bad line")
        say(f"{what} skipped" if letters is None else f"{what} written to {letters.path}")
    return int(refused > 0 or (report.bad > 0 and options["on_error"] != "skip"))


_ADVICE = {
    "pass format=": "pass --stamp-format",
    "pass year=": "pass --year",
    "start states": "--start states",
    "end states": "--end states",
    "start must": "--start must",
    "end must": "--end must",
    "speed must": "--speed must",
    "such as 0.5, 10 or math.inf": "such as 0.5, 10 or inf",
    "max_gap must be a number of seconds from 0 on, or None": "--max-gap must be a number of seconds from 0 on",
    "repeat must be a whole number from 1 on, or math.inf": "--repeat must be a whole number from 1 on, or inf",
    "repeat= reads": "--repeat reads",
    "which a file object does": "which standard input does",
    "checkpoint= is": "--checkpoint is",
    "pass window=0, and leave out repeat= and dry_run=": "leave out --window, --repeat and --dry-run",
    "format= and": "--stamp-format and",
}


def _advice(message: str) -> str:
    """The message with the options of the command in place of arguments."""
    for argument, option in _ADVICE.items():
        message = message.replace(argument, option)
    return with_options(message, has_format=False)
