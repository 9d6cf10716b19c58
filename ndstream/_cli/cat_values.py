"""``ndstream cat`` of files and pipes in any framing, as they arrive.

A value is written as it was read: orjson says whether the payload is JSON, and then the payload's own
bytes go out, so that no digit of a long number and no escape is altered. Line breaks are the one
exception; between the tokens of a JSON text they mean nothing, so they are left out.

Lines of NDJSON of which all are wanted are copied in ranges, as `GoodLines` says. Any other payload becomes a line,
and nothing but that happens per value. Output is flushed, and the progress bar moved, once per chunk, just
before the next one is read: at that moment all that has arrived is decoded, so no value waits for the
next chunk. That order is why the decoders are driven here, and not by a stream.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from ndstream._cli.good_lines import GoodLines
from ndstream._cli.input_files import is_output, is_regular, open_input
from ndstream._cli.messages import STDIN, label
from ndstream._cli.selection import Selection, line_of
from ndstream._cli.value_output import ValueOutput
from ndstream._core import Decoder, NDJSONDecoder
from ndstream._errors import StreamError
from ndstream._framing import MAX_SNIFFED_BYTES, Format, make_decoder, sniff
from ndstream.logs import FileReport, LogFileError
from ndstream.logs._files.after_damage import open_after_damage
from ndstream.logs._files.opened_file import OpenedFile


def copy_file(name: str, selection: Selection, target: ValueOutput) -> None:
    """Copy one file, or what can be had of it.

    Args:
        name: Its path or URL, or ``-`` for standard input.
        selection: Which frames are wanted.
        target: Where they go.

    Raises:
        click.exceptions.Exit: It holds a bad frame, and they are not skipped.
    """
    if is_output(name):
        target.fail(name, OSError(None, "this is the output as well"))
        return
    try:
        file = open_input(name, selection.max_window)
    except (OSError, ModuleNotFoundError) as error:
        target.fail(name, error)
        return
    target.begin(name)
    copy = _FileCopy(name, file, selection, target)
    copy.run()
    if copy.damage is not None:
        copy_rest(name, copy.damage, copy.line, selection, target)


def copy_rest(name: str, damage: LogFileError, line: int, selection: Selection, target: ValueOutput) -> None:
    """Copy the values that follow the damage in an archive of lines, if whole members follow it.

    Args:
        name: The file's path.
        damage: The damage.
        line: How many lines were seen before.
        selection: Which values to write.
        target: Where values and bad frames go.

    Raises:
        click.exceptions.Exit: There is a bad frame, and they are not skipped.
    """
    selection = replace(selection, framing="ndjson")
    following: LogFileError | None = damage
    while following is not None:
        try:
            rest = open_after_damage(name, following, line, selection.max_window)
        except LogFileError as error:
            target.fail(name, error)
            following = error
            continue
        if rest is None:
            return
        copy = _FileCopy(name, rest.file, selection, target, rest.line)
        copy.run(rest.torn)
        following, line = copy.damage, copy.line


class _FileCopy:
    """One file on its way to the output, or what follows the damage in it.

    Args:
        name: The name of the file.
        file: The file, which is closed at the end.
        selection: Which frames are wanted.
        target: Where they go.
        line: How many lines precede it.

    Attributes:
        damage: What ended it early, if lines may follow that; None if it came to its end.
    """

    def __init__(self, name: str, file: OpenedFile, selection: Selection, target: ValueOutput, line: int = 0) -> None:
        self._name = name
        self._file = file
        self._selection = selection
        self._target = target
        self._report = FileReport(name, file.format)
        target.report.files.append(self._report)
        self._line = line
        self._unwanted = self._torn = self._bytes_read = 0
        self._read_to_end = False
        self.damage: LogFileError | None = None
        # Until the framing is known, the first bytes wait.
        self._head = b""
        self._decoder: Decoder[Any] | None = None
        self._lines: GoodLines | None = None

    def run(self, torn: StreamError | None = None) -> None:
        """Copy it to its end, or to the first damage.

        Args:
            torn: The error for a line before it, whose beginning the damage may have cut.
        """
        chunk = b""
        try:
            if self._selection.framing is not None:
                self._begin(self._selection.framing)
            if torn is not None:
                self._torn = 1
                self._take_bad_frame(torn)
            while self._decoder is None or not self._decoder.done:
                self._target.buffer.flush()
                try:
                    chunk = bytes(next(self._file.chunks, b""))
                except (OSError, LogFileError) as error:
                    self._end_early(error)
                    return
                self._bytes_read += len(chunk)
                self._count()
                self._target.move()
                self._read_to_end = not chunk
                if not self._feed(chunk):
                    return
            self._report_unread_rest(chunk)
        finally:
            self._count()
            self._file.close()

    @property
    def line(self) -> int:
        """How many lines were seen."""
        return getattr(self._decoder, "line", 0)

    def _feed(self, chunk: bytes) -> bool:
        """Take the next chunk, an empty one at the end; False if it was the last."""
        at_end = not chunk
        if self._decoder is None:
            self._head += chunk
            framing = sniff(self._head[:MAX_SNIFFED_BYTES], at_end)
            if framing is None:
                return True
            self._begin(framing)
            chunk, self._head = self._head, b""
        if self._lines is not None:
            if chunk:
                self._lines.feed(chunk)
            if at_end:
                self._lines.finish()
        else:
            assert self._decoder is not None
            if chunk:
                self._write_values(self._decoder.feed(chunk))
            if at_end:
                self._write_values(self._decoder.finish())
        return not at_end

    def _begin(self, framing: Format) -> None:
        """Make the decoder, and lines to copy or values that are lines to write."""
        needles = self._selection.needles
        copies = framing == "ndjson" and not needles and not self._selection.sample
        # These two find the needles themselves; in other framings only the payload can tell.
        filters_payloads = bool(needles) and framing not in ("ndjson", "json")
        if self._selection.sample:
            self._decoder = NDJSONDecoder(
                loads=line_of,
                contains=needles or None,
                max_frame_size=self._selection.options["max_frame_size"],
                done="[DONE]",
                **self._selection.sample,
            )
        else:
            self._decoder = make_decoder(
                framing,
                loads=orjson.loads if copies else self._line_if_wanted if filters_payloads else line_of,
                contains=None if filters_payloads else needles or None,
                on_error="raise",
                # Among the elements of arrays [DONE] is an array.
                done=None if self._selection.options["items"] else "[DONE]",
                require_done=False,
                **self._selection.options,
            )
        if self._line and isinstance(self._decoder, NDJSONDecoder):
            self._decoder.reset(offset=self._file.offset, line=self._line)
        if copies:
            assert isinstance(self._decoder, NDJSONDecoder)
            self._lines = GoodLines(self._decoder, self._target, self._take_bad_frame)

    def _write_values(self, decoder: Decoder[bytes]) -> None:
        while True:
            try:
                return self._target.buffer.writelines(decoder)
            except StreamError as error:
                self._take_bad_frame(error)

    def _line_if_wanted(self, payload: bytes) -> bytes:
        if any(needle in payload for needle in self._selection.needles):
            return line_of(payload)
        self._unwanted += 1
        return b""

    def _take_bad_frame(self, error: StreamError) -> None:
        is_read_again = isinstance(self._decoder, NDJSONDecoder) and is_regular(self._name) and self._name != STDIN
        self._count()
        self._target.take_bad_frame(self._name, error, self._name if is_read_again else None)

    def _end_early(self, error: OSError | LogFileError) -> None:
        """Say why the rest of the file cannot be had. A frame that this cut is a bad one."""
        self._report.error = error
        if self._decoder is not None and self._decoder.pending:
            cut = self._decoder._fail(error)
            if isinstance(error, LogFileError):
                error._note_cut(cut)
                cut = error
            self._target.keep_bad_frame(self._name, cut, None)
        if isinstance(error, LogFileError) and isinstance(self._decoder, NDJSONDecoder):
            self.damage = error
        self._target.fail(self._name, error)

    def _report_unread_rest(self, chunk: bytes) -> None:
        """Say so if a file goes on after its [DONE], since that part is not written, or if it is damaged there."""
        assert self._decoder is not None
        rest = chunk[len(chunk) - (self._file.offset + self._bytes_read - self._decoder.offset) :].strip()
        if not rest and is_regular(self._name):
            try:
                rest = bytes(next(self._file.chunks, b"")).strip()
            except (OSError, LogFileError) as error:
                self._report.error = error
                self._target.fail(self._name, error)
        if rest:
            self._target.say(f"{label(self._name)}: ended at its [DONE]; what follows it was not read")

    def _count(self) -> None:
        decoder, report = self._decoder, self._report
        if decoder is not None:
            report.values, report.bad = decoder.frames - self._unwanted, decoder.errors + self._torn
            # Framings without lines have one frame a line here.
            lines = getattr(decoder, "line", decoder.frames + decoder.errors)
            # The decoder stays before a last line that was cut.
            cut_at_end = self._read_to_end and decoder.offset < self._file.offset + self._bytes_read
            report.lines = lines - self._line + self._torn + (cut_at_end and isinstance(decoder, NDJSONDecoder))
            report.bytes = decoder.offset - self._file.offset
            position = self._file.position(decoder.offset)
            report.compressed_bytes = position.compressed_offset - self._file.compressed_offset
