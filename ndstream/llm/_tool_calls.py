"""The tool calls of one message, put together from fragments that servers number as they like.

`ToolCalls.add` takes a fragment to the call it belongs to:

1. A known id: that call, whatever the index says.
2. A new id: a new call, even if its index is taken. Only an open call with this index that has no id yet and
   is not named otherwise takes the id as its own, since the id may come late.
3. No id, a known index: the call that last came with that index.
4. No id, no index: the call opened last.
5. No id, an index not seen before: a new call, with an id made up here (`ToolCall.synthetic`).
6. An index is a key, never a position: it may have gaps, begin at 1 or be negative.
7. Id, name, type and index are set once. A repeat is not put behind the first; ``""`` and None are nothing.
   A fragment without id that names another function than its call does, when arguments have begun, opens a call.
8. Strings are put together. An object, or any other JSON value that is not a string, replaces what was there
   (an empty object does not replace a string that has begun, and a string after an object starts over).
   A string that repeats all of a whole JSON text is dropped.
9. A call does not end because its JSON is whole. It ends by `ToolCall.close` or `ToolCalls.finish`;
   arguments that come behind that open it again, and nothing is lost.
10. What was cut off is `ToolCall.incomplete` even where its JSON happens to be whole, and so is what
    ended but is not JSON.

Nothing that a server sends makes it raise. An id that is a whole number is taken as its digits, an index
that is ``"1"`` or ``1.0`` as 1. What cannot be used at all (an index ``true``, a name that is an object) is
kept in `ToolCall.extra` under its own name. A fragment costs the same however long its call already is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

_FREE_TEXT = ("custom", "custom_tool_call")
_INDEX = re.compile("-?[0-9]{1,18}")
_LARGEST_ID = 2**64


class ToolCall:
    """A call that the model asks for.

    Attributes:
        id: The server's id, or one made up here if it sent none.
        synthetic: Whether the id was made up here.
        index: The index that the server gave, or None.
        name: The function's name, or None while it is not known.
        type: What the server calls this kind of call, such as ``function`` or ``custom``, or None.
        arguments: The decoded arguments once the call is `complete`, else None. None came: ``{}``. Those of a
            custom call are its text. JSON that was encoded twice is decoded twice if it holds an object.
        closed: Whether the call has ended.
        incomplete: Whether it ended without having all its arguments: the reply was cut off, or they are not JSON.
        error: Why they are not JSON, or None.
        extra: What else came with the fragments, by name; the last value that is not None counts.
    """

    __slots__ = (
        "_length", "_pieces", "_text", "_whole",
        "arguments", "closed", "error", "extra", "id", "incomplete", "index", "name", "synthetic", "type",
    )  # fmt: skip

    def __init__(self, id: str, *, index: int | None = None, synthetic: bool = False) -> None:
        self.id = id
        self.synthetic = synthetic
        self.index = index
        self.name: str | None = None
        self.type: str | None = None
        self.arguments: Any = None
        self.closed = False
        self.incomplete = False
        self.error: ValueError | None = None
        self.extra: dict[str, Any] = {}
        # The text is what was put together so far, the pieces came since; the length is that of both.
        self._text = ""
        self._pieces: list[str] = []
        self._length = 0
        # Arguments that came decoded, in a tuple to tell them from none.
        self._whole: tuple[Any] | None = None

    @property
    def complete(self) -> bool:
        """Whether the call has ended with all its arguments."""
        return self.closed and not self.incomplete

    @property
    def raw(self) -> str:
        """The arguments as text, as far as they came; those that came decoded are encoded.

        Only what came since it was last read is put behind the text, in place where nothing else holds that
        text: reading it after each fragment and keeping each answer costs a copy of all for each fragment.
        """
        if self._whole is not None:
            if not self._text:
                self._text = _encoded(self._whole[0])
            return self._text
        if self._pieces:
            # A string grows in place only while a local variable is all that refers to it.
            text, self._text = self._text, ""
            text += "".join(self._pieces)
            self._text = text
            self._pieces.clear()
        return self._text

    def add_arguments(self, arguments: object) -> None:
        """Take the next fragment of the arguments, for a wire that knows the call without looking for it.

        Args:
            arguments: A string to put behind the others, or a decoded JSON value, as rule 8 says.
        """
        if isinstance(arguments, str):
            self._add_text(arguments)
        elif isinstance(arguments, (dict, list, int, float)):
            self._replace(arguments)
        else:
            self._keep("arguments", arguments)

    def close(self, *, complete: bool = True) -> None:
        """End the call and decode its arguments. A call that has ended stays as it is.

        Args:
            complete: Whether the server has sent all of it. If not, the call is flagged incomplete.
        """
        if self.closed:
            return
        self.closed = True
        self.incomplete = not complete
        if not complete:
            return
        if self._whole is not None:
            self.arguments = self._whole[0]
        elif self.type in _FREE_TEXT:
            self.arguments = self.raw
        else:
            try:
                self.arguments = _decoded(self.raw)
            except ValueError as error:
                self.incomplete = True
                self.error = error

    def _add_text(self, text: str) -> None:
        if not text or (len(text) == self._length and self._is_repeat(text)):
            return
        if self._whole is not None:
            self._whole = None
            self._text = ""
        if self.closed:
            self._open_again()
        self._pieces.append(text)
        self._length += len(text)

    def _replace(self, value: object) -> None:
        if self._whole is not None:
            if _are_equal(self._whole[0], value):
                return
        elif self._length and value == {}:
            return
        if self.closed:
            self._open_again()
        self._whole = (value,)
        self._pieces.clear()
        self._text = ""
        self._length = 0

    def _is_repeat(self, text: str) -> bool:
        """Whether it says again what is whole. Lengths being equal, this is rare and the sizes add up."""
        if text != self.raw:
            return False
        if self.type in _FREE_TEXT:
            return self.complete
        # A number may grow by a repeat of itself.
        return text.lstrip()[:1] in ("{", "[", '"') and _is_json(text)

    def _is_another(self, name: str | None) -> bool:
        """Whether a fragment with this name cannot be one of this call's."""
        begun = self._length > 0 or self._whole is not None
        return begun and name is not None and self.name not in (None, name)

    def _open_again(self) -> None:
        self.closed = self.incomplete = False
        self.arguments = self.error = None

    def _keep(self, name: str, value: object) -> None:
        if value is not None:
            self.extra[name] = value

    def __repr__(self) -> str:
        state = "open" if not self.closed else "incomplete" if self.incomplete else "complete"
        return f"ToolCall(id={self.id!r}, name={self.name!r}, {state}, {self._length} characters)"


