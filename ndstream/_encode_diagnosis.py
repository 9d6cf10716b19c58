"""Why a frame cannot be written, in words: the errors that encoders raise are made here.

Nothing here runs while values can be written, so that it may look at the whole value again to say what is wrong in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ndstream._errors import EncodeError

_MAX_VISITED = 100_000
"""How many parts of a value are looked at for the one that is wrong."""
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
    return EncodeError(f"retry must be from 0 to {limit} milliseconds, not {retry}", field="retry")


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


def not_json(field: str, value: object, dumps: Callable[[Any], object], cause: Exception) -> EncodeError:
    """The error for a value that ``dumps`` refused, with the part of it that is to blame."""
    path, index, what = _find(value, dumps)
    where = "".join(f"[{step!r}]" for step in path)
    error = EncodeError(f"{field}{where} {what or f'cannot be written as JSON: {cause}'}", field=field, index=index)
    error.path = path
    error.__cause__ = cause
    return error


def _find(value: object, dumps: Callable[[Any], object]) -> tuple[tuple[str | int, ...], int | None, str]:
    """Where the first part is that cannot be written, the index in it, and what it is."""
    rest: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    seen: set[int] = set()
    for _ in range(_MAX_VISITED):
        if not rest:
            break
        path, part = rest.pop()
        if isinstance(part, (dict, list, tuple)):
            if id(part) in seen:
                continue
            seen.add(id(part))
        if isinstance(part, dict):
            for key in part:
                if not isinstance(key, str):
                    return (
                        path,
                        None,
                        f"has a key of type {type(key).__name__}, and keys of JSON objects are str: {key!r:.80}",
                    )
            rest.extend(((*path, key), each) for key, each in reversed(part.items()))
        elif isinstance(part, (list, tuple)):
            rest.extend(((*path, index), part[index]) for index in reversed(range(len(part))))
        elif isinstance(part, str):
            index = _surrogate_index(part)
            if index is not None:
                return path, index, _surrogate(part, index)
        else:
            try:
                dumps(part)
            except Exception as error:
                return path, None, f"is of type {type(part).__name__}, which cannot be written as JSON: {error}"
    return (), None, ""


def _surrogate(text: str, index: int) -> str:
    return (
        f"holds the lone surrogate U+{ord(text[index]):04X} at index {index}, which UTF-8 cannot carry: replace it, "
        'as text.encode(errors="replace").decode() does'
    )


def _surrogate_index(text: str) -> int | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None
