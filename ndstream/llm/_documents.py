"""JSON documents over several lines, made into NDJSON as they arrive.

Gemini without ``alt=sse`` streams one JSON array, and errors often come as an indented object. Bytes are
replaced one for one, so that offsets stay true: line ends inside a value become spaces, and the byte behind
a value (a comma, a bracket, white space) becomes its line feed.
"""

from __future__ import annotations

import re

_NOTABLE = re.compile(rb'["\\\[\]{}\r\n]')
_IN_STRING = re.compile(rb'["\\]')


class Documents:
    """Rewrites chunks of one JSON array of objects, or of objects in a row.

    Attributes:
        closed: Whether the array's last bracket was seen.

    Example:
        >>> Documents().feed(b'[{"a": 1},\\n {"a":\\n 2}]')
        b' {"a": 1}\\n  {"a":  2}\\n'
    """

    def __init__(self) -> None:
        self.closed = False
        # Of brackets that are open around the place reached, without that of the array itself.
        self._depth = 0
        self._array = False
        self._in_string = False
        self._escaped = False
        self._ended = False

    def feed(self, chunk: bytes) -> bytes:
        """The chunk with a line feed behind each value, and nowhere else. As many bytes come out as go in."""
        out = bytearray(chunk)
        place = 0
        if self._escaped and out:
            self._escaped = False
            place = 1
        while place < len(out):
            if self._ended:
                # What stands behind a value is no part of the next one, unless the next follows at once.
                self._ended = False
                if out[place] not in b"{[":
                    self._note_array_end(out[place])
                    out[place] = 0x0A
                    place += 1
                    continue
            found = (_IN_STRING if self._in_string else _NOTABLE).search(out, place)
            if found is None:
                if self._depth == 0 and not self._in_string:
                    self._blank(out, place, len(out))
                break
            at = found.start()
            if self._depth == 0 and not self._in_string:
                self._blank(out, place, at)
            place = at + 1 + self._step(out, at)
        return bytes(out)

    def _step(self, out: bytearray, at: int) -> int:
        """Take in a notable byte; how many more bytes it uses up."""
        byte = out[at]
        if byte == 0x5C:
            if self._in_string and at + 1 == len(out):
                self._escaped = True
            return int(self._in_string)
        if byte == 0x22:
            self._in_string = not self._in_string
        elif byte in b"\r\n":
            out[at] = 0x20
        elif byte in b"{[":
            if self._depth == 0 and byte == 0x5B and not self._array:
                self._array = True
                out[at] = 0x20
            else:
                self._depth += 1
        elif self._depth:
            self._depth -= 1
            self._ended = self._depth == 0
        else:
            self._note_array_end(byte)
            out[at] = 0x20
        return 0

    def _note_array_end(self, byte: int) -> None:
        self.closed = self.closed or (self._array and byte == 0x5D)

    @staticmethod
    def _blank(out: bytearray, begin: int, end: int) -> None:
        """Between values there are commas, which NDJSON has not."""
        out[begin:end] = out[begin:end].replace(b",", b" ")
