"""The tool calls of one message, put together from fragments that servers number as they like.

`ToolCalls.add` adds a fragment to the call that it belongs to:

1. A known id: that call, whatever the index says. But with another index, and another name or a second begin of
   arguments after whole ones, it is a second call with the same id, which its index tells from the first.
2. A new id: a new call, even if its index is taken. Only an open call with this index that has no id yet and
   is not named otherwise takes the id as its own, since the id may come late. A new id without a name opens no
   call if it comes with arguments: they go on with the named call of its index, or without an index with the last.
3. No id, a known index: the call that last came with that index.
4. No id, no index: the call opened last. Several such fragments in one frame go on with the calls of the last frame
   that had several, by their position.
5. No id, an index not seen before: a new call, with an id made up here (`ToolCall.synthetic`).
6. An index is a key, never a position: it may have gaps, begin at 1 or be negative.
7. Id, type and index are set once. A name may come in parts until arguments have begun; a repeat of all of it is not
   added. A fragment without id that names another function than its call does, when arguments have begun, opens a
   call, and so does the second name of one frame.
8. Strings are put together. An object, or any other JSON value that is not a string, replaces what was there, and a
   string after an object starts over. A string that repeats all of a whole JSON text is dropped. Arguments that say
   nothing (``{}``, ``"{}"``, ``"null"``, with white space anywhere) give way to what follows and replace nothing.
9. A call does not end because its JSON is whole. It ends by `ToolCall.close` or `ToolCalls.finish`;
   arguments that come after that open it again, and nothing is lost.
10. What was cut off is `ToolCall.incomplete` even if its JSON happens to be whole, and so is what
    ended but is not JSON.

What says nothing (null, ``""``, the word ``"null"``, ``{}``, ``[]``) is as good as missing. A fragment that says
nothing but an index opens no call. Nothing that a server sends makes it raise. An id that is a whole number is read
as its digits, an index that is ``"1"`` or ``1.0`` as 1. What cannot be used at all (an index ``true``, a name that is
an object) is kept in `ToolCall.extra` under its own name. A fragment costs the same however long its call already is.

The file is long since its ten rules are read together: each of them gives way to another.
"""

from __future__ import annotations

from collections.abc import Iterator

