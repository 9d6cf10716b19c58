"""Judges a decoder by what comes out of it, whatever its errors and options are called.

What is compared is what every decoder has: the values or events in their order, and whether a bad frame was told.
An exception ends what a decoder gives, so that nothing after the first expected error is compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from stream_framing_conformance.corpus import Case, text_of
from stream_framing_conformance.cuts import cuts
from stream_framing_conformance.exact import exact


class ReceivedEvent(NamedTuple):
    """An event as the WHATWG standard dispatches it; a part that a decoder does not tell is None."""

    event: str | None
    data: str
    id: str | None


Decode: TypeAlias = Callable[[list[bytes]], Iterable[Any]]
"""From chunks to values, or `ReceivedEvent`s for event streams, one after the other; it raises if it finds an error."""


def deviation(case: Case, decode: Decode, chunks: list[bytes]) -> str | None:
    """In what a decoder deviates from a case, for one cut of its stream; None if in nothing.

    Args:
        case: The case.
        decode: The decoder to judge.
        chunks: The bytes of the case, cut in some way.

    Example:
        >>> from stream_framing_conformance import standard_cases
        >>> case = standard_cases("ndjson")[0]
        >>> deviation(case, lambda chunks: [], [case.data])
        'nothing came out in place of value 1'
    """
    wanted, told = _wanted(case)
    received: list[object] = []
    raised: Exception | None = None
    try:
        for value in decode(chunks):
            received.append(value)
            if len(received) > len(wanted) + 1000:
                break
    except Exception as error:  # whatever a decoder raises is its way to tell
        raised = error
    for number, (got, want) in enumerate(zip(received, wanted, strict=False), 1):
        if (difference := _difference(got, want)) is not None:
            return f"{_noun(case)} {number} {difference}"
    if len(received) > len(wanted):
        # A decoder that goes on after an error may give what follows, if it tells the error in the end.
        if not (told and raised is not None and case.framing != "sse"):
            return f"{_noun(case)} {len(wanted) + 1} came out, which is none: {_short(received[len(wanted)])}"
    elif len(received) < len(wanted):
        what = "nothing came out" if raised is None else f"{type(raised).__name__} was raised"
        return f"{what} in place of {_noun(case)} {len(received) + 1}"
    if raised is not None and not told:
        return f"{type(raised).__name__} was raised: {_short(str(raised))}"
    # The WHATWG standard drops what the end of the stream cuts, so that telling it is optional there.
    if told and raised is None and case.framing != "sse":
        return "the error was not told"
    return None


def first_deviation(case: Case, decode: Decode, *, two_way_most: int = 4096) -> str | None:
    """In what a decoder deviates from a case, for the first cut for which it does; None if for no cut.

    Args:
        case: The case.
        decode: The decoder to judge.
        two_way_most: Streams up to so many bytes are cut in two at every place, longer ones at a sample of places.
    """
    for cut in cuts(case.data, two_way_most=two_way_most):
        if (found := deviation(case, decode, cut.chunks)) is not None:
            return f"{cut.name}: {found}"
    return None


def _wanted(case: Case) -> tuple[list[dict[str, Any]], bool]:
    """What must come out before the first error, and whether there is one."""
    wanted: list[dict[str, Any]] = []
    for outcome in case.expected:
        if "error" in outcome:
            return wanted, True
        wanted.append(outcome)
    return wanted, False


def _noun(case: Case) -> str:
    return "event" if case.framing == "sse" else "value"


def _difference(got: object, want: dict[str, Any]) -> str | None:
    if isinstance(got, ReceivedEvent):
        for name in ReceivedEvent._fields:
            mine, theirs = getattr(got, name), want[name]
            if mine is not None and mine != (theirs := text_of(theirs)):
                return f"has {name} {_short(mine)}, not {_short(theirs)}"
        return None
    if "nesting" in want:
        return None
    expected = json.loads(text_of(want["value_json"]))
    return None if exact(got) == exact(expected) else f"is {_short(got)}, not {_short(expected)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