class ToolCalls:
    """The tool calls of one message, or of one choice, in the order in which they were opened.

    Example:
        >>> calls = ToolCalls()
        >>> call = calls.add(id="a", index=0, name="weather", arguments='{"city":')
        >>> calls.add(index=0, arguments='"Rome"}') is call
        True
        >>> calls.finish(complete=True)
        >>> [(call.name, call.arguments) for call in calls]
        [('weather', {'city': 'Rome'})]
    """

    __slots__ = ("_by_id", "_by_index", "_calls")

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []
        self._by_id: dict[str, ToolCall] = {}
        self._by_index: dict[int, ToolCall] = {}

    def add(
        self,
        /,
        *,
        id: object = None,
        index: object = None,
        name: object = None,
        arguments: object = None,
        type: object = None,
        **extra: object,
    ) -> ToolCall:
        """Take a fragment to the call that it belongs to, which may be a new one.

        Args:
            id: The call's id.
            index: The call's index.
            name: The function's name.
            arguments: A fragment of the arguments' JSON text, or their decoded value.
            type: The kind of call; the arguments of ``custom`` are text, not JSON.
            extra: Whatever else the fragment holds.

        Returns:
            The call.
        """
        # Nearly all fragments: an index, perhaps the id again, and a string.
        if arguments.__class__ is str and index.__class__ is int and not (name or type or extra):
            known: ToolCall | None = self._by_index.get(index)  # type: ignore[call-overload]
            if known is not None and (not id or id == known.id):
                known.add_arguments(arguments)
                return known
        call = self._find(_as_id(id), _as_index(index), name if isinstance(name, str) and name else None)
        if call is None:
            return self.open(id=id, index=index, name=name, arguments=arguments, type=type, **extra)
        return self._fill(call, id, index, name, arguments, type, extra)

    def open(
        self,
        /,
        *,
        id: object = None,
        index: object = None,
        name: object = None,
        arguments: object = None,
        type: object = None,
        **extra: object,
    ) -> ToolCall:
        """Open a call without looking for one, for wires that send each call whole.

        Args:
            id: As in `add`, and so are the others.
            index: The call's index.
            name: The function's name.
            arguments: All of the arguments, or their first fragment.
            type: The kind of call.
            extra: Whatever else there is.

        Returns:
            The call.
        """
        call = self._open(_as_id(id), _as_index(index))
        return self._fill(call, id, index, name, arguments, type, extra)

    def finish(self, *, complete: bool) -> None:
        """End all calls that are open: at a finish reason, and again at the end of the reply.

        Args:
            complete: Whether the server has sent all of them. False where the reply was cut off, by its end
                or by a finish reason such as ``length``: each call still open is flagged incomplete.
        """
        for call in self._calls:
            call.close(complete=complete)

    def __iter__(self) -> Iterator[ToolCall]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, position: int) -> ToolCall:
        return self._calls[position]

    def _find(self, key: str | None, number: int | None, name: str | None) -> ToolCall | None:
        if key is not None:
            call = self._by_id.get(key)
            if call is not None:
                # Of several calls with one index, the index alone means the one that came last.
                if number is not None and call.index in (None, number):
                    self._by_index[number] = call
                return call
            call = self._by_index.get(number) if number is not None else None
            late = call is not None and call.synthetic and not call.closed and name in (None, call.name or name)
            return call if late else None
        if number is not None:
            call = self._by_index.get(number)
        else:
            call = self._calls[-1] if self._calls else None
        if call is not None and call._is_another(name):
            return None
        return call

    def _open(self, key: str | None, number: int | None) -> ToolCall:
        call = ToolCall(key or f"ndstream_call_{len(self._calls)}", index=number, synthetic=key is None)
        self._calls.append(call)
        if key is not None:
            self._by_id[key] = call
        if number is not None:
            self._by_index[number] = call
        return call

    def _fill(
        self,
        call: ToolCall,
        id: object,
        index: object,
        name: object,
        arguments: object,
        type: object,
        extra: dict[str, object],
    ) -> ToolCall:
        key, number = _as_id(id), _as_index(index)
        if key is None:
            if id != "":
                call._keep("id", id)
        elif call.synthetic:
            call.id, call.synthetic = key, False
            self._by_id[key] = call
        if number is None:
            call._keep("index", index)
        elif call.index is None:
            call.index = number
        for word, value in (("name", name), ("type", type)):
            if isinstance(value, str) and (not value or getattr(call, word) in (None, value)):
                if value:
                    setattr(call, word, value)
            else:
                call._keep(word, value)
        if arguments is not None:
            call.add_arguments(arguments)
        for word, value in extra.items():
            call._keep(word, value)
        return call


def _as_id(id: object) -> str | None:
    if isinstance(id, str):
        return id or None
    if isinstance(id, int) and not isinstance(id, bool) and abs(id) < _LARGEST_ID:
        return str(id)
    return None


def _as_index(index: object) -> int | None:
    if isinstance(index, bool):
        return None
    if isinstance(index, int):
        return index
    if isinstance(index, str) and _INDEX.fullmatch(index):
        return int(index)
    if isinstance(index, float) and index.is_integer():
        return int(index)
    return None


def _decoded(raw: str) -> Any:
    if not raw.strip():
        return {}
    value = orjson.loads(raw)
    if isinstance(value, str):
        try:
            inner = orjson.loads(value)
        except ValueError:
            return value
        if isinstance(inner, dict):
            return inner
    return value


def _are_equal(one: object, other: object) -> bool:
    try:
        return one == other
    except RecursionError:
        return False


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _encoded(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        pass
    try:
        # What orjson does not encode but a decoder may give: nested very deeply, or numbers past 64 bits.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (RecursionError, TypeError, ValueError):
        return ""
