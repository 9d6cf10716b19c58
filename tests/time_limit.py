"""A time limit for each test, so that what hangs ends as a failure of that test and the others still run.

It is twice pytest's ``faulthandler_timeout``, which prints where every thread stands; where that is 0 there is none.
It ends whatever the main thread waits for: a socket, a process, a thread, an event loop. What a test runs in other
threads has to be daemonic. Without signals of timers, as on Windows, there is no limit.
"""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest


@contextmanager
def time_limit(seconds: float, again: float = 5.0) -> Iterator[None]:
    """Fail the test if the block takes longer.

    Args:
        seconds: How long it may take; 0 for no limit.
        again: Seconds after which it is failed once more, for code that caught it, and for a clean-up that hangs too.
    """
    if not seconds or not hasattr(signal, "setitimer"):
        yield
        return

    def give_up(number: int, frame: FrameType | None) -> None:
        pytest.fail(f"it took longer than {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, again)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, before)


def _limited(item: pytest.Item) -> Generator[None, object, object]:
    with time_limit(2 * float(item.config.getini("faulthandler_timeout"))):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _limited(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _limited(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _limited(item))
