"""Objects that a stream sends in pieces: some fields are text to join, of the others the last one counts."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from ndstream.llm._lenient_readers import as_index, dicts_of, joined


class Piece:
    """One object, put together in time that grows with its size alone."""

    __slots__ = ("fields", "lists", "texts")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.texts: dict[str, list[str]] = {}
        self.lists: dict[str, list[Any]] = {}

    def add(self, new: dict[str, Any], joining: Container[str]) -> None:
        """Take in a piece; null says nothing of what is known already."""
        for name, value in new.items():
            if isinstance(value, str) and name in joining:
                self.join(name, value)
            elif value is not None or name not in self.fields:
                self.texts.pop(name, None)
                self.lists.pop(name, None)
                self.fields[name] = value

    def join(self, name: str, text: str) -> list[str]:
        """Put text behind a field's."""
        parts = self.texts.get(name)
        if parts is None:
            # Kept among the fields as well, for the order in which they came.
            self.fields[name] = ""
            parts = self.texts[name] = []
        if text:
            parts.append(text)
        return parts

    def extend(self, name: str, values: Iterable[Any]) -> None:
        """Put values behind those of a field that is a list."""
        known = self.lists.get(name)
        if known is None:
            # One of its own: the list that came with a frame stays as it is.
            begun = self.fields.get(name)
            known = self.lists[name] = list(begun) if isinstance(begun, list) else []
            self.fields[name] = None
        known.extend(values)

    def clear(self) -> None:
        """Forget what is known."""
        self.fields.clear()
        self.texts.clear()
        self.lists.clear()

    def body(self) -> dict[str, Any]:
        """The object so far."""
        body = dict(self.fields)
        body.update((name, joined(parts)) for name, parts in self.texts.items())
        body.update((name, list(values)) for name, values in self.lists.items())
        return body


class Pieces:
    """A list of such objects: those with an index are told apart by it, others by a change of type."""

    __slots__ = ("_by_key", "_joining", "_last_type", "items")

    def __init__(self, joining: Container[str] = ()) -> None:
        self.items: list[Piece] = []
        self._joining = joining
        self._by_key: dict[tuple[int, Any], Piece] = {}
        self._last_type: Any = None

    def add(self, new: Any) -> None:
        """Take in a list of pieces; what is no list of objects is passed over."""
        for each in dicts_of(new):
            self._find(each).add(each, self._joining)

    def _find(self, new: dict[str, Any]) -> Piece:
        index, kind = as_index(new.get("index")), new.get("type")
        kind = kind if isinstance(kind, str) else None
        if index is not None:
            known = self._by_key.get((index, kind))
        else:
            grows = kind is not None and kind == self._last_type and any(name in self._joining for name in new)
            known = self.items[-1] if grows else None
        self._last_type = kind if index is None else None
        if known is None:
            known = Piece()
            self.items.append(known)
            if index is not None:
                self._by_key[index, kind] = known
        return known

    def body(self) -> list[dict[str, Any]]:
        """The list so far."""
        return [each.body() for each in self.items]
