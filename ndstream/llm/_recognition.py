"""Which wire a stream is of: that of the first frame that a wire matches."""

from __future__ import annotations

from typing import Any

from ndstream.llm._errors import WireOptionError
from ndstream.llm._heartbeats import is_heartbeat_frame
from ndstream.llm._server_error import ServerError, error_in_plain_answer
from ndstream.llm._wires.ollama import OllamaProgress
from ndstream.llm._wires.registry import WIRES, wire_of
from ndstream.llm._wires.wire import Wire


class Recognition:
    """The search for a reply's wire.

    Attributes:
        wire_known: Whether the wire was named or found for certain.
        unknown_frame: The first frame that no wire matched; None if there was none, or the wire is known.
    """

    def __init__(self, name: str | None, cumulative: bool = False) -> None:
        if name is not None and name not in WIRES:
            raise ValueError(f"wire must be one of {', '.join(map(repr, WIRES))}, or None, not {name!r}")
        self.wire_known = name is not None
        self.unknown_frame: Any = None
        self._name = name
        self._cumulative = cumulative
        if cumulative and name is not None:
            _check_cumulative(WIRES[name])

    def first_wire(self) -> Wire:
        """The wire before any frame: the one that was named, or one that matches nothing."""
        return Wire() if self._name is None else self._new(WIRES[self._name])

    def look_at(self, frame: Any, wire: Wire) -> Wire:
        """The wire after this frame: the one that matches it, with what is known so far, or still the same.

        Raises:
            WireOptionError: An option means nothing for the wire that matches.
        """
        if is_heartbeat_frame(frame):
            return wire
        kind = wire_of(frame)
        if kind is None or kind is type(wire):
            if self.unknown_frame is None and type(wire) is Wire:
                self.unknown_frame = frame
            return wire
        # Servers of other wires say a status as well, while they load a model.
        self.wire_known = kind is not OllamaProgress
        if self._cumulative:
            _check_cumulative(kind)
        self.unknown_frame = None
        found = self._new(kind)
        found.evidence = wire.evidence
        found.error = wire.error
        found.extra_deltas = wire.extra_deltas
        return found

    def _new(self, kind: type[Wire]) -> Wire:
        made = kind()
        made.cumulative = self._cumulative
        return made

    def error_in_unknown_frame(self) -> ServerError | None:
        """The error that the first frame may be, if no wire matched any frame: a plain answer, with what is wrong."""
        return error_in_plain_answer(self.unknown_frame)


def _check_cumulative(kind: type[Wire]) -> None:
    if not kind.may_be_cumulative:
        able = ", ".join(repr(name) for name, each in WIRES.items() if each.may_be_cumulative)
        raise WireOptionError(
            f"cumulative= is for the wire {able}, not for {kind.name!r}: leave it out, since servers of {kind.name!r} "
            "send what each frame adds",
            option="cumulative",
            wire=kind.name,
        )
