"""The grammar of JSON (RFC 8259) as steps that can stop at any character and go on with the next piece of text.

A step takes what it can of the text from a position on and returns where the next step goes on. It puts what
it finds into the view, which knows the next step.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ndstream.llm._partial_json.partial_json import PartialJSON

_space = re.compile(r"[ \t\n\r]*").match
# Both match everywhere, if only nothing, so that there is an end to ask for.
_plain = re.compile(r'[^"\\\x00-\x1f\ud800-\udfff]*').match
_digits = re.compile(r"[-+.0-9eE]*").match
_escape = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))').match
_cut_escape = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z").match
_low_half = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match
_cut_low_half = re.compile(r"(?:\\(?:u(?:[dD](?:[c-fC-F][0-9a-fA-F]?)?)?)?)?\Z").match

_ESCAPED = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERALS: dict[str, tuple[str, bool | None]] = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}


def value(view: PartialJSON, text: str, position: int) -> int:
    position = _behind_space(text, position)
    if position == len(text):
        return position
    first = text[position]
    if first == '"':
        end = _plain(text, position + 1).end()  # type: ignore[union-attr]
        characters = text[position + 1 : end]
        if end < len(text) and text[end] == '"':
            view._end(view._put(characters))
            return end + 1
        view._string = view._put("")
        view._tail = []
        view._add(characters)
        view._step = _in_string
        return end
    if first == "{":
        view._open({}, position)
    elif first == "[":
        view._open([], position)
    elif first in _LITERALS:
        return _literal(view, text, position)
    elif first in "-0123456789":
        view._number_position = view._before + position
        view._step = in_number
        return position
    else:
        raise view._wrong(position, "a value was to come")
    return position + 1


def _literal(view: PartialJSON, text: str, position: int) -> int:
    word, value = _LITERALS[text[position]]
    found = text[position : position + len(word)]
    if found == word:
        view._end(view._put(value))
        return position + len(word)
    if not word.startswith(found):
        same = next(place for place, (one, other) in enumerate(zip(word, found, strict=False)) if one != other)
        raise view._wrong(position + same, f"{word} was to come")
    view._held = found
    return len(text)


def in_number(view: PartialJSON, text: str, position: int) -> int:
    end = _digits(text, position).end()  # type: ignore[union-attr]
    view._pieces.append(text[position:end])
    if end < len(text):
        view._end_number()
    return end


def _in_string(view: PartialJSON, text: str, position: int) -> int:
    end = _characters(view, text, position)
    if end < 0:
        return len(text)
    view._settle()
    place = view._string
    assert place is not None
    view._string = None
    view._end(place)
    return end


def _in_key(view: PartialJSON, text: str, position: int) -> int:
    end = _characters(view, text, position)
    if end < 0:
        return len(text)
    view._key = "".join(view._pieces)
    view._pieces.clear()
    view._step = _colon
    return end


def first_item(view: PartialJSON, text: str, position: int) -> int:
    position = _behind_space(text, position)
    if text[position : position + 1] == "]":
        view._close()
        return position + 1
    if position < len(text):
        view._step = value
    return position


def first_key(view: PartialJSON, text: str, position: int) -> int:
    position = _behind_space(text, position)
    if text[position : position + 1] == "}":
        view._close()
        return position + 1
    if position < len(text):
        view._step = _key
    return position


def _key(view: PartialJSON, text: str, position: int) -> int:
    position = _behind_space(text, position)
    if position == len(text):
        return position
    if text[position] != '"':
        raise view._wrong(position, "a key in quotes was to come")
    view._step = _in_key
    return position + 1


def _colon(view: PartialJSON, text: str, position: int) -> int:
    position = _behind_space(text, position)
    if position == len(text):
        return position
    if text[position] != ":":
        raise view._wrong(position, "a colon was to come")
    view._step = value
    return position + 1


def after_value(view: PartialJSON, text: str, position: int) -> int:
    position = _behind_space(text, position)
    if position == len(text):
        return position
    in_list = type(view._container) is list
    if text[position] == ",":
        view._step = value if in_list else _key
    elif text[position] == ("]" if in_list else "}"):
        view._close()
    else:
        raise view._wrong(position, f"a comma or {']' if in_list else '}'} was to come")
    return position + 1


def behind(view: PartialJSON, text: str, position: int) -> int:
    position = _behind_space(text, position)
    if position < len(text):
        raise view._wrong(position, "the value has ended, and nothing but white space may follow")
    return position


def _characters(view: PartialJSON, text: str, position: int) -> int:
    """Take a string's characters: the place behind its closing quote, or -1 if that is not in the text."""
    size = len(text)
    while position < size:
        end = _plain(text, position).end()  # type: ignore[union-attr]
        if end > position:
            view._add(text[position:end])
        if end == size:
            break
        if text[end] == '"':
            return end + 1
        if text[end] != "\\":
            raise view._wrong(end, "a string holds a control character or lone surrogate that is not escaped")
        match = _escape(text, end)
        if match is None:
            if not _cut_escape(text, end):
                raise view._wrong(end, "an escape sequence that JSON does not have")
            view._held = text[end:]
            break
        position = match.end()
        if match[1]:
            view._add(_ESCAPED[match[1]])
            continue
        code = int(match[2], 16)
        if 0xD800 <= code < 0xE000:
            low = _low_half(text, position) if code < 0xDC00 else None
            if low is None:
                if code >= 0xDC00 or not _cut_low_half(text, position):
                    raise view._wrong(end, "half of a surrogate pair without the other half")
                view._held = text[end:]
                break
            position = low.end()
            code = 0x10000 + ((code - 0xD800) << 10) + int(low[1], 16) - 0xDC00
        view._add(chr(code))
    return -1


def _behind_space(text: str, position: int) -> int:
    if text[position] not in " \t\n\r":
        return position
    match = _space(text, position)
    return match.end() if match else position
