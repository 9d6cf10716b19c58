"""``ndstream cat``: the values of files and pipes, one a line, as they arrive."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Literal

import click

from ndstream._cli.dead_letters import DEAD_LETTERS_HELP
from ndstream._cli.messages import STDIN, say
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
@click.option(
    "--contains",
    metavar="TEXT",
    multiple=True,
    help="Only values whose bytes hold TEXT, or one of several; others are not decoded.",
)
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
@click.option(
    "--max-window",
    metavar="BYTES",
    type=click.IntRange(min=0),
    default=128 * 1024 * 1024,
    help="The most memory that decompressing may take; 0 for no limit, 128 MiB by default.",
)
@click.option("--text", is_flag=True, help="Of recorded replies of LLM servers, the text alone.")
@click.option("--stats", is_flag=True, help="At the end, a table on standard error: how much was read and written.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def cat(
    files: tuple[str, ...],
    framing: Format | None,
    items: bool,
    contains: tuple[str, ...],
    on_error: str | None,
    bad: str | None,
    on_truncated: str,
    max_frame_size: int,
    max_window: int,
    text: bool,
    stats: bool,
    as_json: bool,
) -> int:
    """Write the values of files and pipes to standard output as NDJSON.

    The input is NDJSON, server-sent events or a JSON text sequence, or with --format json values that
    follow one another on one line or many; standard input without FILE, or for -. FILE is a path, a glob in
    quotation marks or a URL; what is compressed is decompressed. Values are written
    as they arrive, byte for byte but for line breaks inside them. What follows a [DONE] is not read.
    """
    from ndstream._cli.input_files import find_names, is_same_file, size_of, status_of

    names = list(files or (STDIN,))
    if text:
        if framing or items or contains or on_error or bad or stats or as_json or on_truncated != "raise":
            raise click.UsageError("--text goes with --max-frame-size alone")
        from ndstream._cli.cat_text import write_texts

        return write_texts(names, max_frame_size or None)
    if items and framing not in (None, "json"):
        raise click.UsageError(f"--items are those of arrays, so that it goes with --format json, not {framing}")
    if any(not needle or "\n" in needle for needle in contains):
        raise click.BadParameter("TEXT must be part of a line, and not empty", param_hint="'--contains'")
    if bad == STDIN:
        raise click.BadParameter(
            "bad frames would mix with the values on standard output; name a file, or /dev/stderr to see them",
            param_hint="'--bad'",
        )
    try:
        names = find_names(names)
    except FileNotFoundError as error:
        say(f"{error.filename}: {error.strerror}")
        return 1
    if bad is not None and any(is_same_file(status_of(bad), status_of(name)) for name in names):
        raise click.BadParameter("FILE is one of those to read", param_hint="'--bad'")

    from ndstream._cli.cat_values import Selection, copy_file
    from ndstream._cli.value_output import ValueOutput

    skips_errors = on_error == "skip" or (on_error is None and bad is not None)
    options = {"on_truncated": on_truncated, "max_frame_size": max_frame_size or None, "items": items}
    figures: Literal["table", "json"] | None = "json" if as_json else "table" if stats else None
    with ExitStack() as closing:
        dead_letters = None
        if bad is not None:
            from ndstream.logs import DeadLetters

            dead_letters = closing.enter_context(DeadLetters(bad))
        target = closing.enter_context(
            ValueOutput(
                skips_errors=skips_errors,
                dead_letters=dead_letters,
                figures=figures,
                total=sum(map(size_of, names)),
            )
        )
        selection = Selection(
            "json" if items else framing, [os.fsencode(needle) for needle in contains], options, max_window or None
        )
        for name in names:
            copy_file(name, selection, target)
    return int(target.failures > 0 or (target.bad_frames > 0 and on_error != "skip"))
