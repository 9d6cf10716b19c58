"""The arguments of a tool call as they come: put together, and given out in the deltas.

Arguments are text in pieces, or a value that came decoded. What says nothing replaces nothing and gives way to what
follows. A fragment costs the same however long the arguments already are, and nothing that a server sends makes it
raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ndstream.llm._lenient_readers import says_nothing
from ndstream.llm._partial_json.partial_json import PartialJSON
from ndstream.llm._tool_calls.argument_texts import (
    NOTHING_ENDS,
    are_equal,
    encoded,
    is_empty_value,
    is_json,
    is_nothing,
    says_something,
)
from ndstream.llm._tool_calls.call_types import FREE_TEXT

_MAX_CHECKS = 8
_INSIDE = frozenset(":,{[")
"""What no whole JSON text ends with."""


class GrowingArguments:
    """The arguments so far.

    Attributes:
        type: What the server calls this kind of call, such as ``function`` or ``custom``, or None.
        closed: Whether the call has ended; arguments that come after that open it again.
        arguments_revised: Whether the server replaced arguments that deltas had given out already, so that the
            deltas' `arguments` do not add up to `raw`.
    """

    __slots__ = (
        "_added", "_all_added", "_checks", "_cut", "_given", "_is_growing", "_length", "_pieces", "_says_something",
        "_so_far", "_text", "_view", "_whole", "arguments_revised", "closed", "type",
    )  # fmt: skip

    def __init__(self) -> None:
        self.type: str | None = None
        self.closed = False
        # Whether it ended because it was cut off.
        self._cut = False
        # The text is what was put together so far, the pieces came since; the length is that of both.
        self._text = ""
        self._pieces: list[str] = []
        self._length = 0
        # Whether what came is more than the beginning of arguments that say nothing.
        self._says_something = False
        # What no delta has given out yet: these pieces, or all of it. Whether any was given out.
        self._added: list[str] = []
        self._all_added = False
        self._given = False
        # Whether nothing but the fragment itself has to be looked at to add it.
        self._is_growing = False
        self.arguments_revised = False
        self._checks = 0
        # Arguments that came decoded, in a tuple to tell them from none.
        self._whole: tuple[Any] | None = None
        self._view: PartialJSON | None = None
        self._so_far: Callable[[], Any] | None = None

    @property
    def has_arguments(self) -> bool:
        """Whether any arguments came, whatever they say."""
        return self._length > 0 or self._whole is not None

    @property
    def raw(self) -> str:
        """The arguments as text, as far as they came; those that came decoded are encoded.

        Only what came since it was last read is added to the text, in place if nothing else refers to that
        text: reading it after each fragment and keeping each answer costs a copy of all for each fragment.
        """
        if self._whole is not None:
            if not self._text:
                self._text = encoded(self._whole[0])
            return self._text
        if self._pieces:
            # A string grows in place only while a local variable is all that refers to it.
            text, self._text = self._text, ""
            text += "".join(self._pieces)
            self._text = text
            self._pieces.clear()
        return self._text

    @property
    def view(self) -> PartialJSON:
        """A view of the arguments so far, which tells what the last fragment added and finished."""
        if self._view is None:
            self._view = PartialJSON().feed(self.raw)
        return self._view

    def add_arguments(self, arguments: object) -> None:
        """Take the next fragment of the arguments, for a wire that knows the call without looking for it.

        Args:
            arguments: A string to add to the others, or a decoded JSON value, as rule 8 of the router says. Null says
                nothing.
        """
        if isinstance(arguments, str):
            self._add_text(arguments)
        elif isinstance(arguments, (dict, list, int, float)):
            self._replace(arguments)

    def add_and_take(self, fragment: object) -> str:
        """Add the next fragment, and return what its delta gives out. This is the path of most fragments."""
        if (
            self._is_growing
            and isinstance(fragment, str)
            and (size := len(fragment)) != self._length
            and (fragment[-1:] not in NOTHING_ENDS or not is_nothing(fragment))
        ):
            self._pieces.append(fragment)
            self._length += size
            if self._view is not None:
                self._view.feed(fragment)
            return fragment
        self.add_arguments(fragment)
        added = self.take_added()
        self._is_growing = self._says_something and self._given and self._whole is None and not self.closed
        return added

    def take_added(self) -> str:
        """What was added to `raw` since this was last asked; each delta with the call asks once."""
        pieces = self._added
        if self._all_added:
            added, self._all_added = self.raw, False
        elif len(pieces) == 1:
            added = pieces[0]
        else:
            added = "".join(pieces)
        pieces.clear()
        if added:
            self._given = True
        return added

    def set_partial_source(self, so_far: Callable[[], Any]) -> None:
        """Have `partial` ask this, if arguments come neither as text nor whole, up to `add_arguments`."""
        self._so_far = so_far

    def open_again(self) -> None:
        """Take back that the call ended: more of it comes."""
        self.closed = self._cut = False

    def set_final_arguments(self, arguments: object) -> None:
        """Let what the server says at the end count in place of what came before.

        Args:
            arguments: All of the arguments, as text or decoded. What says nothing replaces nothing.
        """
        if not isinstance(arguments, str):
            self.add_arguments(arguments)
            return
        known = self.raw
        if arguments == known or is_nothing(arguments):
            if not known:
                self._add_text(arguments)
            elif arguments != known and not is_json(known):
                self._start_over()
                self._add_text(arguments)
            return
        if arguments.startswith(known) and self._whole is None:
            arguments = arguments[len(known) :]
        else:
            self._start_over()
        self._add_text(arguments)

    def _add_text(self, text: str) -> None:
        if not text or (len(text) == self._length and self._is_repeat(text)):
            return
        holds_json = self.type not in FREE_TEXT
        if holds_json and not self._says_something and self._gives_way_to(text):
            self._start_over()
        elif holds_json and self._length and is_empty_value(text) and self.is_whole():
            return
        elif self._whole is not None:
            self._start_over()
        if self.closed:
            self.open_again()
        self._is_growing = False
        self._added.append(text)
        self._pieces.append(text)
        self._length += len(text)
        self._says_something = self._says_something or says_something(self.raw)
        if self._view is not None:
            self._view.feed(text)

    def _replace(self, value: object) -> None:
        if self._whole is not None:
            if says_nothing(value) or are_equal(self._whole[0], value):
                return
        elif self._length and says_nothing(value):
            return
        self._start_over()
        if self.closed:
            self.open_again()
        self._all_added = True
        self._whole = (value,)

    def _start_over(self) -> None:
        """Forget the arguments that came so far, and what no delta has given out of them."""
        self._added.clear()
        self._all_added = self._is_growing = False
        self.arguments_revised = self.arguments_revised or self._given
        self._whole = self._view = None
        self._pieces.clear()
        self._text = ""
        self._length = 0
        self._says_something = False

    def _gives_way_to(self, text: str) -> bool:
        """Whether the arguments so far say nothing in whole, so that no JSON text goes on with them."""
        return self._whole is None and is_empty_value(self.raw) and not text.isspace()

    def is_whole(self) -> bool:
        """Whether the arguments are whole JSON, asked a few times at most, since it reads all of them."""
        last = self._pieces[-1] if self._pieces else self._text
        if last[-1:] in _INSIDE:
            return False
        self._checks += 1
        return self._checks <= _MAX_CHECKS and self._whole is None and is_json(self.raw)

    def _is_repeat(self, text: str) -> bool:
        """Whether it says again what is whole. Lengths being equal, this is rare and the sizes add up."""
        if text != self.raw:
            return False
        if self.type in FREE_TEXT:
            return self.closed and not self._cut
        # A number may grow by a repeat of itself.
        return text.lstrip()[:1] in ("{", "[", '"') and is_json(text)
