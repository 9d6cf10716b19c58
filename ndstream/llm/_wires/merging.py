"""Objects and lists that a stream sends in parts, put together by one set of rules for all servers.

Of an object: texts are joined, labels and all other values count as they came last, and a value that says nothing
replaces none. Of a list: an item that continues an earlier one is merged with it, any other is a new item. Which item
it continues is decided by its index and type, by its id, or, if it has neither, by its position: the only one of
its frame continues the last item, several continue the items of the last frame. Two items of one frame are never one
item, and neither are items with different ids.

The file is long since its two classes hold each other: objects hold lists, and lists hold objects.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from ndstream.llm._lenient_readers import as_index, joined, label_of, says_nothing, text_of
from ndstream.llm._tool_calls.argument_texts import are_equal
from ndstream.llm._wires.labels import ALL_BUT_LABELS, GROWING, MAX_LEVELS, SIGNED, is_growing


class Piece:
    """One object, put together in time that grows with its size alone.

    Attributes:
        fields: The values by name, in the order in which they came; empty for those that are kept apart.
        texts: Texts that are joined, in parts.
        lists: Lists that are only added to.
        nested: Objects and lists that are merged themselves.
    """

    __slots__ = ("fields", "lists", "nested", "texts")

    def __init__(self, begun: dict[str, Any] | None = None) -> None:
        self.fields: dict[str, Any] = {} if begun is None else dict(begun)
        self.texts: dict[str, list[str]] = {}
        self.lists: dict[str, list[Any]] = {}
        self.nested: dict[str, Piece | Pieces] = {}

    def add(self, new: dict[str, Any], joining: Container[str], levels: int = 0) -> None:
        """Merge a part into the object.

        Args:
            new: The part.
            joining: The names of the texts that are joined.
            levels: How deeply objects and lists inside are merged; 0 to let the last one count.
        """
        for name, value in new.items():
            if isinstance(value, str) and name in joining and not (says_nothing(value) and self._is_structured(name)):
                self.join(name, value)
            elif name not in self.fields:
                self.fields[name] = value
            elif not says_nothing(value):
                if levels and isinstance(value, (dict, list)):
                    self._nest(name, value, levels)
                else:
                    self.replace(name, value)

    def _is_structured(self, name: str) -> bool:
        """Whether an object or a list is known by this name, which no empty text replaces."""
        return name in self.nested or name in self.lists or isinstance(self.fields.get(name), (dict, list))

    def add_lists(self, new: dict[str, Any], levels: int = 1) -> None:
        """Merge a part whose lists, and those of its objects, are pieces of longer lists."""
        for name, value in new.items():
            if isinstance(value, list) and value:
                self.extend(name, value)
            elif isinstance(value, str) and name in GROWING:
                self.join(name, value)
            elif levels and isinstance(value, dict) and value:
                nested = self.nested.get(name)
                if not isinstance(nested, Piece):
                    self.replace(name, None)
                    nested = self.nested[name] = Piece()
                nested.add_lists(value, levels - 1)
            elif name not in self.fields or not says_nothing(value):
                self.replace(name, value)

    def replace(self, name: str, value: Any) -> None:
        """Let a value count in place of all that came before."""
        self.texts.pop(name, None)
        self.lists.pop(name, None)
        self.nested.pop(name, None)
        self.fields[name] = value

    def join(self, name: str, text: str) -> list[str]:
        """Add to a text. Returns all of its parts."""
        parts = self.texts.get(name)
        if parts is None:
            begun = self.fields.get(name)
            parts = self.texts[name] = [begun] if isinstance(begun, str) and begun else []
            # Kept among the fields as well, for the order in which they came.
            self.fields[name] = ""
        if text:
            parts.append(text)
        return parts

    def text(self, name: str) -> str:
        """A text so far."""
        parts = self.texts.get(name)
        return text_of(self.fields.get(name)) if parts is None else joined(parts)

    def set_final(self, name: str, text: str) -> str | None:
        """Let a whole text count in place of its pieces; an empty one says nothing.

        Returns:
            What it adds to the pieces; None if it does not go on with them.
        """
        pieces = self.join(name, "")
        if not text:
            return ""
        known = joined(pieces)
        if text == known:
            return ""
        if text.startswith(known):
            added = text[len(known) :]
            pieces.append(added)
            return added
        pieces[:] = [text]
        return None

    def is_whole(self, name: str) -> bool:
        """Whether a text came in no more than one part."""
        return len(self.texts.get(name, ())) <= 1

    def extend(self, name: str, values: Iterable[Any]) -> None:
        """Add values to a list."""
        known = self.lists.get(name)
        if known is None:
            # One of its own: the list that came with a frame stays as it is.
            begun = self.fields.get(name)
            known = list(begun) if isinstance(begun, list) else []
            self.replace(name, None)
            self.lists[name] = known
        known.extend(values)

    def body(self) -> dict[str, Any]:
        """The object so far."""
        body = dict(self.fields)
        body.update((name, joined(parts)) for name, parts in self.texts.items())
        body.update((name, list(values)) for name, values in self.lists.items())
        body.update((name, nested.body()) for name, nested in self.nested.items())
        return body

    def _nest(self, name: str, value: Any, levels: int) -> None:
        nested = self.nested.get(name)
        if nested is None:
            begun = self.fields.get(name)
            if type(begun) is not type(value):
                self.replace(name, value)
                return
            self.fields[name] = None
            nested = self.nested[name] = Piece(begun) if isinstance(begun, dict) else Pieces(begun or (), levels - 1)
        if isinstance(nested, Piece) and isinstance(value, dict):
            nested.add(value, ALL_BUT_LABELS, levels - 1)
        elif isinstance(nested, Pieces) and isinstance(value, list):
            nested.add(value)
        else:
            self.replace(name, value)


class Pieces:
    """A list whose items come in parts. What is no object is an item of its own."""

    __slots__ = ("_by_key", "_last", "_levels", "items")

    def __init__(self, begun: Iterable[Any] = (), levels: int = MAX_LEVELS) -> None:
        # An item stays as it came until a second part comes for it.
        self.items: list[Any] = []
        self._levels = levels
        self._by_key: dict[tuple[str, Any], int] = {}
        # Where the items of the last frame are.
        self._last: list[int] = []
        self.add(begun)

    def add(self, new: Any) -> None:
        """Merge the list of a frame."""
        values = [value for value in (new if isinstance(new, (list, tuple)) else [new]) if not says_nothing(value)]
        if not values:
            return
        before, self._last = self._last, []
        taken: set[int] = set()
        for number, value in enumerate(values):
            position = None
            if isinstance(value, dict):
                unkeyed = before[-1:] if len(values) == 1 else before[number : number + 1]
                position = self._position_of(value, unkeyed, taken)
            if position is None:
                position = len(self.items)
                self.items.append(value)
            else:
                self._merge(position, value)
            if isinstance(value, dict):
                self._by_key.update((key, position) for key in _all_keys(value))
            taken.add(position)
            self._last.append(position)

    def set_whole(self, values: list[Any]) -> None:
        """Let a whole list count in place of all that came before: it stays as it came."""
        self.items = list(values)
        self._by_key.clear()
        self._last = [position for position, value in enumerate(values) if isinstance(value, dict)]
        for position in self._last:
            self._by_key.update((key, position) for key in _all_keys(values[position]))

    def body(self) -> list[Any]:
        """The list so far."""
        return [each.body() if isinstance(each, Piece) else each for each in self.items]

    def _position_of(self, new: dict[str, Any], unkeyed: list[int], taken: set[int]) -> int | None:
        """Where the item is that this part continues; None if it is a new item."""
        keys = _keys(new)
        candidates = [self._by_key[key] for key in keys if key in self._by_key] if keys else unkeyed
        candidates += [self._by_key[key] for key in _index_alone(new) if key in self._by_key]
        for position in candidates:
            known = self.items[position]
            if position in taken or not isinstance(known, (dict, Piece)):
                continue
            fields = known.fields if isinstance(known, Piece) else known
            if _is_image(new):
                if are_equal(known, new):
                    return position
            elif keys:
                if _agree(fields, new, "id") and _agree(fields, new, "type"):
                    return position
            elif _continues(known, fields, new):
                return position
        return None

    def _merge(self, position: int, new: dict[str, Any]) -> None:
        if _is_image(new):
            return
        known = self.items[position]
        if not isinstance(known, Piece):
            known = self.items[position] = Piece(known)
        part = dict(new)
        for name, value in new.items():
            # Some servers send a text whole in each part of an item. Of one that is in parts this is not asked,
            # since putting it together for each part would cost too much.
            if isinstance(value, str) and name not in GROWING and known.is_whole(name) and value == known.text(name):
                del part[name]
        if as_index(known.fields.get("index")) is not None:
            # It is the same, perhaps written in another way.
            part.pop("index", None)
        known.add(part, ALL_BUT_LABELS, self._levels)


def _keys(item: dict[str, Any]) -> list[tuple[str, Any]]:
    """What an item is known by: its id before its index, which is one of its type."""
    index, identity, kind = as_index(item.get("index")), label_of(item.get("id")), label_of(item.get("type"))
    keys: list[tuple[str, Any]] = [("id", identity)] if identity else []
    if index is not None:
        keys.append((kind, index))
    return keys


def _index_alone(item: dict[str, Any]) -> list[tuple[str, Any]]:
    """The index as a key for parts, or items, that leave out their type."""
    index = as_index(item.get("index"))
    return [] if index is None else [("", index)]


def _all_keys(item: dict[str, Any]) -> list[tuple[str, Any]]:
    return [*_keys(item), *_index_alone(item)]


def _is_image(item: dict[str, Any]) -> bool:
    """Whether it is an image, which is whole in one part: servers give each one the index 0, or send it twice."""
    return isinstance(item.get("image_url"), dict)


def _agree(known: dict[str, Any], new: dict[str, Any], name: str) -> bool:
    """Whether two labels are the same, or one is missing."""
    one, other = label_of(known.get(name)), label_of(new.get(name))
    return not one or not other or one == other


def _continues(known: dict[str, Any] | Piece, fields: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether a part without index and id goes on with an item."""
    if label_of(new.get("type")) not in ("", label_of(fields.get("type"))) or not is_growing(new):
        return False
    # A signature ends what it signs.
    signature = known.text("signature") if isinstance(known, Piece) else text_of(known.get("signature"))
    return not signature or all(says_nothing(new.get(name)) for name in SIGNED)
