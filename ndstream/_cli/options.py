"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ndstream._cli.messages import STDIN
from ndstream._core import DEFAULT_MAX_FRAME_SIZE

if TYPE_CHECKING:
    from ndstream._cli.figures import Figures

_Command = TypeVar("_Command", bound=Callable[..., Any])


class WrittenFile(click.Path):
    """A file that a command writes and may read: never standard output, where other bytes go."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("the name of the file is empty", param, ctx)
        if value == STDIN:
            self.fail("standard output (-) cannot be this file: name one", param, ctx)
        return super().convert(value, param, ctx)


def decoding_options(command: _Command) -> _Command:
    """The limits on what a line and decompressing may take."""
    window = click.option(
        "--max-window",
        metavar="BYTES",
        type=click.IntRange(min=0),
        default=128 * 1024 * 1024,
        help="The most memory that decompressing may take; 0 for no limit, 128 MiB by default.",
    )
    return frame_size_option(window(command))


def frame_size_option(command: _Command) -> _Command:
    """The limit on what a frame may take."""
    return click.option(
        "--max-frame-size",
        metavar="BYTES",
        type=click.IntRange(min=0),
        default=DEFAULT_MAX_FRAME_SIZE,
        help="A longer frame is a bad one; 0 for no limit, 16 MiB by default.",
    )(command)


def on_mismatch_option(command: _Command) -> _Command:
    """What to do about a checkpoint of another file."""
    return click.option(
        "--on-mismatch",
        type=click.Choice(["raise", "restart"]),
        default="raise",
        help="If a file is not the one of the checkpoint: fail (the default), or read it from its beginning.",
    )(command)


def figures_options(command: _Command) -> _Command:
    """How much was read is written at the end, to standard error."""
    table = click.option("--stats", is_flag=True, help="At the end, a table on standard error: how much was read.")
    as_json = click.option("--json", "as_json", is_flag=True, help="The same as one JSON object, on standard error.")
    return table(as_json(command))


def given_options(context: click.Context) -> set[str]:
    """The options on the command line, by their long names."""
    source = click.core.ParameterSource.COMMANDLINE
    return {
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if isinstance(parameter, click.Option) and context.get_parameter_source(str(parameter.name)) is source
    }


def figures_of(options: dict[str, Any]) -> Figures | None:
    """The form that `figures_options` ask for."""
    return "json" if options["as_json"] else "table" if options["stats"] else None
