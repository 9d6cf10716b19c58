"""How a reply ended, and what was seen that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from ndstream.llm._server_error import ServerError

Verdict: TypeAlias = Literal["complete", "truncated", "error", "cancelled"]

Sign: TypeAlias = Literal[
    "sentinel",
    "finish_reason",
    "terminal_event",
    "error_frame",
    "malformed_frame",
    "cut_frame",
    "transport_error",
    "end_of_stream",
    "closed",
]


@dataclass(frozen=True)
class Evidence:
    """One thing that was seen of an ending.

    Attributes:
        sign: What kind of thing: ``sentinel`` ([DONE]), ``finish_reason``, ``terminal_event`` (a
            frame that the wire ends with), ``error_frame``, ``malformed_frame`` (no JSON),
            ``cut_frame`` (half a frame), ``transport_error`` (the source raised), ``end_of_stream``
            (no more bytes), ``closed`` (by the reader).
        detail: What it was: the reason given, the event's type, the words of the error.
    """

    sign: Sign
    detail: str = ""


@dataclass(frozen=True)
class Ending:
    """The end of a reply.

    Attributes:
        verdict: ``complete`` where the server said that it was done, whatever the reason;
            ``truncated`` where the bytes ended before that; ``error`` where the server reported one
            or sent what is no reply; ``cancelled`` where the reader stopped first.
        evidence: What was seen, in order.
        error: What the server said was wrong; None unless the verdict is ``error``.
    """

    verdict: Verdict
    evidence: tuple[Evidence, ...]
    error: ServerError | None = None

    @property
    def finish_reason(self) -> str | None:
        """The last reason for finishing that the server gave, in its words."""
        reasons = [each.detail for each in self.evidence if each.sign == "finish_reason"]
        return reasons[-1] if reasons else None
