"""Lenient readers of decoded JSON: a value of the kind that is wanted, whatever the server wrote.

They raise nothing. What has another type reads as empty, since a field of the wrong type says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_NOTHING = frozenset({"", "null", "None"})
_WHOLE_NUMBER = re.compile("-?[0-9]{1,18}")


def text_of(value: Any) -> str:
    """The value if it is text, else an empty text."""
    return value if isinstance(value, str) else ""


def written_text_of(value: Any) -> str:
    """The text that a model wrote: the value if it is text, or a number as it is written, else an empty text.

    Workers AI sends a token that is a number as a JSON number.

    Example:
        >>> written_text_of("6"), written_text_of(6), written_text_of(0.005), written_text_of(True)
        ('6', '6', '0.005', '')
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return text_of(value)


def dict_of(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def dicts_of(value: Any) -> Iterable[dict[str, Any]]:
    """The objects of a list. Some servers write one object in place of a list of one."""
    if isinstance(value, dict):
        return (value,) if value else ()
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def parts_of(content: Any) -> Iterable[dict[str, Any]]:
    """The parts of a content. Text in place of them, or of one of them, is short for a part of text.

    Example:
        >>> list(parts_of(["Hi", {"type": "image"}]))
        [{'type': 'text', 'text': 'Hi'}, {'type': 'image'}]
    """
    if isinstance(content, str):
        content = [content]
    if isinstance(content, list):
        content = [{"type": "text", "text": part} if isinstance(part, str) and part else part for part in content]
    return dicts_of(content)


def says_nothing(value: Any) -> bool:
    """Whether a value stands for a missing one: null, an empty text, list or object, or the word for null as text.

    False and 0 say something.

    Example:
        >>> [says_nothing(value) for value in (None, "", "null", [], {}, 0, False)]
        [True, True, True, True, True, False, False]
    """
    if isinstance(value, str):
        return value in _NOTHING
    return value is None or (isinstance(value, (list, dict)) and not value)


def label_of(value: Any) -> str:
    """The value if it is a text that names something (an id, a name, a reason), else an empty text."""
    return value if isinstance(value, str) and value not in _NOTHING else ""


def as_index(value: object) -> int | None:
    """The whole number that a value stands for, or None: ``1``, ``1.0`` and ``"1"`` are the same index.

    ``true`` is no index, though Python counts it among the whole numbers.

    Example:
        >>> as_index("1"), as_index(1.0), as_index(True), as_index("one")
        (1, 1, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def joined(parts: list[str]) -> str:
    """The text of these parts, which are put together so that the next time is cheap."""
    if len(parts) > 1:
        parts[:] = ["".join(parts)]
    return parts[0] if parts else ""
