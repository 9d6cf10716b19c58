"""``ndstream cat --text``: of recorded replies of LLM servers the text, as it comes, and how they ended.

What a model wrote cannot steer a terminal: control characters are shown as U+FFFD there.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import click

from ndstream import llm
from ndstream._cli import progress_bar

_CONTROLS = {code: "\ufffd" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n\r"}


def write_texts(names: Sequence[str], max_frame_size: int | None) -> int:
    """Write the text of each reply with a line end behind it.

    Args:
        names: The files, ``-`` for standard input.
        max_frame_size: The largest frame, in bytes; None for no limit.

    Returns:
        The exit status: 1 where a reply is not whole, or cannot be read.
    """
    output = progress_bar.Output()
    shown = _CONTROLS if output.isatty() else {}
    status = 0
    for name in names:
        label = "standard input" if name == "-" else name
        try:
            # Opened here, so that standard input is read as it comes, and is not closed.
            file = io.FileIO(0 if name == "-" else name, closefd=name != "-")
        except OSError as error:
            _say(f"{label}: {error.strerror}")
            status = 1
            continue
        with file:
            try:
                _write(llm.reply(file, max_frame_size=max_frame_size), output, shown)
            except llm.ReplyTruncatedError as error:
                # What the message advises behind that is for programs.
                _say(f"{label}: {str(error).partition('; ')[0]}")
                status = 1
            except llm.ReplyError as error:
                _say(f"{label}: {error}")
                status = 1
    return status


def _write(reply: llm.Reply, output: progress_bar.Output, shown: dict[int, str]) -> None:
    last = ""
    try:
        for text in reply.texts():
            _write_all(output, (text.translate(shown) if shown else text).encode())
            last = text
    finally:
        if last and not last.endswith("\n"):
            _write_all(output, b"\n")


def _write_all(output: progress_bar.Output, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[output.write(rest) :]


def _say(message: str) -> None:
    click.echo(f"ndstream: {' '.join(message.split())}", err=True)
