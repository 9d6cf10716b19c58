"""``ndstream cat``: the values of files and pipes, one a line, as they arrive.

A value is written as it was read: orjson says whether the payload is JSON, and then the payload's own
bytes go out, so that no digit of a long number and no escape is altered. Line breaks are the one
exception; between the tokens of a JSON text they mean nothing, so they are left out.

Nothing but that happens per value. Output is flushed, and the progress bar moved, once per chunk, just
before the next one is read: at that moment all that has arrived is decoded, so nothing waits with it.
That order is why the decoders are driven here, and not by a stream.
"""

from __future__ import annotations

import io
import os
import re
import stat
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import click
import orjson

from ndstream._cli import dead_letters, progress_bar
from ndstream._core import Decoder
from ndstream._errors import StreamError
from ndstream._framing import DEFAULT_MAX_FRAME_SIZE, FORMATS, Format, make_decoder, sniffed

_CHUNK_SIZE = 64 * 1024
_STDIN = "-"
_LF, _CR = b"\n\r"

_STATUS = """\b
Exit status:
  0  every frame was good, or bad ones were to be skipped
  1  there was a bad frame, or a file could not be read or written
  2  the arguments make no sense
"""


@click.command(epilog=f"{dead_letters.FORMAT}\n{_STATUS}", short_help="Write the values of files and pipes as NDJSON.")
@click.argument("files", nargs=-1, metavar="[FILE ... | -]", type=click.Path())
@click.option(
    "--format", "framing", type=click.Choice(FORMATS), help="The framing; by default the first bytes tell it."
)
@click.option("--contains", metavar="TEXT", help="Only values whose bytes hold TEXT; others are not decoded.")
@click.option(
    "--on-error",
    type=click.Choice(["raise", "skip"]),
    help="At a bad frame: stop (the default), or count it and go on.",
)
@click.option("--bad", metavar="FILE", type=click.Path(), help="Write bad frames to FILE and go on.")
@click.option(
    "--on-truncated",
    type=click.Choice(["raise", "discard", "emit"]),
    default="raise",
    help="An event without its blank line at the end is bad, dropped, or taken.",
)
@click.option(
    "--max-frame-size",
    metavar="BYTES",
    type=click.IntRange(min=0),
    default=DEFAULT_MAX_FRAME_SIZE,
    help="A longer frame is a bad one; 0 for no limit, 16 MiB by default.",
)
@click.option("--text", is_flag=True, help="Of recorded replies of LLM servers, the text alone.")
@click.option("--stats", is_flag=True, help="Tell at the end, on standard error, how much has passed.")
def cat(
    files: tuple[str, ...],
    framing: Format | None,
    contains: str | None,
    on_error: str | None,
    bad: str | None,
    on_truncated: str,
    max_frame_size: int,
    text: bool,
    stats: bool,
) -> int:
    """Write the values of files and pipes to standard output as NDJSON.

    The input is NDJSON, server-sent events or a JSON text sequence; standard input without FILE, or
    for -. Values are written as they arrive, byte for byte but for line breaks inside them. What
    stands behind a [DONE] is not read.
    """
    names = files or (_STDIN,)
    if text:
        if framing or contains or on_error or bad or stats or on_truncated != "raise":
            raise click.UsageError("--text goes with --max-frame-size alone")
        from ndstream._cli.cat_text import write_texts

        return write_texts(names, max_frame_size or None)
    if contains is not None and (not contains or "\n" in contains):
        raise click.BadParameter("TEXT must be part of a line, and not empty", param_hint="'--contains'")
    if bad is not None and any(_is_same(_status(bad), _status(name)) for name in names):
        raise click.BadParameter("FILE is one of those to read", param_hint="'--bad'")
    goes_on = on_error == "skip" or (on_error is None and bad is not None)
    options = {"on_truncated": on_truncated, "max_frame_size": max_frame_size or None}
    with ExitStack() as closing:
        copy = _Copy(framing, os.fsencode(contains or ""), options, goes_on)
        # However the run ends: what was read is written first, then the bar is done, then come the words.
        closing.callback(copy.report, stats)
        if bad is not None:
            copy.dead_letters = dead_letters.DeadLetters(bad)
            closing.callback(copy.dead_letters.close)
        copy.bar = progress_bar.make_bar(sum(map(_size, names)), copy.raw_output)
        closing.callback(copy.close)
        unread = sum(not copy.file(name) for name in names)
    return int(unread > 0 or (copy.bad > 0 and on_error != "skip"))


