"""Whatever a user hands over fails in each of its calls: the error comes out, sources are closed, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from failures.scenes import SCENES, Fault
from failures.uses import shown
from over_http.leaks import nothing_left


class Failure(Exception):
    """An error of the user's own."""


KINDS: list[Callable[[], BaseException]] = [Failure, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError]

WITH_TASKS = ("broadcast", "async_event_source")
"""Scenes in which tasks of the package's own run."""

OPENING = {"headers", "iter_bytes", "aiter_bytes"}
"""Calls that come before there is a stream, so that the source is still the user's."""


def may_be_swallowed(name: str, fault: Fault, expected: list[Any]) -> bool:
    """Whether the error need not come out of this scene, since it is told in another way."""
    assert fault.error is not None
    values = len(fault.values)
    if isinstance(fault.error, GeneratorExit) and fault.raised_in == "aclose":
        # The async generator that closes takes it for its own end.
        return True
    if "read_ahead" in name:
        # What comes after the sentinel, or after the reader has closed, is nobody's.
        # A cancellation of the task that reads ahead is told as such.
        cancelled = isinstance(fault.error, asyncio.CancelledError) and fault.raised_in == "__anext__"
        return cancelled or values == len(expected)
    if "event_source" in name:
        # It connects again. What a client has to say about a connection that is over helps nobody.
        return fault.raised_in in ("aclose", "close") or (
            isinstance(fault.error, Exception) and fault.raised_in in ("connect", "__next__", "__anext__")
        )
    if not isinstance(fault.error, Exception):
        return False
    if "relay" in name or name == "broadcast":
        # The client is told, in the words of the format, and after its end nobody is.
        return fault.raised_in in ("__next__", "__anext__", "close", "aclose", "error_message")
    # A reply that the server has ended is whole, whatever the connection does after that.
    return "reply" in name and fault.raised_in in ("__next__", "__anext__") and values >= len(expected) - 1


def chain(error: BaseException | None) -> list[BaseException]:
    """An error and all that led to it."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def is_part_of(values: list[Any], whole: list[Any]) -> bool:
    """Whether they are of the whole, in its order."""
    rest = iter(whole)
    return all(value in rest for value in values)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_an_error_in_any_call_comes_out_and_closes_the_source(
    scene: Callable[[Fault], None], kind: Callable[[], BaseException]
) -> None:
    # An event loop ends with an interrupt in any of its tasks, and says of that task that nobody asked for its end.
    forgiven = "(?s)never retrieved.*KeyboardInterrupt" if scene.__name__ in WITH_TASKS else ""
    with nothing_left(forgiven):
        whole = Fault()
        scene(whole)
        expected = [shown(value) for value in whole.values]
        assert whole.calls
        for number in range(whole.calls):
            fault = Fault(number, kind())
            raised: BaseException | None = None
            try:
                scene(fault)
            except BaseException as error:
                raised = error
            context = (number, fault.raised_in, repr(raised))
            if not fault.raised_in:
                # A thread takes its turns as it likes.
                continue
            out = chain(raised) + [cause for error in fault.handled for cause in chain(error)]
            assert fault.error in out or may_be_swallowed(scene.__name__, fault, expected), context
            closed = [source.closed for source in fault.sources]
            most = [1] * len(closed)
            assert closed == most or (fault.raised_in in OPENING and closed == [0]), (context, closed)
            told = "relay" in scene.__name__ or scene.__name__ == "broadcast"
            assert told or is_part_of([shown(value) for value in fault.values], expected * 2), context
