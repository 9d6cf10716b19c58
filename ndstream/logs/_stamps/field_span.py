"""Where the value of a field lies in a line of JSON, so that it can be replaced without touching any other byte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import orjson

_STRING = rb'"(?:[^"\\]|\\.)*"'
_KEY = re.compile(rb"\s*(%s)\s*:\s*" % _STRING)
_COLON = re.compile(rb"\s*:\s*")
_VALUE = re.compile(rb"[{\[]|%s|[^\s,\]}]+" % _STRING)
_BRACKET = re.compile(rb"%s|[{}\[\]]" % _STRING)
_COMMA = re.compile(rb"\s*,")


class Span(NamedTuple):
    """The first byte of a value, and the one after its last."""

    start: int
    end: int


def find_field(line: bytes, path: Sequence[str]) -> Span | None:
    """Find the value at a path of keys.

    Of a key that an object holds twice, the last one counts, as for decoders.

    Args:
        line: One JSON object, known to be valid.
        path: The keys on the way to the value.

    Returns:
        Where it is; None if there is no such field.

    Example:
        >>> find_field(b'{"a":{"b": 12}}', ["a", "b"])
        Span(start=11, end=13)
    """
    span: Span | None = Span(0, len(line))
    for key in path:
        if span is None:
            return None
        span = _find_member(line, span, key)
    return span


def find_known_field(line: bytes, path: Sequence[str]) -> Span | None:
    """Find the value at a path of keys that is known to be there, mostly without looking at the rest of the line.

    Args:
        line: One JSON object, known to be valid and to have this field.
        path: The keys on the way to the value.

    Example:
        >>> find_known_field(b'{"a":{"b": 12}}', ["a", "b"])
        Span(start=11, end=13)
    """
    key = orjson.dumps(path[-1])
    # Without a backslash a key is written in one way, so that the only place where it is written is that of the field.
    if line.count(key) == 1 and b"\\" not in line:
        colon = _COLON.match(line, line.index(key) + len(key))
        if colon is not None:
            return _value_span(line, colon.end())
    return find_field(line, path)


def _find_member(line: bytes, container: Span, key: str) -> Span | None:
    start = line.find(b"{", *container)
    if line[container.start : max(start, container.start)].strip():
        return None
    encoded = orjson.dumps(key)
    found = None
    separator_end = start + 1
    while (member := _KEY.match(line, separator_end)) is not None:
        value = _value_span(line, member.end())
        if member[1] == encoded or (b"\\" in member[1] and orjson.loads(member[1]) == key):
            found = value
        comma = _COMMA.match(line, value.end)
        if comma is None:
            break
        separator_end = comma.end()
    return found


def _value_span(line: bytes, start: int) -> Span:
    value = _VALUE.match(line, start)
    assert value is not None
    if value[0] not in (b"{", b"["):
        return Span(start, value.end())
    depth = 0
    for bracket in _BRACKET.finditer(line, start):
        if bracket[0] in b"{[":
            depth += 1
        elif bracket[0] in b"}]":
            depth -= 1
            if not depth:
                break
    return Span(start, bracket.end())
