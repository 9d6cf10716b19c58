"""``ndstream repair``: logs whose last append was interrupted, mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from ndstream._cli.json_output import path_fields, printable
from ndstream._cli.messages import count, say
from ndstream._cli.options import WrittenFile, frame_size_option
from ndstream._cli.output import Output

if TYPE_CHECKING:
    from ndstream.logs import Repair

_WORDS = {
    "repaired": "what an interrupted append left was cut",
    "terminated": "the last value got its line end",
    "complete": "there is nothing to mend",
    "unterminated": "the last value has no line end, and may be a number that was cut; --terminate adds one",
    "bad_line": "the last line is bad and has its line end, which is no interrupted append: it is left as it is",
    "compressed": "this is an archive, which is left as it is",
    "too_large": "the tail is longer than --max-frame-size, so that it is left as it is",
    "growing": "somebody wrote to it at the same time, so that it is left as it is",
}
_REFUSED = ("bad_line", "compressed", "too_large", "growing")

_STATUS = """\b
With --json each file is one object a line: path, status, size, cut (bytes), saved (where they are, or null);
status is one of repaired, terminated, complete, unterminated, bad_line, compressed, too_large, growing.

\b
Exit status:
  0  every file was mended, or there was nothing to mend
  1  a file was left as it is though its end is bad, or could not be read or written
  2  the arguments make no sense
"""


@click.command(epilog=_STATUS, short_help="Cut what an interrupted append left at the end of logs.")
@click.argument("files", nargs=-1, required=True, metavar="FILE ...", type=click.Path())
@click.option("--terminate", is_flag=True, help="Add a line end after a last line that is a value.")
@click.option(
    "--saved",
    metavar="FILE",
    type=WrittenFile(),
    help="Where to save what is cut; by default beside the file. For one file alone.",
)
@frame_size_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each file.")
def repair(files: tuple[str, ...], terminate: bool, saved: str | None, max_frame_size: int, as_json: bool) -> int:
    """Cut what an interrupted append left at the end of logs, and save it beside them.

    What follows the last line end and is no value is cut, and a last line that ends in NUL bytes. Nothing else is
    touched. Nobody may write to the files meanwhile.
    """
    from ndstream import logs
    from ndstream._cli.input_files import find_names

    if saved is not None and len(files) > 1:
        raise click.UsageError("--saved is for one file: leave it out, and each is saved beside its file")
    output = Output()
    status = 0
    for name in find_names(files):
        try:
            done = logs.repair_tail(name, terminate=terminate, saved=saved, max_frame_size=max_frame_size or None)
        except OSError as error:
            say(f"{error.filename or name or repr(name)}: {error.strerror or error}")
            status = 1
            continue
        output.write_all((orjson.dumps(_as_json(name, done)) if as_json else _as_text(name, done).encode()) + b"\n")
        status = status or int(done.status in _REFUSED)
    return status


def _as_text(name: str, done: Repair) -> str:
    saved = "" if done.saved is None else f": {count(done.cut, 'byte')}, saved in {printable(done.saved)}"
    return f"{printable(name)}: {_WORDS[done.status]}{saved}"


def _as_json(name: str, done: Repair) -> dict[str, Any]:
    saved = None if done.saved is None else printable(done.saved)
    return {**path_fields(name), "status": done.status, "size": done.size, "cut": done.cut, "saved": saved}
