"""One tool call of a reply: what names it, whether it has ended, and what its arguments are then.

A call does not end because its JSON is whole. It ends by `ToolCall.close` or by that of all calls; arguments
that come after that open it again, so that nothing is lost. What was cut off is `ToolCall.incomplete` even
where its JSON happens to be whole, and so is what ended but is not JSON. Nothing that a server sends makes it raise.
"""

from __future__ import annotations

from typing import Any, Literal

from ndstream.llm._lenient_readers import label_of, says_nothing
from ndstream.llm._tool_calls.argument_texts import decoded
from ndstream.llm._tool_calls.call_types import FREE_TEXT, run_by
from ndstream.llm._tool_calls.growing_arguments import GrowingArguments


class ToolCall(GrowingArguments):
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

    __slots__ = ("_arguments", "_error", "_is_decoded", "_open_calls", "extra", "id", "index", "name", "synthetic")

    def __init__(self, id: str, *, index: int | None = None, synthetic: bool = False) -> None:
        super().__init__()
        self.id = id
        self.synthetic = synthetic
        self.index = index
        self.name: str | None = None
        self.extra: dict[str, Any] = {}
        # What the arguments are is found out when somebody asks: a server that ends a call again and again, a little
        # longer each time, would have all of it decoded each time.
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

    def _is_another(self, name: str | None, arguments: object = None) -> bool:
        """Whether a fragment with this name, and with these arguments, cannot be one of this call's."""
        if name is None or self.name is None or not self.has_arguments:
            return False
        if name != self.name:
            return True
        begins = isinstance(arguments, dict) or (isinstance(arguments, str) and arguments.lstrip().startswith("{"))
        return begins and (self._whole is not None or self.is_whole())

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
        super().open_again()
        self._is_decoded = False
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
