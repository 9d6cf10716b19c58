"""What a worker of ``ndstream cat --workers`` does: it says which ranges of a split are good lines.

No value goes from one process to another, and lines only if they are few or had to be changed: those that were
selected, and those with carriage returns or blank lines around them.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import orjson

from ndstream._cli.good_lines import GoodLines
from ndstream._cli.selection import Selection, line_of
from ndstream._core import NDJSONDecoder
from ndstream._errors import FrameTooLargeError, StreamError
from ndstream.logs import LogFileError, Split
from ndstream.logs._splits.open_split import open_split

MAX_ERRORS = 10_000
"""A worker gives back what it has after so many bad lines, so that a file of nothing else takes no memory."""


@dataclass
class Checked:
    """What a worker says of a split.

    Attributes:
        pieces: Ranges of the content to copy, as their two ends, and lines to write, in order.
        errors: What is wrong with the bad lines.
        lines: How many lines were checked.
        values: How many of them were good, and wanted.
        bad: How many were bad.
        stop: Where the checked content ends, in bytes.
        failure: What ended the file early; None if nothing did.
        is_done: Whether a [DONE] ends the file.
        goes_on: Whether something follows it in the split.
        rest: What is left of the split after too many errors; None if nothing is.
    """

    pieces: list[tuple[int, int] | bytes] = field(default_factory=list)
    errors: list[StreamError] = field(default_factory=list)
    lines: int = 0
    values: int = 0
    bad: int = 0
    stop: int = 0
    failure: Exception | None = None
    is_done: bool = False
    goes_on: bool = False
    rest: Split | None = None

    def copy(self, start: int, stop: int, pieces: Sequence[bytes | memoryview]) -> None:
        """Note a range to copy."""
        last = self.pieces[-1] if self.pieces else None
        if isinstance(last, tuple) and last[1] == start:
            self.pieces[-1] = last[0], stop
        else:
            self.pieces.append((start, stop))

    def write(self, data: bytes) -> None:
        """Note lines to write."""
        if data:
            self.pieces.append(data)


class _TooManyErrors(Exception):
    pass


def check_split(split: Split, selection: Selection, sample: dict[str, Any], stops: bool) -> Checked:
    """Check the lines of a split. This is what a worker does.

    Args:
        split: The split.
        selection: Which lines are wanted.
        sample: The share of the lines that is wanted, as options of the decoder.
        stops: Whether the first bad line is the last one to look at.
    """
    checked = Checked()
    selects = bool(selection.needles or sample)
    decoder: NDJSONDecoder[Any] = NDJSONDecoder(
        loads=line_of if selects else orjson.loads,
        contains=selection.needles or None,
        max_frame_size=selection.options["max_frame_size"],
        done="[DONE]",
        **sample,
    )

    def note(error: StreamError) -> None:
        checked.errors.append(error)
        # After an over-long line the decoder is still in it.
        if stops or (len(checked.errors) >= MAX_ERRORS and not isinstance(error, FrameTooLargeError)):
            raise _TooManyErrors

    try:
        file = open_split(split.path, split=split, max_window=selection.max_window, ahead=0)
    except (OSError, LogFileError) as error:
        checked.failure = error
        return checked
    decoder.reset(offset=file.offset)
    content_end, read_to_end, chunk = file.offset, False, b""

    def read_chunks() -> Iterator[bytes]:
        nonlocal content_end, read_to_end, chunk
        for chunk in map(bytes, file.chunks):
            content_end += len(chunk)
            yield chunk
        read_to_end = True

    try:
        if selects:
            _write_selected(read_chunks(), decoder, checked, note)
        else:
            lines = GoodLines(decoder, checked, note)
            for piece in read_chunks():
                lines.feed(piece)
                if decoder.done:
                    break
            lines.finish()
        if decoder.done:
            rest = chunk[len(chunk) - (content_end - decoder.offset) :]
            checked.goes_on = bool(rest.strip() or bytes(next(file.chunks, b"")).strip())
    except _TooManyErrors:
        # The decoder stays before a last line that was cut, behind which nothing is left.
        checked.rest = None if stops or read_to_end else replace(split, start=decoder.offset)
    except (OSError, LogFileError) as error:
        checked.failure = error
        if isinstance(error, LogFileError) and decoder.pending:
            error._note_cut(decoder._fail(error))
    finally:
        file.close()
    checked.lines = decoder.line + (read_to_end and decoder.offset < content_end)
    checked.values, checked.bad = decoder.frames, decoder.errors
    checked.stop, checked.is_done = decoder.offset, decoder.done
    return checked


def _write_selected(
    chunks: Iterator[bytes], decoder: NDJSONDecoder[bytes], checked: Checked, note: Callable[[StreamError], object]
) -> None:
    for chunk in chain(chunks, [b""]):
        lines = decoder.feed(chunk) if chunk else decoder.finish()
        while True:
            # What came before a bad line stays in the list.
            selected: list[bytes] = []
            try:
                selected.extend(lines)
                break
            except StreamError as error:
                note(error)
            finally:
                checked.write(b"".join(selected))
        if decoder.done:
            return


def begin_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
