r"""The value so far of a JSON text that is still coming in: tool arguments and structured output in a user interface.

What is shown, at every place where the text may be cut:

- An object or array is there from its first bracket on and grows in place; a member that has ended is final.
- A string is there from its opening quote on and grows. An escape sequence that is cut, or the first half of
  a surrogate pair, is held back until the rest comes.
- A number, ``true``, ``false`` and ``null`` appear when they have ended: 12 may become 123.
- A member appears when its value does, so neither an unfinished key nor a key without value is shown.
- Of equal keys the last counts, from where its value appears.

At its end a text gives what `orjson.loads` gives, and what orjson refuses is refused here: lone surrogates,
numbers past a double, ``NaN``, nesting past 1,024. How the text is cut never matters.

Each character is looked at once and moved once, and there is no recursion. `PartialJSON.value` puts only what
is new behind the growing string, in place, as CPython does where nothing else refers to that string: who keeps
it from one read to the next pays a copy of it per read. `PartialJSON.tail` is the way without that condition:
the characters that the last feed added, and where they belong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, Union

import orjson

from ndstream.llm._partial_json import grammar as steps
from ndstream.llm._partial_json.error import PartialJSONError

Path: TypeAlias = tuple[str | int, ...]
# The place of a value: that of the container around it, and the key in there. Paths are made when they are read.
_Place: TypeAlias = tuple[Union["_Place", None], str | int]

_MOST_LEVELS = 1024  # as in orjson


class Tail(NamedTuple):
    """What the last feed added to the string that is being written.

    Attributes:
        path: Where the string is: keys and positions, from the outside in.
        text: The characters that are new.
    """

    path: Path
    text: str


class PartialJSON:
    """A view of a JSON text's value that grows with the text.

    A text that is not JSON does not raise in the middle of a reply: `value` stays what it was, `error` says
    what is wrong, and `finish` raises it.

    Attributes:
        error: What is wrong with the text, or None. What is fed after it is ignored.

    Example:
        >>> view = PartialJSON()
        >>> view.feed('{"city": "Ro').value
        {'city': 'Ro'}
        >>> view.feed('me", "days": 1').value
        {'city': 'Rome'}
        >>> view.finished
        [('city',)]
        >>> view.feed('2}').value
        {'city': 'Rome', 'days': 12}
        >>> view.complete
        True
    """

    __slots__ = (
        "_before", "_container", "_finished", "_held", "_key", "_levels", "_number_position", "_pieces", "_place",
        "_root", "_step", "_string", "_tail", "_touched", "error",
    )  # fmt: skip

    def __init__(self) -> None:
        self.error: PartialJSONError | None = None
        # The value is the one element of a list, so that it has a container like all others.
        self._root: list[Any] = []
        self._container: Any = self._root
        self._place: _Place | None = None
        self._levels: list[tuple[Any, _Place | None]] = []
        # The key that waits for its value.
        self._key = ""
        # The string that is being written; it is in the container that is open.
        self._string: _Place | None = None
        # Characters of that string which the value does not have yet, or of a key or number.
        self._pieces: list[str] = []
        self._tail: list[str] = []
        # An escape sequence or literal that is cut: at most 11 characters, looked at again with what follows.
        self._held = ""
        self._number_position = 0
        self._step: Callable[[PartialJSON, str, int], int] = steps.value
        self._finished: list[_Place] = []
        # How many characters came before those held, and how many were scanned and moved so far.
        self._before = 0
        self._touched = 0

    @property
    def value(self) -> Any:
        """The value so far: the same objects each time, which grow. None as long as there is nothing to show."""
        self._settle()
        return self._root[0] if self._root else None

    @property
    def complete(self) -> bool:
        """Whether the value has ended. A number outside of all brackets ends by white space or `finish`."""
        return self.error is None and self._step is steps.behind

    @property
    def tail(self) -> Tail | None:
        """The string that is being written and what the last feed added to it, or None if there is none."""
        return None if self._string is None else Tail(_path(self._string), "".join(self._tail))

    @property
    def finished(self) -> list[Path]:
        """Where the values are that ended in the last feed, in order; the whole value is at ``()``."""
        return [_path(place) for place in self._finished]

    def feed(self, text: str) -> PartialJSON:
        """Take the next piece of the text.

        Args:
            text: Any number of characters, cut anywhere.

        Returns:
            The view itself.

        Raises:
            TypeError: It is not a str.
        """
        if not isinstance(text, str):
            raise TypeError(f"feed takes the next piece of the text as a str, not {type(text).__name__}")
        self._finished = []
        self._tail = []
        if self.error is not None or not text:
            return self
        if self._held:
            text = self._held + text
            self._held = ""
        position, size = 0, len(text)
        self._touched += size
        try:
            while position < size:
                position = self._step(self, text, position)
        except PartialJSONError as error:
            self.error = error.with_traceback(None)
        self._before += size - len(self._held)
        return self

    def finish(self) -> Any:
        """Say that no more text comes.

        Returns:
            The value.

        Raises:
            PartialJSONError: The text is not JSON, or not all of it.
        """
        self._finished = []
        self._tail = []
        try:
            if self.error is None and self._step is steps.in_number:
                self._end_number()
            if self.error is None and self._step is not steps.behind:
                raise PartialJSONError(
                    f"the text ends at character {self._before + len(self._held)}, before its value does",
                    position=self._before + len(self._held),
                    reason="unfinished",
                )
        except PartialJSONError as error:
            self.error = error.with_traceback(None)
        if self.error is not None:
            raise self.error
        return self.value

    def _settle(self) -> None:
        """Put what is new of the string that is being written behind the rest of it in the value."""
        if self._string is None or not self._pieces:
            return
        container: Any = self._container
        key = self._string[1]
        new = "".join(self._pieces)
        self._pieces.clear()
        # A string grows in place only while a local variable is all that refers to it.
        text = container[key]
        container[key] = None
        text += new
        container[key] = text
        self._touched += len(new)

    def _put(self, value: object) -> _Place:
        container = self._container
        if type(container) is list:
            container.append(value)
            return (self._place, len(container) - 1)
        container[self._key] = value
        return (self._place, self._key)

    def _end(self, place: _Place) -> None:
        self._finished.append(place)
        self._step = steps.after_value if self._levels else steps.behind

    def _open(self, container: list[Any] | dict[str, Any], position: int) -> None:
        if len(self._levels) == _MOST_LEVELS:
            position += self._before
            raise PartialJSONError(
                f"the JSON text is nested more than {_MOST_LEVELS:,} levels deep at character {position}",
                position=position,
                reason="too_deep",
            )
        place = self._put(container)
        self._levels.append((self._container, self._place))
        self._container, self._place = container, place
        self._step = steps.first_item if type(container) is list else steps.first_key

    def _close(self) -> None:
        place = self._place
        assert place is not None
        self._container, self._place = self._levels.pop()
        self._end(place)

    def _end_number(self) -> None:
        digits = "".join(self._pieces)
        self._pieces.clear()
        try:
            number = orjson.loads(digits)
        except ValueError:
            shown = digits if len(digits) <= 40 else f"{digits[:37]}..."
            raise self._wrong(
                self._number_position - self._before, f"{shown} is not a number that JSON and a double can hold"
            ) from None
        self._end(self._put(number))

    def _add(self, characters: str) -> None:
        self._pieces.append(characters)
        self._tail.append(characters)

    def _wrong(self, position: int, what: str) -> PartialJSONError:
        position += self._before
        return PartialJSONError(
            f"malformed JSON at character {position}: {what}", position=position, reason="invalid_json"
        )


def _path(place: _Place) -> Path:
    keys = []
    around, key = place
    while around is not None:
        keys.append(key)
        around, key = around
    return tuple(reversed(keys))
