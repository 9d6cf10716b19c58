"""What the commands say on standard error: each message on one line, in the words of the command line."""

from __future__ import annotations

import re

import click

STDIN = "-"
"""The name of standard input among files."""

_OPTIONS = {
    "max_frame_size": "--max-frame-size",
    "max_window": "--max-window",
    "leave out unwrap=": "leave out --unwrap",
    "still_bad=": "--still-bad",
    "driven=": "--driven",
    "read twice: use read()": "read twice: use ndstream cat",
    'on_mismatch="restart"': "--on-mismatch restart",
    "None for no limit": "0 for no limit",
    'on_truncated="emit", or "discard"': "--on-truncated=emit, or --on-truncated=discard",
    "use sse(), or stream() to take their JSON": "use --format sse",
    "use ndjson()": "use --format ndjson",
    "use jsonseq()": "use --format jsonseq",
    "use concatenated(), with items=True": "use --items",
    "use concatenated()": "use --format json",
    "; or, if the source removed the line ends, pass the response itself, not its iter_lines()": "",
}
"""What errors advise to programs, and what does the same on the command line."""


def say(message: str) -> None:
    """Write a message on one line, whatever line ends it holds."""
    click.echo(f"ndstream: {' '.join(message.split())}", err=True)


def label(name: str) -> str:
    """What to call a file."""
    return "standard input" if name == STDIN else name or "''"


def bad_frame(name: str, message: str) -> str:
    """What to say of a bad frame that ends the run."""
    return f"{label(name)}: {message}; to go on after it: --bad FILE or --on-error skip"


def count(number: int, noun: str) -> str:
    """A number of things.

    Example:
        >>> count(1200, "value")
        '1,200 values'
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def with_options(message: str, *, has_format: bool = True) -> str:
    """Rewrite the advice of an error, which names arguments of functions, with the options of the command.

    The bytes of a frame that the message shows stay as they are. A command that has no ``--format`` names the one
    that has.

    Example:
        >>> with_options("the line is longer than max_frame_size=9 bytes: b'max_frame_size'")
        "the line is longer than --max-frame-size=9 bytes: b'max_frame_size'"
    """
    # A frame is shown as a bytes literal, in which no quote of its own kind is without a backslash.
    parts = re.split(r"""(b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*")""", message)
    for index in range(0, len(parts), 2):
        for argument, option in _OPTIONS.items():
            advice = option if has_format else option.replace("use --", "use ndstream cat --")
            parts[index] = parts[index].replace(argument, advice)
    return "".join(parts)
