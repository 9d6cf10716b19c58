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

from collections.abc import Iterator

from ndstream.llm._lenient_readers import as_index
from ndstream.llm._tool_calls.tool_call import ToolCall

_LARGEST_ID = 2**64


class ToolCalls:
    """The tool calls of one message, or of one choice, in the order in which they were opened.

    Attributes:
        has_client_calls: Whether the client is to run any of them.

    Example:
        >>> calls = ToolCalls()
        >>> call = calls.add(id="a", index=0, name="weather", arguments='{"city":')
        >>> calls.add(index=0, arguments='"Rome"}') is call
        True
        >>> calls.finish(complete=True)
        >>> [(call.name, call.arguments) for call in calls]
        [('weather', {'city': 'Rome'})]
    """

    __slots__ = ("_by_id", "_by_index", "_calls", "has_client_calls")

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []
        self._by_id: dict[str, ToolCall] = {}
        self._by_index: dict[int, ToolCall] = {}
        self.has_client_calls = False

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
            known: ToolCall | None = self._by_index.get(index)
            if known is not None and (not id or id == known.id):
                known.add_arguments(arguments)
                return known
        call = self._find(_as_id(id), as_index(index), name if isinstance(name, str) and name else None)
        if call is None:
            return self.open(id=id, index=index, name=name, arguments=arguments, type=type, **extra)
        return self._fill(call, id, index, name, arguments, type, extra)

    def with_index(self, index: int) -> ToolCall | None:
        """The call that an index alone means now."""
        return self._by_index.get(index)

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
        call = self._open(_as_id(id), as_index(index))
        self._fill(call, id, index, name, arguments, type, extra)
        self.has_client_calls = self.has_client_calls or call.run_by == "client"
        return call

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
        last = self._calls[-1] if self._calls else None
        call = last if number is None else self._by_index.get(number)
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
        key, number = _as_id(id), as_index(index)
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
