"""Arguments that come path by path: ``{"jsonPath": "$.a[0].b", "stringValue": "..."}``, strings in pieces."""

from __future__ import annotations

import re
from typing import Any

from ndstream.llm._lenient_readers import dicts_of, joined, says_nothing
from ndstream.llm._limits import MAX_PATH_STEPS

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d{1,9})\]|\[(['\"])(.*?)\3\]")
_VALUES = ("numberValue", "boolValue", "stringValue")


class PartialArguments:
    """The arguments so far.

    Attributes:
        lost: Whether a piece has no place in what came before it, or a value of no known kind.

    Example:
        >>> arguments = PartialArguments()
        >>> arguments.add([{"jsonPath": "$.to[0].city", "stringValue": "Ro", "willContinue": True}])
        >>> arguments.add([{"jsonPath": "$.to[0].city", "stringValue": "me"}])
        >>> arguments.whole()
        {'to': [{'city': 'Rome'}]}
    """

    def __init__(self) -> None:
        self.value: dict[str, Any] = {}
        self.lost = False
        self._texts: dict[str, list[str]] = {}
        self._set: dict[str, Any] = {}

    def add(self, pieces: Any) -> None:
        """Take in a list of pieces; those that say nothing are skipped."""
        for piece in dicts_of(pieces):
            path = piece.get("jsonPath")
            text = piece.get("stringValue")
            if not isinstance(path, str):
                self.lost = self.lost or _has_value(piece)
            elif isinstance(text, str):
                # Kept in the order in which paths came, which makes lists grow in theirs.
                self._set.setdefault(path, "")
                self._texts.setdefault(path, []).append(text)
            elif "nullValue" in piece:
                self._set[path] = None
            else:
                values = [value for name in _VALUES if isinstance(value := piece.get(name), (bool, int, float))]
                if values:
                    self._set[path] = values[-1]
                else:
                    self.lost = self.lost or _has_value(piece)

    def whole(self) -> dict[str, Any]:
        """The arguments that all pieces so far make up."""
        # Pieces can be put together again at any time, so that nothing is changed in place: neither the frame that the
        # first arguments came in, nor what was shown before.
        root: dict[str, Any] = dict(self.value)
        own = {id(root)}
        for path, value in self._set.items():
            text = self._texts.get(path)
            if not _put(root, path, value if text is None else joined(text), own):
                self.lost = True
        return root


def _has_value(piece: dict[str, Any]) -> bool:
    """Whether a piece says anything beside where it belongs."""
    return any(name not in ("jsonPath", "willContinue") and not says_nothing(value) for name, value in piece.items())


def _put(root: dict[str, Any], path: str, value: Any, own: set[int]) -> bool:
    """Put a value where its path leads.

    Args:
        root: The object that paths begin at.
        path: The path.
        value: The value.
        own: The ids of the objects and lists that may be changed; any other is copied first.

    Returns:
        Whether there is such a place.
    """
    steps: list[str | int] = []
    place = 1 if path.startswith("$") else 0
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None or len(steps) >= MAX_PATH_STEPS:
            # Each step is a dict or a list to keep, and may be two characters of the path.
            return False
        name, number, _, quoted = step.groups()
        steps.append(int(number) if number is not None else name if name is not None else quoted)
        place = step.end()
    holder: Any = root
    for step_now, step_next in zip(steps, [*steps, None][1:], strict=True):
        new = value if step_next is None else [] if isinstance(step_next, int) else {}
        if isinstance(step_now, int):
            # An index that leaves a gap would let a few bytes ask for any amount of memory.
            if not isinstance(holder, list) or step_now > len(holder):
                return False
            if step_now == len(holder):
                holder.append(new)
            elif step_next is None or not isinstance(holder[step_now], type(new)):
                holder[step_now] = new
        # What a name leads into is an object, as is the root: each step made what the one behind it needs.
        elif step_next is None or not isinstance(holder.get(step_now), type(new)):
            holder[step_now] = new
        inner = holder[step_now]
        if step_next is not None and id(inner) not in own:
            inner = holder[step_now] = inner.copy()
            own.add(id(inner))
        holder = inner
    return bool(steps)
