"""One tool call of a reply: its arguments as far as they came, and whether it has all of them.

A call does not end because its JSON is whole. It ends by `ToolCall.close` or by that of all calls; arguments
that come after that open it again, so that nothing is lost. What was cut off is `ToolCall.incomplete` even
where its JSON happens to be whole, and so is what ended but is not JSON. A fragment costs the same however
long the call already is, and nothing that a server sends makes it raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ndstream.llm._lenient_readers import label_of, says_nothing
from ndstream.llm._partial_json.partial_json import PartialJSON
from ndstream.llm._tool_calls.argument_texts import (
    NOTHING_ENDS,
    are_equal,
    decoded,
    encoded,
    is_empty_value,
    is_json,
    is_nothing,
    says_something,
)
from ndstream.llm._tool_calls.call_types import FREE_TEXT, run_by

_MAX_CHECKS = 8
_INSIDE = frozenset(":,{[")
"""What no whole JSON text ends with."""


class ToolCall:
    """A call that the model asks for.

    Attributes:
        id: The server's id, or one made up here if it sent none.
        synthetic: Whether the id was made up here.
        index: The index that the server gave, or None.
        name: The function's name, or None while it is not known.
        type: What the server calls this kind of call, such as ``function`` or ``custom``, or None.
        closed: Whether the call has ended.
        arguments_revised: Whether the server replaced arguments that deltas had given out already, so that the
            deltas' `arguments` do not add up to `raw`.
        extra: What else came with the fragments, by name; the last value that says something counts.
    """

    __slots__ = (
        "_added", "_all_added", "_arguments", "_checks", "_cut", "_error", "_given", "_is_decoded", "_is_growing",
        "_length",
        "_open_calls", "_pieces", "_says_something", "_so_far", "_text", "_view", "_whole",
        "arguments_revised", "closed", "extra", "id", "index", "name", "synthetic", "type",
    )  # fmt: skip

    def __init__(self, id: str, *, index: int | None = None, synthetic: bool = False) -> None:
        self.id = id
        self.synthetic = synthetic
        self.index = index
        self.name: str | None = None
        self.type: str | None = None
        self.closed = False
        self.extra: dict[str, Any] = {}
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
        # Whether it was cut off, and what its arguments are, which is found out when somebody asks: a server that ends
        # a call again and again, a little longer each time, would have all of it decoded each time.
        self._cut = False
        self._is_decoded = False
        self._arguments: Any = None
        self._error: ValueError | None = None
        # The list of the message's open calls, to be on it again if the call is opened again.
        self._open_calls: list[ToolCall] | None = None

    @property
    def arguments(self) -> Any:
        """The decoded arguments once the call is `complete`, else None; ``{}`` if none came.

        Those of a custom call are its text. JSON that was encoded twice is decoded twice if it holds an object.
        """
        self._decode()
        return self._arguments

    @property
    def incomplete(self) -> bool:
        """Whether it ended without having all its arguments: the reply was cut off, or they are not JSON."""
        self._decode()
        return self.closed and (self._cut or self._error is not None)

    @property
    def error(self) -> ValueError | None:
        """Why the arguments are not JSON, or None."""
        self._decode()
        return self._error

    @property
    def came_decoded(self) -> bool:
        """Whether the arguments came as a JSON value, not as text, so that what comes next replaces them."""
        return self._whole is not None

    @property
    def run_by(self) -> Literal["client", "server"]:
        """Who runs the call: the ``client``, who sends the result back, or the ``server``, which needs nothing.

        It goes by the call's type. A type that is not known is taken for the client's. A request to approve a call
        of a server is the client's, who has to answer it.
        """
        return run_by(self.type, self.extra)

    @property
    def complete(self) -> bool:
        """Whether the call has ended with all its arguments."""
        return self.closed and not self.incomplete

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

    @property
    def partial(self) -> Any:
        """The arguments as far as they came; None as long as there is nothing to show.

        An object grows in place while fragments come, its finished members are final, and its unfinished string
        is there as far as it came. Reading it after each fragment costs no more than the fragment.
        """
        if self.complete:
            return self.arguments
        if self._whole is not None:
            return self._whole[0]
        if self._so_far is not None:
            return self._so_far()
        return self.raw if self.type in FREE_TEXT else self.view.value

    def identify(self, id: object, name: object, type: object) -> None:
        """Set what is not known yet, since arguments may come before what they are of."""
        if self.synthetic and label_of(id):
            self.id, self.synthetic = label_of(id), False
        self.name = self.name or label_of(name) or None
        self.type = self.type or label_of(type) or None

    def add_arguments(self, arguments: object) -> None:
        """Take the next fragment of the arguments, for a wire that knows the call without looking for it.

        Args:
            arguments: A string to add to the others, or a decoded JSON value, as rule 8 of the router says.
        """
        if isinstance(arguments, str):
            self._add_text(arguments)
        elif isinstance(arguments, (dict, list, int, float)):
            self._replace(arguments)
        else:
            self._keep("arguments", arguments)

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

    def close(self, *, complete: bool = True) -> None:
        """End the call. A call that has ended stays as it is.

        Args:
            complete: Whether the server has sent all of it. If not, the call is flagged incomplete.
        """
        if not self.closed:
            self.closed = True
            self._is_growing = False
            self._cut = not complete

    def cut(self) -> None:
        """End the call as one that the server cut short, though it may have ended in order before."""
        self.closed = self._cut = True
        self._is_growing = False
        self._arguments = self._error = None

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
        elif holds_json and self._length and is_empty_value(text) and self._is_whole():
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

    def _is_whole(self) -> bool:
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
            return self.complete
        # A number may grow by a repeat of itself.
        return text.lstrip()[:1] in ("{", "[", '"') and is_json(text)

    def _is_another(self, name: str | None, arguments: object = None) -> bool:
        """Whether a fragment with this name, and with these arguments, cannot be one of this call's."""
        if name is None or self.name is None or not self.has_arguments:
            return False
        if name != self.name:
            return True
        begins = isinstance(arguments, dict) or (isinstance(arguments, str) and arguments.lstrip().startswith("{"))
        return begins and (self._whole is not None or self._is_whole())

    def _add_name(self, name: object) -> None:
        """Set the name, or add a part to it as long as no arguments have come. A repeat adds nothing."""
        part = label_of(name)
        if not part:
            if not isinstance(name, str):
                self._keep("name", name)
        elif self.name is None or (part.startswith(self.name) and not self.has_arguments):
            self.name = part
        elif not self.has_arguments:
            self.name += part
        elif part != self.name:
            self._keep("name", name)

    def open_again(self) -> None:
        """Take back that the call ended: more of it comes."""
        self.closed = self._cut = self._is_decoded = False
        self._arguments = self._error = None
        if self._open_calls is not None:
            self._open_calls.append(self)

    def _decode(self) -> None:
        """Find out what the arguments of a call that ended in order are."""
        if not self.closed or self._cut or self._is_decoded:
            return
        self._is_decoded = True
        if self._whole is not None:
            self._arguments = self._whole[0]
        elif self.type in FREE_TEXT:
            self._arguments = self.raw
        else:
            try:
                self._arguments = decoded(self.raw)
            except ValueError as error:
                self._error = error

    def _keep(self, name: str, value: object) -> None:
        if value is not None and not (name in self.extra and says_nothing(value)):
            self.extra[name] = value

    def __repr__(self) -> str:
        state = "open" if not self.closed else "incomplete" if self.incomplete else "complete"
        return f"ToolCall(id={self.id!r}, name={self.name!r}, {state}, {self._length} characters)"
