"""The value that a growing JSON text has so far: what the grammar fills and the view shows.

Values are put into the container that is open. Characters of a string wait in a list until the value is read,
since adding each fragment to the string would copy all of it whenever somebody holds it.
"""

from __future__ import annotations

from typing import Any, TypeAlias, Union

Path: TypeAlias = tuple[str | int, ...]
# The place of a value: that of the container around it, and the key in there. Paths are made when they are read.
Place: TypeAlias = tuple[Union["Place", None], str | int]


class GrowingValue:
    """A value under construction.

    Attributes:
        root: A list whose one element is the value, so that the value has a container like all others.
        container: The container that is open.
        place: Its place; None for the root.
        levels: The containers around it with their places, from the outside in.
        key: The key that waits for its value.
        string: The place of the string that is being written, in the open container; None if there is none.
        pieces: Characters that the string does not have yet, or those of a key or number so far.
        tail: Characters that the last feed added to the string.
        finished: The places of the values that ended in the last feed.
        moved: How many characters were moved into strings so far.
    """

    __slots__ = ("container", "finished", "key", "levels", "moved", "pieces", "place", "root", "string", "tail")

    def __init__(self) -> None:
        self.root: list[Any] = []
        self.container: Any = self.root
        self.place: Place | None = None
        self.levels: list[tuple[Any, Place | None]] = []
        self.key = ""
        self.string: Place | None = None
        self.pieces: list[str] = []
        self.tail: list[str] = []
        self.finished: list[Place] = []
        self.moved = 0

    def put(self, value: object) -> Place:
        """Put a value into the open container. Returns its place."""
        container = self.container
        if type(container) is list:
            container.append(value)
            return (self.place, len(container) - 1)
        container[self.key] = value
        return (self.place, self.key)

    def open(self, container: list[Any] | dict[str, Any]) -> None:
        place = self.put(container)
        self.levels.append((self.container, self.place))
        self.container, self.place = container, place

    def close(self) -> None:
        place = self.place
        assert place is not None
        self.container, self.place = self.levels.pop()
        self.finished.append(place)

    def begin_string(self) -> None:
        self.string = self.put("")
        self.tail = []

    def end_string(self) -> None:
        self.update_string()
        assert self.string is not None
        self.finished.append(self.string)
        self.string = None

    def add(self, characters: str) -> None:
        """Add characters to the string, or to the key, that is being written."""
        self.pieces.append(characters)
        self.tail.append(characters)

    def taken_pieces(self) -> str:
        """The text of the pieces, which are cleared."""
        text = "".join(self.pieces)
        self.pieces.clear()
        return text

    def update_string(self) -> None:
        """Add the characters that are waiting to the string that is being written."""
        if self.string is None or not self.pieces:
            return
        container: Any = self.container
        key = self.string[1]
        new = self.taken_pieces()
        # A string grows in place only while a local variable is all that refers to it.
        text = container[key]
        container[key] = None
        text += new
        container[key] = text
        self.moved += len(new)


def path_of(place: Place) -> Path:
    """The keys and positions to a place, from the outside in."""
    keys = []
    around, key = place
    while around is not None:
        keys.append(key)
        around, key = around
    return tuple(reversed(keys))
