"""What ``ndstream cat`` does with each file: values to standard output, bad frames to their file, counts.

A value is written as it was read: orjson says whether the payload is JSON, and then the payload's own
bytes go out, so that no digit of a long number and no escape is altered. Line breaks are the one
exception; between the tokens of a JSON text they mean nothing, so they are left out.

Nothing but that happens per value. Output is flushed, and the progress bar moved, once per chunk, just
before the next one is read: at that moment all that has arrived is decoded, so no value waits for the
next chunk. That order is why the decoders are driven here, and not by a stream.
"""

from __future__ import annotations

import io
import os
import stat
import time
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click
import orjson

from ndstream._cli import messages
from ndstream._cli.messages import STDIN
from ndstream._cli.progress_bar import Bar, Output
from ndstream._core import Decoder, NDJSONDecoder
from ndstream._errors import StreamError
from ndstream._framing import Format, make_decoder, sniffed

if TYPE_CHECKING:
    from ndstream.logs import DeadLetters

_CHUNK_SIZE = 64 * 1024
_LF, _CR = b"\n\r"


class ValueCopy:
    """Copies the values of one file after another; as a context manager, it ends the output.

    If the run was interrupted, what is buffered is dropped: the output is then a beginning of what it would
    have been, and whoever reads it slowly keeps the process no longer. On any other end it is written.

    Args:
        framing: The framing of all files; None to detect that of each.
        needle: Bytes that a payload must hold; b"" for any.
        options: Further options of the decoders.
        skips_errors: Whether to go on after a bad frame.
        dead_letters: Where bad frames are written.

    Attributes:
        output: Standard output, without a buffer.
        bar: The progress bar, if there is one.
        values: How many values were written.
        bad_frames: How many frames were bad.
        bytes: How many bytes were read.
    """

    def __init__(
        self,
        framing: Format | None,
        needle: bytes,
        options: dict[str, Any],
        skips_errors: bool,
        dead_letters: DeadLetters | None,
    ) -> None:
        self.framing = framing
        self.needle = needle
        self.options = options
        self.skips_errors = skips_errors
        self.dead_letters = dead_letters
        self.output = Output()
        self.bar: Bar | None = None
        self.values = self.bad_frames = self.bytes = 0
        self._buffer = io.BufferedWriter(self.output, 4 * _CHUNK_SIZE)
        self._began = time.perf_counter()

    def __enter__(self) -> ValueCopy:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is None or issubclass(kind, Exception):
                self._buffer.flush()
        finally:
            # Otherwise the buffer, when it is collected, would write what is left.
            self.output.close()
            if self.bar is not None:
                self.bar.close(self.bytes)
                self.bar = None

    def copy_file(self, name: str) -> bool:
        """Copy one file.

        Args:
            name: Its path, or ``-`` for standard input.

        Returns:
            False if it could not be read to its end.

        Raises:
            click.exceptions.Exit: It holds a bad frame, and they are not skipped.
        """
        try:
            file = io.FileIO(0 if name == STDIN else name, closefd=name != STDIN)
        except OSError as error:
            self.say(f"{messages.label(name)}: {error.strerror}")
            return False
        with file:
            if is_same_file(os.fstat(file.fileno()), os.fstat(1)):
                self.say(f"{messages.label(name)}: this is the output as well")
                return False
            if self.bar is not None:
                self.bar.begin(Path(messages.label(name)).name)
            return self._copy_chunks(file.fileno(), name)

    def say(self, message: str) -> None:
        """Write a message to standard error, clear of the bar."""
        with nullcontext() if self.bar is None else self.bar.hidden():
            messages.say(message)

    def report(self, stats: bool) -> None:
        """Say what became of bad frames and, if asked to, how much passed."""
        bad = messages.count(self.bad_frames, "bad frame")
        if self.bad_frames and self.skips_errors:
            self.say(f"{bad} skipped" if self.dead_letters is None else f"{bad} written to {self.dead_letters.path}")
        if stats:
            seconds = time.perf_counter() - self._began
            self.say(
                f"{messages.count(self.values, 'value')}, {bad}, {messages.count(self.bytes, 'byte')} "
                f"in {seconds:.2f} s: {self.values / seconds:,.0f} values/s, {self.bytes / seconds / 1e6:,.1f} MB/s"
            )

    def _copy_chunks(self, descriptor: int, name: str) -> bool:
        first_bytes = sniffed(self._new_decoder)
        decoder = None if self.framing is None else self._new_decoder(self.framing)
        before = self.bytes
        try:
            while decoder is None or not decoder.done:
                self._buffer.flush()
                try:
                    chunk = os.read(descriptor, _CHUNK_SIZE)
                except OSError as error:
                    if decoder is not None and decoder.pending:
                        self._record_bad_frame(name, decoder._fail(error), None)
                    self.say(f"{messages.label(name)}: {error.strerror}")
                    return False
                self.bytes += len(chunk)
                if self.bar is not None:
                    self.bar.move(self.bytes)
                decoder = first_bytes.feed(chunk, not chunk) if decoder is None else decoder.feed(chunk)
                if decoder is not None:
                    self._write_lines(decoder if chunk else decoder.finish(), name)
                if not chunk:
                    return True
            self._report_unread_rest(descriptor, decoder.offset - (self.bytes - before), name)
            return True
        finally:
            self.values += 0 if decoder is None else decoder.frames

    def _new_decoder(self, framing: Format) -> Decoder[bytes]:
        """A decoder whose values are lines to write."""
        # These two find the needle themselves; in other framings only the payload can tell.
        filters_payloads = bool(self.needle) and framing not in ("ndjson", "json")
        return make_decoder(
            framing,
            loads=self._line_if_wanted if filters_payloads else _line,
            contains=None if filters_payloads else self.needle or None,
            on_error="raise",
            # Among the elements of arrays [DONE] is an array.
            done=None if self.options["items"] else "[DONE]",
            require_done=False,
            **self.options,
        )

    def _line_if_wanted(self, payload: bytes) -> bytes:
        if self.needle in payload:
            return _line(payload)
        self.values -= 1
        return b""

    def _write_lines(self, decoder: Decoder[bytes], name: str) -> None:
        while True:
            try:
                return self._buffer.writelines(decoder)
            except StreamError as error:
                is_read_again = name != STDIN and isinstance(decoder, NDJSONDecoder)
                self._record_bad_frame(name, error, name if is_read_again else None)
                if not self.skips_errors:
                    self._buffer.flush()
                    self.say(f"{messages.label(name)}: {messages.with_options(str(error))}")
                    raise click.exceptions.Exit(1) from None

    def _record_bad_frame(self, name: str, error: StreamError, source: str | None) -> None:
        if self.dead_letters is not None:
            self.dead_letters.write(name, error, messages.with_options(str(error)), source=source)
        self.bad_frames += 1

    def _report_unread_rest(self, descriptor: int, position: int, name: str) -> None:
        """Say so if a file goes on after its [DONE], since that part is not written."""
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.lseek(descriptor, position, os.SEEK_CUR)
            if os.read(descriptor, _CHUNK_SIZE).strip():
                self.say(f"{messages.label(name)}: ended at its [DONE]; what follows it was not read")


def is_same_file(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    """Whether these are one regular file: reading it would undo writing it, or never end."""
    return one is not None and other is not None and stat.S_ISREG(one.st_mode) and os.path.samestat(one, other)


def _line(payload: bytes) -> bytes:
    """The payload as a line, if it is JSON."""
    orjson.loads(payload)
    # Byte values, since searching for b"\n" takes ten times as long: Python tries it as a number first.
    if _LF in payload or _CR in payload:
        # JSON strings hold no line breaks: the white space around one is between two tokens.
        payload = b"".join(map(bytes.strip, payload.splitlines()))
    return payload + b"\n"
