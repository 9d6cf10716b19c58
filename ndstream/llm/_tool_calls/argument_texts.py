"""The text of a call's arguments: what it says, and what it is decoded to. Nothing in it raises but `decoded`."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from ndstream.llm._exact_numbers import exact_loads

MAX_NOTHING = 64
"""How many characters of arguments are looked at to see whether they say nothing."""
NOTHING_ENDS = frozenset({"", " ", "\n", "\r", "\t", "}", "]", '"', "l", "e"})
"""What a text that says nothing ends with."""

_WORDS = r"(?:\{\s*\}|\[\s*\]|null|None)"
_match_nothing = re.compile(rf'\s*(?:{_WORDS}|"\s*(?:{_WORDS}\s*)?")\s*').fullmatch
_MAX_SOLID = len('"null"')


def is_nothing(text: str) -> bool:
    """Whether arguments say nothing: empty, or what `is_empty_value` tells."""
    return not text or text.isspace() or is_empty_value(text)


def is_empty_value(text: str) -> bool:
    """Whether it is an empty object, list or string or the word for null, also encoded as a string.

    White space counts nowhere.

    Example:
        >>> [is_empty_value(text) for text in ("{ }", '"{}"', "null", " ", '{"a":1}')]
        [True, True, True, False, False]
    """
    return _match_nothing(text) is not None


def says_something(text: str) -> bool:
    """Whether no text that says nothing begins so: that is short but for white space."""
    return len(text) > MAX_NOTHING or len("".join(text.split())) > _MAX_SOLID


def decoded(raw: str) -> Any:
    if is_nothing(raw):
        return [] if raw.lstrip().startswith("[") else {}
    value = exact_loads(raw)
    if isinstance(value, str):
        try:
            inner = exact_loads(value)
        except ValueError:
            return value
        if isinstance(inner, dict):
            return inner
    return value


def are_equal(one: object, other: object) -> bool:
    try:
        return one == other
    except RecursionError:
        return False


def is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def encoded(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        pass
    try:
        # What orjson does not encode but a decoder may give: nested very deeply, or numbers past 64 bits.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (RecursionError, TypeError, ValueError):
        return ""
