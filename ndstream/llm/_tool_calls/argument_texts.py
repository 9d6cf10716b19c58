"""The text of a call's arguments: what it says, and what it is decoded to. Nothing in it raises but `decoded`."""

from __future__ import annotations

import json
from typing import Any

import orjson

from ndstream.llm._exact_numbers import exact_loads

NOTHING = frozenset({"", "{}", "[]", "null", "None", '""'})
MAX_NOTHING = 8
"""How many characters what says nothing may have, with white space around it."""


def is_nothing(text: str) -> bool:
    return text.strip() in NOTHING


def decoded(raw: str) -> Any:
    if is_nothing(raw) and raw.strip() not in ("{}", "[]"):
        return {}
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
