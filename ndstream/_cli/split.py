"""``ndstream split``: log files cut into pieces that can be read by themselves, on any machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
import orjson

from ndstream._cli.json_output import path_fields, path_of
from ndstream._cli.messages import say, with_options
from ndstream._cli.output import Output

if TYPE_CHECKING:
    from ndstream.logs import Split

_HELP = """\b
Each split is one JSON object a line, which `ndstream cat --split` reads:
  path, format        the file; "path_base64" has the exact bytes of a name that is not UTF-8
  start, stop         the lines whose first byte is between these offsets of the content; null for its end
  member              of an archive, where decompression begins: its offsets in the content and in the file
  size, head_size, head  by which the file is known again
  unsplittable        why the file is one split, or null
  stop_member         of an archive, where in the file the next split begins, or null

\b
For example, with four processes at a time:
  ndstream split app.log --size 64000000 | xargs -d '\\n' -P 4 -n 1 ndstream cat --split > /dev/null

\b
Exit status:
  0  all files were split, those that cannot be into one split
  1  a file cannot be read
  2  the arguments make no sense
"""


@click.command(epilog=_HELP, short_help="Cut logs into splits that are read one by one, anywhere.")
@click.argument("files", nargs=-1, required=True, metavar="FILE ...", type=click.Path())
@click.option(
    "--size",
    metavar="BYTES",
    type=click.IntRange(min=1),
    default=64 * 1024 * 1024,
    help="How large a split is at least, as stored; 64 MiB by default.",
)
def split(files: tuple[str, ...], size: int) -> int:
    """Write to standard output into which splits log files can be cut. The files are not changed.

    Plain files are cut anywhere, archives where bgzip or pzstd began a new member. FILE is a path, a glob in
    quotation marks or a URL.
    """
    from ndstream import logs

    try:
        found = logs.splits(files, size)
    except (ValueError, logs.LogFileError) as error:
        say(with_options(str(error)))
        return 1
    output = Output()
    for each in found:
        output.write_all(orjson.dumps(split_to_json(each)) + b"\n")
        if each.unsplittable is not None:
            say(f"{each.path} is one split: {each.unsplittable}")
    return 0


def split_to_json(split: Split) -> dict[str, Any]:
    """The split as values of JSON."""
    return {
        **path_fields(split.path),
        "format": split.format,
        "start": split.start,
        "stop": split.stop,
        "member": list(split.member),
        "size": split.size,
        "head_size": split.head_size,
        "head": split.head,
        "unsplittable": split.unsplittable,
        "stop_member": split.stop_member,
    }


def split_from_json(values: Mapping[str, Any]) -> Split:
    """The split in values of JSON.

    Raises:
        KeyError, TypeError, ValueError: There is none.
    """
    from ndstream.logs import Member, Split

    numbers = [values["start"], values["head_size"], *values["member"]]
    numbers += [values[name] for name in ("stop", "size", "stop_member") if values[name] is not None]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise ValueError("its numbers must be integers from 0 on")
    if not all(isinstance(values[name], str) for name in ("format", "head")):
        raise TypeError("its format and head must be strings")
    return Split(
        path_of(values), values["format"], values["start"], values["stop"], Member(*values["member"]),
        values["size"], values["head_size"], values["head"], values["unsplittable"], values["stop_member"],
    )  # fmt: skip
