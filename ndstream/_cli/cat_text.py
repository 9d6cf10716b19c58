"""``ndstream cat --text``: of recorded replies of LLM servers the text, as it comes, and how they ended.

What a model wrote cannot steer a terminal: control characters are shown as U+FFFD there.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from ndstream import llm
from ndstream._cli.control_characters import without_controls
from ndstream._cli.messages import STDIN, label, say
from ndstream._cli.output import Output


def write_texts(names: Sequence[str], max_frame_size: int | None) -> int:
    """Write the text of each reply, with a line end after it.

    Args:
        names: The files, ``-`` for standard input.
        max_frame_size: The largest frame, in bytes; None for no limit.

    Returns:
        The exit status: 1 if a reply is not whole, or cannot be read.
    """
    output = Output()
    status = 0
    for name in names:
        try:
            # Opened here, so that standard input is read as it comes, and is not closed.
            file = io.FileIO(0 if name == STDIN else name, closefd=name != STDIN)
        except OSError as error:
            say(f"{label(name)}: {error.strerror}")
            status = 1
            continue
        with file:
            try:
                _write(llm.reply(file, max_frame_size=max_frame_size), output)
            except llm.ReplyTruncatedError as error:
                # The advice that follows in the message is for programs.
                say(f"{label(name)}: {str(error).partition('; ')[0]}")
                status = 1
            except llm.ReplyError as error:
                say(f"{label(name)}: {error}")
                status = 1
    return status


def _write(reply: llm.Reply, output: Output) -> None:
    shown = without_controls if output.isatty() else str
    last = ""
    try:
        for text in reply.texts():
            output.write_all(shown(text).encode())
            last = text
    except llm.ReplyError:
        _end_line(last, output)
        raise
    _end_line(last, output)


def _end_line(last: str, output: Output) -> None:
    if last and not last.endswith("\n"):
        output.write_all(b"\n")
