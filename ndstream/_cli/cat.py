"""``ndstream cat``: the values of files and pipes, one a line, as they arrive."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path

import click

from ndstream._cli import progress_bar
from ndstream._cli.cat_values import ValueCopy, is_same_file
from ndstream._cli.dead_letters import DEAD_LETTERS_HELP
from ndstream._cli.messages import STDIN
from ndstream._core import DEFAULT_MAX_FRAME_SIZE
from ndstream._framing import FORMATS, Format

_STATUS = """\b
Exit status:
  0  every frame was good, or bad ones were to be skipped
  1  there was a bad frame, or a file could not be read or written
  2  the arguments make no sense
"""


@click.command(epilog=f"{DEAD_LETTERS_HELP}\n{_STATUS}", short_help="Write the values of files and pipes as NDJSON.")
@click.argument("files", nargs=-1, metavar="[FILE ... | -]", type=click.Path())
@click.option(
    "--format",
    "framing",
    type=click.Choice(FORMATS),
    help="The framing; by default it is detected from the first bytes.",
)
@click.option(
    "--items", is_flag=True, help="The elements of JSON arrays, one by one, however long the arrays are: --format json."
)
@click.option("--contains", metavar="TEXT", help="Only values whose bytes hold TEXT; others are not decoded.")
@click.option(
    "--on-error",
    type=click.Choice(["raise", "skip"]),
    help="At a bad frame: stop (the default), or count it and go on.",
)
@click.option("--bad", metavar="FILE", type=click.Path(), help="Write bad frames to FILE and go on.")
@click.option(
    "--on-truncated",
    type=click.Choice(["raise", "discard", "emit"]),
    default="raise",
    help="An event without its blank line at the end is bad, dropped, or written.",
)
@click.option(
    "--max-frame-size",
    metavar="BYTES",
    type=click.IntRange(min=0),
    default=DEFAULT_MAX_FRAME_SIZE,
    help="A longer frame is a bad one; 0 for no limit, 16 MiB by default.",
)
@click.option("--text", is_flag=True, help="Of recorded replies of LLM servers, the text alone.")
@click.option("--stats", is_flag=True, help="Say at the end, on standard error, how much was read and written.")
def cat(
    files: tuple[str, ...],
    framing: Format | None,
    items: bool,
    contains: str | None,
    on_error: str | None,
    bad: str | None,
    on_truncated: str,
    max_frame_size: int,
    text: bool,
    stats: bool,
) -> int:
    """Write the values of files and pipes to standard output as NDJSON.

    The input is NDJSON, server-sent events or a JSON text sequence, or with --format json values that
    follow one another on one line or many; standard input without FILE, or for -. Values are written
    as they arrive, byte for byte but for line breaks inside them. What follows a [DONE] is not read.
    """
    names = files or (STDIN,)
    if text:
        if framing or items or contains or on_error or bad or stats or on_truncated != "raise":
            raise click.UsageError("--text goes with --max-frame-size alone")
        from ndstream._cli.cat_text import write_texts

        return write_texts(names, max_frame_size or None)
    if items and framing not in (None, "json"):
        raise click.UsageError(f"--items are those of arrays, so that it goes with --format json, not {framing}")
    if contains is not None and (not contains or "\n" in contains):
        raise click.BadParameter("TEXT must be part of a line, and not empty", param_hint="'--contains'")
    if bad == STDIN:
        raise click.BadParameter(
            "bad frames would mix with the values on standard output; name a file, or /dev/stderr to see them",
            param_hint="'--bad'",
        )
    if bad is not None and any(is_same_file(_status(bad), _status(name)) for name in names):
        raise click.BadParameter("FILE is one of those to read", param_hint="'--bad'")
    skips_errors = on_error == "skip" or (on_error is None and bad is not None)
    options = {"on_truncated": on_truncated, "max_frame_size": max_frame_size or None, "items": items}
    with ExitStack() as closing:
        dead_letters = None
        if bad is not None:
            from ndstream.logs import DeadLetters

            dead_letters = closing.enter_context(DeadLetters(bad))
        copy = ValueCopy("json" if items else framing, os.fsencode(contains or ""), options, skips_errors, dead_letters)
        # At the end, whatever it is, values are written first, then the bar is finished, then come the words.
        closing.callback(copy.report, stats)
        closing.enter_context(copy)
        copy.bar = progress_bar.make_bar(sum(map(_size, names)), copy.output)
        unread = sum(not copy.copy_file(name) for name in names)
    return int(unread > 0 or (copy.bad_frames > 0 and on_error != "skip"))


def _status(name: str) -> os.stat_result | None:
    try:
        return os.fstat(0) if name == STDIN else Path(name).stat()
    except OSError:
        return None


def _size(name: str) -> int:
    """The size of a regular file in bytes; 0 for anything else."""
    status = _status(name)
    return status.st_size if status is not None and stat.S_ISREG(status.st_mode) else 0
