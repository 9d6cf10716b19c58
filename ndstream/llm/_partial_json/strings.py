"""The characters of a JSON string, whose escape sequences may be cut anywhere."""

from __future__ import annotations

import re

from ndstream.llm._partial_json.error import WrongCharacter
from ndstream.llm._partial_json.growing_value import GrowingValue

# It matches everywhere, if only nothing, so that there is always a match; a call in between would cost each piece.
plain_characters = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]*').match
_escape = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))').match
_cut_escape = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z").match
_low_half = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match
_cut_low_half = re.compile(r"(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z").match

_ESCAPED = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def read_characters(value: GrowingValue, text: str, position: int) -> tuple[int, str]:
    """Add the characters of a string, or of a key.

    Args:
        value: What they are added to.
        text: A piece of the text.
        position: Where in the piece the characters begin.

    Returns:
        The position after the closing quote, or -1 if that is not in the piece; and the beginning of an escape
        sequence at the end of the piece, which is to be read again with the next one.

    Raises:
        WrongCharacter: They are no string of JSON.
    """
    size = len(text)
    while position < size:
        end = plain_characters(text, position).end()  # type: ignore[union-attr]
        if end > position:
            value.add(text[position:end])
        if end == size:
            break
        if text[end] == '"':
            return end + 1, ""
        if text[end] != "\\":
            raise WrongCharacter(end, "a string holds a control character or lone surrogate that is not escaped")
        match = _escape(text, end)
        if match is None:
            if not _cut_escape(text, end):
                raise WrongCharacter(end, "an escape sequence that JSON does not have")
            return -1, text[end:]
        position = match.end()
        if match[1]:
            value.add(_ESCAPED[match[1]])
            continue
        code = int(match[2], 16)
        if 0xD800 <= code < 0xE000:
            low = _low_half(text, position) if code < 0xDC00 else None
            if low is None:
                if code >= 0xDC00 or not _cut_low_half(text, position):
                    raise WrongCharacter(end, "half of a surrogate pair without the other half")
                return -1, text[end:]
            position = low.end()
            code = 0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        value.add(chr(code))
    return -1, ""
