"""``ndstream cat --text``: of recorded replies of LLM servers the text, as it comes, and how they ended.

What a model wrote cannot steer a terminal: control characters are shown as U+FFFD there.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from ndstream import llm
from ndstream._cli.control_characters import without_controls
from ndstream._cli.input_files import open_input
from ndstream._cli.messages import label, say, with_options
from ndstream._cli.output import Output
from ndstream.logs import LogFileError


def write_texts(names: Sequence[str], max_frame_size: int | None, max_window: int | None) -> int:
    """Write the text of each reply, with a line end after it.

    Args:
        names: Paths and URLs of files, which may be compressed; ``-`` for standard input.
        max_frame_size: The largest frame, in bytes; None for no limit.
        max_window: How much memory decompressing may take, in bytes; None for no limit.

    Returns:
        The exit status: 1 if a reply is not whole, or cannot be read.
    """
    output = Output()
    status = 0
    for name in names:
        try:
            file = open_input(name, max_window)
        except (OSError, ModuleNotFoundError) as error:
            say(f"{label(name)}: {getattr(error, 'strerror', None) or error}")
            status = 1
            continue
        with closing(file):
            try:
                _write(llm.reply(file.chunks, max_frame_size=max_frame_size), output)
            except llm.ReplyTruncatedError as error:
                damage = _damage_behind(error)
                # The advice that follows in the message is for programs.
                words = f"{label(name)}: {str(error).partition('; ')[0]}"
                say(words if damage is None else with_options(str(damage)))
                status = 1
            except llm.ReplyError as error:
                say(f"{label(name)}: {error}")
                status = 1
    return status


def _damage_behind(error: BaseException) -> LogFileError | None:
    """What is wrong with the file, if that is why the reply ended."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, LogFileError):
        cause = cause.__cause__
    return cause


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
