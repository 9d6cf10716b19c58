"""Why a frame cannot be written, in words: the errors that encoders raise are made here.

Nothing here runs while values can be written, so that it may look at the whole value again to say what is wrong in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ndstream._errors import EncodeError

_MAX_VISITED = 100_000
"""How many parts of a value are looked at for the one that is wrong."""
_MAX_SHOWN_STEPS = 20
"""How many steps of the way to it a message shows."""
_ORJSON_LEVELS = 254
_NAMES = {"\n": "a line feed", "\r": "a carriage return", "\0": "a NUL", "\x1e": "a record separator"}


def wrong_type(field: str, value: object, wanted: str) -> EncodeError:
    """The error for a value of a type that the field does not take."""
    return EncodeError(f"{field} must be {wanted}, not {type(value).__name__}", field=field)


def not_one_line(field: str, text: str) -> EncodeError:
    """The error for an event type or id that would end its own line, or an id that clients ignore."""
    wrong = "\r\n\0" if field == "id" else "\r\n"
    index = next(index for index, character in enumerate(text) if character in wrong)
    why = (
        "clients ignore an id that holds one"
        if text[index] == "\0"
        else "the rest would be read as further fields; pass text of several lines as data"
    )
    return EncodeError(f"{field} holds {_NAMES[text[index]]} at index {index}: {why}", field=field, index=index)


def lone_surrogate(field: str, text: str, cause: UnicodeEncodeError) -> EncodeError:
    """The error for half a surrogate pair, which UTF-8 has no form for."""
    index = cause.start
    error = EncodeError(f"{field} {_surrogate(text, index)}", field=field, index=index)
    error.__cause__ = cause
    return error


def not_utf8(field: str, cause: UnicodeDecodeError) -> EncodeError:
    """The error for ready bytes that are not UTF-8."""
    error = EncodeError(
        f"{field} is not UTF-8 at byte {cause.start} ({cause.reason}), and these streams are UTF-8 by definition: "
        "decode it first, or write binary data as base64",
        field=field,
        index=cause.start,
    )
    error.__cause__ = cause
    return error


def retry_out_of_range(retry: int, limit: int) -> EncodeError:
    """The error for a delay that no client keeps."""
    # Python writes no number of more than some thousand digits.
    given = retry if retry.bit_length() < 1000 else f"a number of {retry.bit_length()} bits"
    return EncodeError(f"retry must be from 0 to {limit} milliseconds, not {given}", field="retry")


def forbidden_byte(payload: bytes | str, wrong: bytes, why: str) -> EncodeError:
    """The error for a JSON payload with a byte that would end its frame."""
    data = payload.encode() if isinstance(payload, str) else payload
    index = next(index for index, byte in enumerate(data) if byte in wrong)
    return EncodeError(
        f"value holds {_NAMES[chr(data[index])]} at byte {index}, and {why}: pass the decoded value instead",
        field="value",
        index=index,
    )


def blank() -> EncodeError:
    """The error for a payload without a value."""
    return EncodeError(
        "value is blank, which is no JSON value: decoders would pass over it or report it", field="value"
    )


def byte_order_mark() -> EncodeError:
    """The error for a payload that begins with a BOM (RFC 8259, section 8.1)."""
    return EncodeError("value begins with a byte order mark, which JSON must not: remove it", field="value", index=0)


def not_json(field: str, value: object, dumps: Callable[[Any], object], cause: Exception) -> EncodeError:
    """The error for a value that ``dumps`` refused, with the part of it that is to blame."""
    path, index, what = _find(value, dumps)
    where = "".join(f"[{step!r}]" for step in path[:_MAX_SHOWN_STEPS]) + ("..." if len(path) > _MAX_SHOWN_STEPS else "")
    what = what or f"is of type {type(value).__name__}, which cannot be written as JSON: {cause}"
    error = EncodeError(f"{field}{where} {what}", field=field, index=index)
    error.path = path
    error.__cause__ = cause
    return error


class _Step(NamedTuple):
    """A part of a value on the way to a deeper one."""

    above: _Step | None
    name: str | int
    depth: int


def _find(value: object, dumps: Callable[[Any], object]) -> tuple[tuple[str | int, ...], int | None, str]:
    """Where the first part is that cannot be written, the index in it, and what it is."""
    # Each part comes twice: when it is looked at, and when all that lies in it has been.
    rest: list[tuple[_Step | None, object, bool]] = [(None, value, True)]
    seen: set[int] = set()
    open_parts: set[int] = set()
    deepest = 0
    for _ in range(_MAX_VISITED):
        if not rest:
            break
        step, part, entered = rest.pop()
        if not entered:
            open_parts.discard(id(part))
            continue
        if isinstance(part, (dict, list, tuple)):
            if id(part) in open_parts:
                what = f"is of type {type(part).__name__} and holds itself"
                return _path(step), None, f"{what}, so that it cannot be written as JSON"
            if id(part) in seen:
                continue
            seen.add(id(part))
            open_parts.add(id(part))
            rest.append((step, part, False))
            depth = 1 if step is None else step.depth + 1
            deepest = max(deepest, depth)
        if isinstance(part, dict):
            for key in part:
                if not isinstance(key, str):
                    return (
                        _path(step),
                        None,
                        f"has a key of type {type(key).__name__}, and keys of JSON objects are str: {key!r:.80}",
                    )
                index = _surrogate_index(key)
                if index is not None:
                    return _path(step), index, f"has a key that {_surrogate(key, index)}"
            rest.extend((_Step(step, key, depth), each, True) for key, each in reversed(part.items()))
        elif isinstance(part, (list, tuple)):
            rest.extend((_Step(step, index, depth), part[index], True) for index in reversed(range(len(part))))
        elif isinstance(part, str):
            index = _surrogate_index(part)
            if index is not None:
                return _path(step), index, _surrogate(part, index)
        else:
            try:
                dumps(part)
            except Exception as error:
                return _path(step), None, f"is of type {type(part).__name__}, which cannot be written as JSON: {error}"
    if deepest > _ORJSON_LEVELS:
        return (), None, _too_deep(value, deepest)
    return (), None, ""


def _too_deep(value: object, levels: int) -> str:
    return (
        f"is of type {type(value).__name__} and {levels} levels deep, which cannot be written as JSON: orjson writes "
        f"{_ORJSON_LEVELS} levels"
    )


def _path(step: _Step | None) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    while step is not None:
        steps.append(step.name)
        step = step.above
    return tuple(reversed(steps))


def _surrogate(text: str, index: int) -> str:
    return (
        f"holds the lone surrogate U+{ord(text[index]):04X} at index {index}, which UTF-8 cannot carry: replace it, "
        'as text.encode(errors="replace").decode() does'
    )


def _surrogate_index(text: str) -> int | None:
    try:
        # A subclass may encode itself in any way.
        str.encode(text)
    except UnicodeEncodeError as error:
        return error.start
    return None
