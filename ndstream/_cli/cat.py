"""``ndstream cat``: the values of files and pipes, one a line, as they arrive."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from ndstream._cli.cat_combinations import REFUSED_HELP, check_combination, check_files
from ndstream._cli.dead_letters import DEAD_LETTERS_HELP
from ndstream._cli.messages import STDIN, say, with_options
from ndstream._cli.number_range import NumberRange
from ndstream._cli.options import (
    WrittenFile,
    decoding_options,
    figures_of,
    figures_options,
    given_options,
    on_mismatch_option,
)
from ndstream._framing import FORMATS

if TYPE_CHECKING:
    from ndstream.logs import Split

_STATUS = """\b
Exit status:
  0  every frame was good, or bad ones were to be skipped
  1  there was a bad frame, or a file could not be read or written
  2  the arguments make no sense, or do not go together
"""


@click.command(
    epilog=f"{REFUSED_HELP}\n{DEAD_LETTERS_HELP}\n{_STATUS}",
    short_help="Write the values of files and pipes as NDJSON.",
)
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
    "--sample",
    metavar="SHARE",
    type=NumberRange(0, 1, min_open=True),
    help="Only about this share of the lines, the same in every run; others are not decoded.",
)
@click.option("--seed", metavar="NUMBER", type=int, default=0, help="Another number chooses another sample.")
@click.option(
    "--unwrap",
    type=click.Choice(["docker", "cri"]),
    help="Take off the envelopes of a container runtime, and join the parts of long lines.",
)
@click.option("--split", metavar="JSON", help="The lines of one split, as `ndstream split` writes it; without FILE.")
@click.option("--workers", metavar="NUMBER", type=click.IntRange(min=1), help="Decode in so many processes.")
@click.option("-f", "--follow", is_flag=True, help="Wait for what is written to the files, through their rotation.")
@click.option(
    "--start",
    type=click.Choice(["beginning", "end"]),
    default="beginning",
    help="Where to begin in files that are there when --follow begins.",
)
@click.option(
    "--stop-after-idle",
    metavar="SECONDS",
    type=NumberRange(min=0),
    help="End --follow after so long without anything new.",
)
@click.option(
    "--checkpoint",
    metavar="FILE",
    type=WrittenFile(),
    help="Save in FILE how far everything was written, and go on from there the next time.",
)
@on_mismatch_option
@click.option(
    "--on-error",
    type=click.Choice(["raise", "skip"]),
    help="At a bad frame: stop (the default), or count it and go on.",
)
@click.option(
    "--bad",
    metavar="FILE",
    type=click.Path(),
    help="Write bad frames to FILE and go on; with --checkpoint or --follow they are appended.",
)
@click.option(
    "--on-truncated",
    type=click.Choice(["raise", "discard", "emit"]),
    default="raise",
    help="An event without its blank line at the end is bad, dropped, or written.",
)
@decoding_options
@click.option("--text", is_flag=True, help="Of recorded replies of LLM servers, the text alone.")
@figures_options
@click.pass_context
def cat(context: click.Context, /, files: tuple[str, ...], **options: Any) -> int:
    """Write the values of files and pipes to standard output as NDJSON.

    The input is NDJSON, server-sent events or a JSON text sequence, or with --format json values that
    follow one another on one line or many; standard input without FILE, or for -. FILE is a path, a glob in
    quotation marks or a URL; what is compressed is decompressed. Values are written
    as they arrive, byte for byte but for line breaks inside them. What follows a [DONE] is not read.
    """
    given = given_options(context)
    names = list(files or (STDIN,))
    contains, bad = options["contains"], options["bad"]
    check_combination(given, options["framing"])
    if options["text"]:
        return _write_texts(names, options)
    if any(not needle or "\n" in needle for needle in contains):
        raise click.BadParameter("TEXT must be part of a line, and not empty", param_hint="'--contains'")
    if bad == STDIN:
        raise click.BadParameter(
            "bad frames would mix with the values on standard output; name a file, or /dev/stderr to see them",
            param_hint="'--bad'",
        )
    from ndstream._cli.input_files import check_written, find_names, is_same_file, status_of
    from ndstream._errors import StreamError

    split = None if options["split"] is None else _split_of(options["split"])
    if split is not None and files:
        raise click.UsageError("--split names its file: leave out FILE")
    if split is not None:
        names = [split.path]
    check_files(given, names)
    if not options["follow"] and split is None:
        names = find_names(names)
        check_files(given, names)
    check_written({"--bad": bad, "--checkpoint": options["checkpoint"]})
    for option, written in (("--bad", bad), ("--checkpoint", options["checkpoint"])):
        if written is not None and any(is_same_file(status_of(written), status_of(name)) for name in names):
            raise click.BadParameter("FILE is one of those to read", param_hint=f"'{option}'")
    try:
        return _copy(names, split, options)
    except StreamError as error:
        # A checkpoint or a file that nothing can be done with.
        say(with_options(str(error)))
        return 1


def _write_texts(names: list[str], options: dict[str, Any]) -> int:
    from ndstream._cli.cat_text import write_texts
    from ndstream._cli.input_files import find_names

    return write_texts(find_names(names), options["max_frame_size"] or None, options["max_window"] or None)


def _split_of(text: str) -> Split:
    import orjson

    from ndstream._cli.split import split_from_json

    try:
        return split_from_json(orjson.loads(os.fsencode(text)))
    except (KeyError, TypeError, ValueError) as error:
        raise click.BadParameter(
            f"this is no line of `ndstream split`: {type(error).__name__}: {error}", param_hint="'--split'"
        ) from None


def _copy(names: list[str], split: Split | None, options: dict[str, Any]) -> int:
    from ndstream._cli.cat_values import copy_file
    from ndstream._cli.input_files import size_of
    from ndstream._cli.selection import Selection
    from ndstream._cli.value_output import ValueOutput

    bad, on_error, workers = options["bad"], options["on_error"], options["workers"]
    needles = [os.fsencode(needle) for needle in options["contains"]]
    decoding = {"max_frame_size": options["max_frame_size"] or None}
    max_window = options["max_window"] or None
    selection = Selection(
        "json" if options["items"] else options["framing"],
        needles,
        {**decoding, "on_truncated": options["on_truncated"], "items": options["items"]},
        max_window,
    )
    sample = {} if options["sample"] is None else {"sample": options["sample"], "seed": options["seed"]}
    goes_on = options["follow"] or options["checkpoint"] is not None
    planned = []
    if workers is not None:
        from ndstream._cli.cat_workers import copy_splits, plan

        planned = plan(names, selection, workers)
    with ExitStack() as closing:
        dead_letters = None
        if bad is not None:
            from ndstream._cli.dead_letters import open_dead_letters

            dead_letters = closing.enter_context(open_dead_letters(bad, append=goes_on))
        target = closing.enter_context(
            ValueOutput(
                skips_errors=on_error == "skip" or (on_error is None and bad is not None),
                dead_letters=dead_letters,
                figures=figures_of(options),
                total=0 if options["follow"] or split is not None else sum(map(size_of, names)),
            )
        )
        if workers is not None:
            copy_splits(planned, selection, sample, target, workers)
        elif goes_on or options["unwrap"] is not None or sample or split is not None:
            from ndstream._cli.cat_logs import copy_logs

            follow = {name: options[name] for name in ("start", "stop_after_idle")} if options["follow"] else None
            copy_logs(
                names if split is None else split,
                target,
                checkpoint=options["checkpoint"],
                on_mismatch=options["on_mismatch"],
                unwrap=options["unwrap"],
                follow=follow,
                options={
                    **decoding,
                    **sample,
                    "contains": needles or None,
                    **({} if options["follow"] else {"max_window": max_window}),
                },
            )
        else:
            for name in names:
                copy_file(name, selection, target)
    return int(target.failures > 0 or (target.bad_frames > 0 and on_error != "skip"))
