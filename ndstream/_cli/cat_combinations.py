"""Which options of ``ndstream cat`` do not go together, and why. That is checked before anything is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click

from ndstream._cli.messages import STDIN

_REFUSED = (
    ("--workers", "--follow", "a file that is still written has no splits"),
    ("--workers", "--checkpoint", "workers are at several places of a file at the same time"),
    ("--workers", "--unwrap", "the parts of one line may be in two splits"),
    ("--split", "--workers", "it is read by one process"),
    ("--split", "--follow", "it ends where the next one begins"),
    ("--split", "--checkpoint", "it is a part of a file, and done or not"),
    ("--split", "--unwrap", "the parts of one line may be in two splits"),
    ("--follow", "--max-window", "followed files are plain while they are written"),
    ("--follow", "--format", "logs are lines of NDJSON"),
)
_NEEDED = (
    ("--start", "--follow"),
    ("--stop-after-idle", "--follow"),
    ("--on-mismatch", "--checkpoint"),
    ("--seed", "--sample"),
)
_LINES_ONLY = ("--split", "--workers", "--follow", "--checkpoint", "--unwrap", "--sample")
"""These read lines of NDJSON alone."""
_OTHER_FRAMINGS = ("--items", "--on-truncated")
_WITH_TEXT = {"--text", "--max-frame-size", "--max-window"}

REFUSED_HELP = """\b
These do not go together, and are refused:
  --workers    with --follow, --checkpoint, --unwrap; with standard input, pipes and URLs; with archives
               that cannot be split, such as one gzip member (those of bgzip and pzstd can)
  --follow     with standard input, URLs, --format and --max-window
  --checkpoint with standard input: a pipe has no place to go on from
  --split      with FILE, --workers, --follow, --checkpoint and --unwrap
  --text       with all but --max-frame-size and --max-window
  --split, --workers, --follow, --checkpoint, --unwrap and --sample read lines of NDJSON: not with
               --items, --on-truncated or another --format
"""


def check_combination(given: Collection[str], framing: str | None) -> None:
    """Refuse options that do not go together.

    Args:
        given: The options on the command line.
        framing: The framing that was asked for.

    Raises:
        click.UsageError: Two of them do not, or one needs another.
    """
    if "--text" in given and not set(given) <= _WITH_TEXT:
        raise click.UsageError("--text goes with --max-frame-size and --max-window alone")
    for option, other, reason in _REFUSED:
        if option in given and other in given:
            raise click.UsageError(f"{option} does not go with {other}: {reason}")
    for option, needed in _NEEDED:
        if option in given and needed not in given:
            raise click.UsageError(f"{option} goes with {needed}")
    for option in _LINES_ONLY:
        for other in _OTHER_FRAMINGS:
            if option in given and other in given:
                raise click.UsageError(f"{option} does not go with {other}: it reads lines of NDJSON")
        if option in given and framing not in (None, "ndjson"):
            raise click.UsageError(f"{option} does not go with --format {framing}: it reads lines of NDJSON")
    if "--items" in given and framing not in (None, "json"):
        raise click.UsageError(f"--items are those of arrays, so that it goes with --format json, not {framing}")


def check_files(given: Collection[str], names: Sequence[str]) -> None:
    """Refuse files that cannot be read in the way that was asked for.

    Args:
        given: The options on the command line.
        names: The files, as they are named.

    Raises:
        click.UsageError: One of them cannot.
    """
    from ndstream.logs._files.paths import is_pipe_or_device
    from ndstream.logs._files.remote import is_url

    for option in ("--workers", "--follow", "--checkpoint"):
        if option in given and STDIN in names:
            raise click.UsageError(f"{option} does not go with standard input: it needs files, to read at any place")
    for option in ("--workers", "--follow"):
        url = next((name for name in names if is_url(name)), None)
        if option in given and url is not None:
            raise click.UsageError(f"{option} does not go with a URL: {url}")
    if "--workers" in given:
        for name in names:
            if is_pipe_or_device(name):
                raise click.UsageError(f"--workers does not go with a pipe or a device: {name}")
