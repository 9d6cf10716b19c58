"""The command line: from the arguments to an exit status and, if a command fails, one line that says why.

Importing this module needs neither click nor rich, so that a missing ``cli`` extra can be reported. Each
command is in a file of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from importlib import import_module
from typing import NoReturn

COMMANDS = ("cat", "chat", "check", "demo", "redrive", "repair", "replay", "serve", "split")
"""Each is a function of a module of the same name."""

_SIGPIPE = 13
"""`signal.SIGPIPE`, which Windows does not have."""


def main() -> NoReturn:
    """Run the ``ndstream`` command with the arguments of the process, and end the process.

    The exit status is 0 when all went well, 1 when it did not, and 2 for arguments that make no sense.
    A closed pipe and Ctrl-C end the process by their signals, without a traceback.

    Raises:
        SystemExit: Always, unless a signal ends the process.

    Example:
        ``python -m ndstream cat log.ndjson``
    """
    try:
        status = _run(sys.argv[1:])
    except KeyboardInterrupt:
        _say("interrupted")
        _die_of(signal.SIGINT)
    except BrokenPipeError:
        _die_of(_SIGPIPE)
    except OSError as error:
        file = f"{error.filename or repr(error.filename)}: " if isinstance(error.filename, str) else ""
        _say(f"{file}{error.strerror or error}")
        # If standard output failed, the interpreter would try to flush it again at exit, and print a traceback.
        with contextlib.suppress(OSError):
            if sys.stdout is not None:
                sys.stdout.close()
        status = 1
    except MemoryError:
        _say("out of memory; --max-frame-size limits what a frame may take")
        status = 1
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if "pip install" in str(error):
            # It was raised with words that say how to get it.
            _say(str(error))
        elif library in ("click", "rich"):
            _say('the command line needs click and rich: pip install "ndstream[cli]"')
        elif library in ("starlette", "uvicorn", "httpx"):
            _say('the page needs starlette, uvicorn and httpx: pip install "ndstream[cli,serve]"')
        else:
            raise
        status = 1
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    """Run a command, and return its exit status. An error of usage becomes one line on standard error."""
    import click

    from ndstream import __version__

    class Commands(click.Group):
        """Imports a command when it is used, since ``demo`` needs much that ``cat`` does not."""

        def list_commands(self, ctx: click.Context) -> list[str]:
            return list(COMMANDS)

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            if cmd_name not in COMMANDS:
                return None
            command: click.Command = getattr(import_module(f"ndstream._cli.{cmd_name}"), cmd_name)
            return command

    group = Commands(
        "ndstream",
        help="Streams of JSON values (NDJSON, server-sent events, JSON text sequences) on the command line.",
        no_args_is_help=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    click.version_option(__version__, message="%(prog)s %(version)s")(group)

    # click's `main` turns Ctrl-C and a closed pipe into status 1. Its parts are called here instead:
    # completion for shells, the context, the command.
    instruction = os.environ.get("_NDSTREAM_COMPLETE")
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(group, {}, "ndstream", "_NDSTREAM_COMPLETE", instruction)
    try:
        with group.make_context("ndstream", arguments) as context:
            return int(group.invoke(context) or 0)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "ndstream"
        _say(f"{error.format_message()} (try '{command} --help')")
        return error.exit_code
    except click.ClickException as error:
        _say(error.format_message())
        return error.exit_code


def _say(message: str) -> None:
    # If standard error is closed, print would write to standard output.
    if sys.stderr is not None:
        print("ndstream:", " ".join(message.split()), file=sys.stderr)


def _die_of(number: int) -> NoReturn:
    """End the process by a signal.

    A shell reports 128 + number for an exit status as well, but only after a signal does it also end the loop
    or script that ran the command.
    """
    if sys.platform != "win32":
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(128 + number)
