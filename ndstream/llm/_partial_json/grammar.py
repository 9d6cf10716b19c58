"""The grammar of JSON (RFC 8259) as steps that can stop at any character and go on with the next piece of text.

A step consumes what it can of the text from a position on and returns where the next step goes on. What it finds
it puts into the growing value.

The file is long since the steps of the grammar call each other and are read together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from ndstream.llm._partial_json.error import PartialJSONError, WrongCharacter
from ndstream.llm._partial_json.growing_value import GrowingValue
from ndstream.llm._partial_json.strings import plain_characters, read_characters

MAX_LEVELS = 1024  # as in orjson

# Both match everywhere, if only nothing, so that there is always a match.
_space = re.compile(r"[ \t\n\r]*").match
_digits = re.compile(r"[-+.0-9eE]*").match

_LITERALS: dict[str, tuple[str, bool | None]] = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}


class Grammar:
    """A text that is read piece by piece.

    Attributes:
        value: What was found so far.
        step: What reads on.
        held: The beginning of an escape sequence or literal, read again with what follows: at most 11 characters.
        number_position: Where the number that is being read begins.
        before: How many characters came before those held.
        scanned: How many characters were looked at.
    """

    __slots__ = ("before", "held", "number_position", "scanned", "step", "value")

    def __init__(self) -> None:
        self.value = GrowingValue()
        self.step: Callable[[Grammar, str, int], int] = _value
        self.held = ""
        self.number_position = 0
        self.before = 0
        self.scanned = 0

    @property
    def ended(self) -> bool:
        """Whether the value has ended. A number outside of all brackets ends by white space or `finish`."""
        return self.step is _after_all

    def read(self, text: str) -> None:
        """Read the next piece of the text.

        Raises:
            PartialJSONError: It is not JSON.
        """
        if self.held:
            text = self.held + text
            self.held = ""
        position, size = 0, len(text)
        self.scanned += size
        try:
            while position < size:
                position = self.step(self, text, position)
        except WrongCharacter as wrong:
            raise _malformed(self.before + wrong.position, wrong.what) from None
        self.before += size - len(self.held)

    def finish(self) -> None:
        """End the text.

        Raises:
            PartialJSONError: The value has not ended.
        """
        if self.step is _in_number:
            self.end_number()
        if not self.ended:
            end = self.before + len(self.held)
            raise PartialJSONError(
                f"the text ends at character {end}, before its value: it was cut, or a bracket or quote is missing",
                position=end,
                reason="unfinished",
            )

    def put_whole(self, value: object) -> None:
        """Put a value that came whole."""
        self.value.finished.append(self.value.put(value))
        self.go_on_after_value()

    def go_on_after_value(self) -> None:
        self.step = _after_value if self.value.levels else _after_all

    def open(self, container: list[Any] | dict[str, Any], position: int) -> None:
        if len(self.value.levels) == MAX_LEVELS:
            position += self.before
            raise PartialJSONError(
                f"the JSON text is nested more than {MAX_LEVELS:,} levels deep at character {position}",
                position=position,
                reason="too_deep",
            )
        self.value.open(container)
        self.step = _first_item if type(container) is list else _first_key

    def close(self) -> None:
        self.value.close()
        self.go_on_after_value()

    def end_number(self) -> None:
        digits = self.value.taken_pieces()
        try:
            number = orjson.loads(digits)
        except ValueError:
            shown = digits if len(digits) <= 40 else f"{digits[:37]}..."
            raise _malformed(self.number_position, f"{shown} is not a number that JSON and a double can hold") from None
        self.put_whole(number)


def _value(grammar: Grammar, text: str, position: int) -> int:
    position = _after_white_space(text, position)
    if position == len(text):
        return position
    first = text[position]
    if first == '"':
        end = plain_characters(text, position + 1).end()  # type: ignore[union-attr]
        characters = text[position + 1 : end]
        if end < len(text) and text[end] == '"':
            grammar.put_whole(characters)
            return end + 1
        grammar.value.begin_string()
        grammar.value.add(characters)
        grammar.step = _in_string
        return end
    if first == "{":
        grammar.open({}, position)
    elif first == "[":
        grammar.open([], position)
    elif first in _LITERALS:
        return _literal(grammar, text, position)
    elif first in "-0123456789":
        grammar.number_position = grammar.before + position
        grammar.step = _in_number
        return position
    else:
        raise WrongCharacter(position, "expected a value")
    return position + 1


def _literal(grammar: Grammar, text: str, position: int) -> int:
    word, value = _LITERALS[text[position]]
    found = text[position : position + len(word)]
    if found == word:
        grammar.put_whole(value)
        return position + len(word)
    if not word.startswith(found):
        same = next(offset for offset, (one, other) in enumerate(zip(word, found, strict=False)) if one != other)
        raise WrongCharacter(position + same, f"expected {word}")
    grammar.held = found
    return len(text)


def _in_number(grammar: Grammar, text: str, position: int) -> int:
    end = _digits(text, position).end()  # type: ignore[union-attr]
    grammar.value.pieces.append(text[position:end])
    if end < len(text):
        grammar.end_number()
    return end


def _in_string(grammar: Grammar, text: str, position: int) -> int:
    end, grammar.held = read_characters(grammar.value, text, position)
    if end < 0:
        return len(text)
    grammar.value.end_string()
    grammar.go_on_after_value()
    return end


def _in_key(grammar: Grammar, text: str, position: int) -> int:
    end, grammar.held = read_characters(grammar.value, text, position)
    if end < 0:
        return len(text)
    grammar.value.key = grammar.value.taken_pieces()
    grammar.step = _colon
    return end


def _first_item(grammar: Grammar, text: str, position: int) -> int:
    position = _after_white_space(text, position)
    if text[position : position + 1] == "]":
        grammar.close()
        return position + 1
    if position < len(text):
        grammar.step = _value
    return position


def _first_key(grammar: Grammar, text: str, position: int) -> int:
    position = _after_white_space(text, position)
    if text[position : position + 1] == "}":
        grammar.close()
        return position + 1
    if position < len(text):
        grammar.step = _key
    return position


def _key(grammar: Grammar, text: str, position: int) -> int:
    position = _after_white_space(text, position)
    if position == len(text):
        return position
    if text[position] != '"':
        raise WrongCharacter(position, "expected a key in quotes")
    grammar.step = _in_key
    return position + 1


def _colon(grammar: Grammar, text: str, position: int) -> int:
    position = _after_white_space(text, position)
    if position == len(text):
        return position
    if text[position] != ":":
        raise WrongCharacter(position, "expected a colon")
    grammar.step = _value
    return position + 1


def _after_value(grammar: Grammar, text: str, position: int) -> int:
    position = _after_white_space(text, position)
    if position == len(text):
        return position
    in_list = type(grammar.value.container) is list
    if text[position] == ",":
        grammar.step = _value if in_list else _key
    elif text[position] == ("]" if in_list else "}"):
        grammar.close()
    else:
        raise WrongCharacter(position, f"expected a comma or {']' if in_list else '}'}")
    return position + 1


def _after_all(grammar: Grammar, text: str, position: int) -> int:
    position = _after_white_space(text, position)
    if position < len(text):
        raise WrongCharacter(position, "the value has ended, and nothing but white space may follow")
    return position


def _after_white_space(text: str, position: int) -> int:
    if text[position] not in " \t\n\r":
        return position
    return _space(text, position).end()  # type: ignore[union-attr]


def _malformed(position: int, what: str) -> PartialJSONError:
    return PartialJSONError(f"malformed JSON at character {position}: {what}", position=position, reason="invalid_json")