class _Copy:
    """A run of ``cat``: the output, what stands beside it, and the counts."""

    def __init__(self, framing: Format | None, needle: bytes, options: dict[str, Any], goes_on: bool) -> None:
        self.framing = framing
        self.needle = needle
        self.options = options
        self.goes_on = goes_on
        self.raw_output = progress_bar.Output()
        self.output = io.BufferedWriter(self.raw_output, 4 * _CHUNK_SIZE)
        self.dead_letters: dead_letters.DeadLetters | None = None
        self.bar: progress_bar.Bar | None = None
        self.values = self.bad = self.bytes = 0
        self.began = time.perf_counter()

    def file(self, name: str) -> bool:
        """Copy one file; False where it cannot be read."""
        try:
            file = io.FileIO(0 if name == _STDIN else name, closefd=name != _STDIN)
        except OSError as error:
            self.say(f"{_label(name)}: {error.strerror}")
            return False
        with file:
            if _is_same(os.fstat(file.fileno()), os.fstat(1)):
                self.say(f"{_label(name)}: this is the output as well")
                return False
            if self.bar is not None:
                self.bar.begin(Path(_label(name)).name)
            return self.chunks(file.fileno(), name)

    def chunks(self, descriptor: int, name: str) -> bool:
        """Copy what can be read; False where that fails before the end."""
        first_bytes = sniffed(self.decoder)
        decoder = None if self.framing is None else self.decoder(self.framing)
        before = self.bytes
        try:
            while decoder is None or not decoder.done:
                self.output.flush()
                try:
                    chunk = os.read(descriptor, _CHUNK_SIZE)
                except OSError as error:
                    if decoder is not None and decoder.pending:
                        self.keep(name, decoder._fail(error))
                    self.say(f"{_label(name)}: {error.strerror}")
                    return False
                self.bytes += len(chunk)
                if self.bar is not None:
                    self.bar.move(self.bytes)
                decoder = first_bytes.feed(chunk, not chunk) if decoder is None else decoder.feed(chunk)
                if decoder is not None:
                    self.lines(decoder if chunk else decoder.finish(), name)
                if not chunk:
                    return True
            self.tell_rest(descriptor, decoder.offset - (self.bytes - before), name)
            return True
        finally:
            self.values += 0 if decoder is None else decoder.frames

    def decoder(self, framing: Format) -> Decoder[bytes]:
        """A decoder that yields lines to write."""
        # NDJSON lines without the needle are not even cut out; in other framings only the payload can tell.
        sifting = bool(self.needle) and framing != "ndjson"
        return make_decoder(
            framing,
            loads=self.sift if sifting else _line,
            contains=None if sifting else self.needle or None,
            on_error="raise",
            done="[DONE]",
            require_done=False,
            **self.options,
        )

    def sift(self, payload: bytes) -> bytes:
        if self.needle in payload:
            return _line(payload)
        self.values -= 1
        return b""

    def lines(self, decoder: Decoder[bytes], name: str) -> None:
        """Write what the decoder has, past bad frames if so asked."""
        while True:
            try:
                return self.output.writelines(decoder)
            except StreamError as error:
                self.keep(name, error)
                if not self.goes_on:
                    self.output.flush()
                    self.say(f"{_label(name)}: {_in_options(str(error))}")
                    raise click.exceptions.Exit(1) from None

    def keep(self, name: str, error: StreamError) -> None:
        """Put a bad frame where it can be found, and count it."""
        if self.dead_letters is not None:
            self.dead_letters.write(name, error, _in_options(str(error)))
        self.bad += 1

    def tell_rest(self, descriptor: int, position: int, name: str) -> None:
        """Say so where a file goes on behind its [DONE], since that part is not written."""
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.lseek(descriptor, position, os.SEEK_CUR)
            if os.read(descriptor, _CHUNK_SIZE).strip():
                self.say(f"{_label(name)}: ended at its [DONE]; what stands behind it was not read")

    def say(self, message: str) -> None:
        with nullcontext() if self.bar is None else self.bar.hidden():
            click.echo(f"ndstream: {' '.join(message.split())}", err=True)

    def close(self) -> None:
        try:
            self.output.flush()
        finally:
            if self.bar is not None:
                self.bar.close(self.bytes)
                self.bar = None

    def report(self, stats: bool) -> None:
        """Say what is left to say."""
        bad = _count(self.bad, "bad frame")
        if self.bad and self.goes_on:
            self.say(f"{bad} skipped" if self.dead_letters is None else f"{bad} written to {self.dead_letters.path}")
        if stats:
            seconds = time.perf_counter() - self.began
            self.say(
                f"{_count(self.values, 'value')}, {bad}, {_count(self.bytes, 'byte')} in {seconds:.2f} s: "
                f"{self.values / seconds:,.0f} values/s, {self.bytes / seconds / 1e6:,.1f} MB/s"
            )


def _line(payload: bytes) -> bytes:
    """The payload as a line, if it is JSON."""
    orjson.loads(payload)
    # Numbers, since a search for b"\n" takes ten times as long: it is tried as a number first.
    if _LF in payload or _CR in payload:
        # JSON strings hold no line breaks: the white space around one is between two tokens.
        payload = b"".join(map(bytes.strip, payload.splitlines()))
    return payload + b"\n"


def _in_options(message: str) -> str:
    """A message about arguments of Python, for someone who has the options of the command."""
    bytes_shown = re.search(r": b['\"]", message)
    head = len(message) if bytes_shown is None else bytes_shown.start()
    words, shown = message[:head], message[head:]
    for argument, option in (
        ("max_frame_size", "--max-frame-size"),
        ("None for no limit", "0 for no limit"),
        ("on_truncated", "--on-truncated"),
    ):
        words = words.replace(argument, option)
    return words + shown


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _label(name: str) -> str:
    return "standard input" if name == _STDIN else name


def _status(name: str) -> os.stat_result | None:
    try:
        return os.fstat(0) if name == _STDIN else Path(name).stat()
    except OSError:
        return None


def _size(name: str) -> int:
    """The size of a file that has one."""
    status = _status(name)
    return status.st_size if status is not None and stat.S_ISREG(status.st_mode) else 0


def _is_same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    """Whether these are one regular file: reading it would undo writing it, or never end."""
    return one is not None and other is not None and stat.S_ISREG(one.st_mode) and os.path.samestat(one, other)
