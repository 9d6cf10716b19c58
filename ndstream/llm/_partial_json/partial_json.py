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
is new after the growing string, in place, as CPython does if nothing else refers to that string: who keeps
it from one read to the next pays a copy of it per read. `PartialJSON.tail` is the way without that condition:
the characters that the last feed added, and where they belong.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ndstream.llm._partial_json.error import PartialJSONError
from ndstream.llm._partial_json.grammar import Grammar
from ndstream.llm._partial_json.growing_value import Path, path_of


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

    __slots__ = ("_grammar", "error")

    def __init__(self) -> None:
        self.error: PartialJSONError | None = None
        self._grammar = Grammar()

    @property
    def value(self) -> Any:
        """The value so far: the same objects each time, which grow. None as long as there is nothing to show."""
        growing = self._grammar.value
        growing.update_string()
        return growing.root[0] if growing.root else None

    @property
    def complete(self) -> bool:
        """Whether the value has ended. A number outside of all brackets ends by white space or `finish`."""
        return self.error is None and self._grammar.ended

    @property
    def tail(self) -> Tail | None:
        """The string that is being written and what the last feed added to it, or None if there is none."""
        growing = self._grammar.value
        return None if growing.string is None else Tail(path_of(growing.string), "".join(growing.tail))

    @property
    def finished(self) -> list[Path]:
        """Where the values are that ended in the last feed, in order; the whole value is at ``()``."""
        return [path_of(place) for place in self._grammar.value.finished]

    def feed(self, text: str) -> PartialJSON:
        """Read the next piece of the text.

        Args:
            text: Any number of characters, cut anywhere.

        Returns:
            The view itself.

        Raises:
            TypeError: It is not a str.
        """
        if not isinstance(text, str):
            raise TypeError(f"feed takes the next piece of the text as a str, not {type(text).__name__}")
        self._forget_last_feed()
        if self.error is None and text:
            try:
                self._grammar.read(text)
            except PartialJSONError as error:
                self.error = error.with_traceback(None)
        return self

    def finish(self) -> Any:
        """Say that no more text comes.

        Returns:
            The value.

        Raises:
            PartialJSONError: The text is not JSON, or not all of it.
        """
        self._forget_last_feed()
        if self.error is None:
            try:
                self._grammar.finish()
            except PartialJSONError as error:
                self.error = error.with_traceback(None)
        if self.error is not None:
            raise self.error
        return self.value

    def _forget_last_feed(self) -> None:
        growing = self._grammar.value
        growing.finished = []
        growing.tail = []

    @property
    def _touched(self) -> int:
        """How many characters were scanned and moved so far, for the tests that count work."""
        return self._grammar.scanned + self._grammar.value.moved