from ndstream.llm._lenient_readers import as_index, label_of, says_nothing
from ndstream.llm._limits import PartCounter
from ndstream.llm._tool_calls.fragment import Fragment, fragments_of
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

    __slots__ = ("_by_id", "_by_index", "_by_position", "_calls", "_open_calls", "_part_counter", "has_client_calls")

    def __init__(self, part_counter: PartCounter | None = None) -> None:
        self._part_counter = PartCounter() if part_counter is None else part_counter
        self._calls: list[ToolCall] = []
        self._by_id: dict[str, ToolCall] = {}
        self._by_index: dict[int, ToolCall] = {}
        self.has_client_calls = False
        # Those that may be open, so that ending them does not cost a look at all.
        self._open_calls: list[ToolCall] = []
        # The calls of the last frame that had several.
        self._by_position: list[ToolCall | None] = []

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
        """Add a fragment to the call that it belongs to, which may be a new one.

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
        fragment = Fragment(id, index, name, arguments, type, extra)
        return self._fill(self._find(fragment) or self._open(fragment), fragment)

    def add_all(self, value: object) -> list[ToolCall]:
        """Add the fragments of one frame.

        Args:
            value: What the frame has under ``tool_calls``, of any type.

        Returns:
            The calls that they belong to. A fragment that says nothing opens none.
        """
        fragments = fragments_of(value)
        found: list[ToolCall | None] = []
        named: set[int | None] = set()
        for position, fragment in enumerate(fragments):
            call = self._find(fragment)
            name, index = label_of(fragment.name), as_index(fragment.index)
            if _as_id(fragment.id) is None:
                at = self._at(position, fragment) if index is None and len(fragments) > 1 else None
                if at is None and name and (index in named or (call and call._is_another(name, fragment.arguments))):
                    call = None
                call = at or call
            if name:
                named.add(index)
            if call is None and not fragment.says_nothing:
                call = self._open(fragment)
            found.append(call if call is None else self._fill(call, fragment))
        if len(fragments) > 1:
            self._by_position = found
        return [call for call in found if call is not None]

    def add_whole(self, value: object) -> list[ToolCall]:
        """Add the calls of a whole answer: what it says of a call wins over the fragments.

        Args:
            value: What the answer has under ``tool_calls``, of any type.

        Returns:
            The calls. Each is a call of its own; those that came before are known by their id, or by their position.
        """
        before = len(self._calls)
        found = []
        for position, fragment in enumerate(fragments_of(value)):
            key, name = _as_id(fragment.id), label_of(fragment.name)
            call = None if key is None else self._by_id.get(key)
            if call is None and position < before:
                at = self._calls[position]
                call = at if (at.synthetic or key is None) and name in ("", at.name or name) else None
            if call is None:
                if not fragment.says_nothing:
                    found.append(self._fill(self._open(fragment), fragment))
                continue
            arguments, fragment.arguments = fragment.arguments, None
            found.append(self._fill(call, fragment))
            call.set_final_arguments(arguments)
        return found

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
        fragment = Fragment(id, index, name, arguments, type, extra)
        return self._fill(self._open(fragment), fragment)

    def finish(self, *, complete: bool) -> None:
        """End all calls that are open: at a finish reason, and again at the end of the reply.

        Args:
            complete: Whether the server has sent all of them. False if the reply was cut off, by its end
                or by a finish reason such as ``length``: each call still open is flagged incomplete.
        """
        while self._open_calls:
            self._open_calls.pop().close(complete=complete)

    def __iter__(self) -> Iterator[ToolCall]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __getitem__(self, position: int) -> ToolCall:
        return self._calls[position]

    def _find(self, fragment: Fragment) -> ToolCall | None:
        """The call that a fragment belongs to; None if it is of a new one."""
        key, number = _as_id(fragment.id), as_index(fragment.index)
        name = label_of(fragment.name) or None
        last = self._calls[-1] if self._calls else None
        if key is not None:
            call = self._by_id.get(key)
            if call is not None and number is not None:
                of_index = self._by_index.get(number)
                if of_index is not None and of_index.id == key:
                    return of_index
                if call.index not in (None, number) and call._is_another(name, fragment.arguments):
                    return None
            if call is not None:
                # Of several calls with one index, the index alone means the one that came last.
                if number is not None and call.index in (None, number):
                    self._by_index[number] = call
                return call
            call = self._by_index.get(number) if number is not None else None
            if call is not None and call.synthetic and not call.closed and name in (None, call.name or name):
                return call
            if number is None:
                call = last
            goes_on = call is not None and call.name is not None and not call.closed
            return call if goes_on and name is None and fragment.arguments is not None else None
        call = last if number is None else self._by_index.get(number)
        return None if call is not None and call._is_another(name) else call

    def _at(self, position: int, fragment: Fragment) -> ToolCall | None:
        """The call at this position in the last frame that had several."""
        call = self._by_position[position] if position < len(self._by_position) else None
        return None if call is None or call._is_another(label_of(fragment.name) or None, fragment.arguments) else call

    def _open(self, fragment: Fragment) -> ToolCall:
        key, number = _as_id(fragment.id), as_index(fragment.index)
        call = ToolCall(key or f"ndstream_call_{len(self._calls)}", index=number, synthetic=key is None)
        if not self._part_counter.count():
            # It is filled and handed out as others are, but not kept.
            return call
        self._calls.append(call)
        self._open_calls.append(call)
        call._open_calls = self._open_calls
        if key is not None:
            self._by_id[key] = call
        if number is not None:
            self._by_index[number] = call
        return call

    def _fill(self, call: ToolCall, fragment: Fragment) -> ToolCall:
        key, number = _as_id(fragment.id), as_index(fragment.index)
        if key is None:
            if not isinstance(fragment.id, str):
                call._keep("id", fragment.id)
        else:
            if call.synthetic:
                call.id, call.synthetic = key, False
            self._by_id.setdefault(key, call)
        if number is None:
            call._keep("index", fragment.index)
        elif call.index is None:
            call.index = number
        call._add_name(fragment.name)
        if label_of(fragment.type) and call.type in (None, fragment.type):
            call.type = label_of(fragment.type)
        elif not (isinstance(fragment.type, str) and says_nothing(fragment.type)):
            call._keep("type", fragment.type)
        if isinstance(fragment.arguments, (str, dict, list, int, float)):
            call.add_arguments(fragment.arguments)
        else:
            call._keep("arguments", fragment.arguments)
        for word, value in fragment.extra.items():
            call._keep(word, value)
        self.has_client_calls = self.has_client_calls or call.run_by == "client"
        return call


def _as_id(id: object) -> str | None:
    if isinstance(id, str):
        return label_of(id) or None
    if isinstance(id, int) and not isinstance(id, bool) and abs(id) < _LARGEST_ID:
        return str(id)
    return None
