"""Which fields of an object name something, which grow, and what is nothing but a part of a longer object."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from ndstream.llm._lenient_readers import says_nothing

MAX_LEVELS = 8
"""How deeply objects in objects are merged; of those further inside the last one counts."""

LABELS = frozenset(
    {"type", "id", "index", "role", "name", "format", "object", "model", "status", "phase", "channel", "mime_type"}
)
"""Texts that name something. Servers repeat them, so that they are never joined."""
GROWING = frozenset({"text", "thinking", "reasoning", "summary", "content", "refusal", "signature"})
"""What may come in parts of an item that has neither index nor id."""
SIGNED = ("text", "thinking", "reasoning", "summary")


class _AllButLabels:
    """The names of all texts but labels."""

    def __contains__(self, name: object) -> bool:
        return not is_label(name)


ALL_BUT_LABELS: Container[str] = _AllButLabels()


def is_label(name: object) -> bool:
    """Whether a text of this name is a label."""
    return name in LABELS or (isinstance(name, str) and name.endswith(("_id", "Id")))


def is_growing(value: Any, levels: int = MAX_LEVELS) -> bool:
    """Whether it has nothing but labels, what is true or false, and what may come in parts."""
    if not isinstance(value, dict):
        return False
    grows = False
    for name, each in value.items():
        if name in GROWING and (isinstance(each, str) or (levels and _all_growing(each, levels - 1))):
            grows = True
        elif not (is_label(name) or isinstance(each, bool) or says_nothing(each)):
            return False
    return grows


def _all_growing(value: Any, levels: int) -> bool:
    return isinstance(value, list) and bool(value) and all(is_growing(each, levels) for each in value)
