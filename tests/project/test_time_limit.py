"""The time limit of the tests themselves ends whatever they wait for."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from time_limit import time_limit

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no signals of timers")


def a_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.recv(1)


def a_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        process.wait()


def a_thread() -> None:
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    thread.join()


def a_loop() -> None:
    asyncio.run(asyncio.Event().wait())


@pytest.mark.parametrize("waiting", [a_socket, a_process, a_thread, a_loop])
def test_a_wait_without_end_fails_the_test(waiting: Callable[[], None]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"it took longer than 0\.05 seconds"), time_limit(0.05):
        waiting()


def test_code_that_catches_it_gets_it_once_more() -> None:
    never = threading.Event()
    with pytest.raises(pytest.fail.Exception), time_limit(0.05, again=0.05):
        try:
            never.wait()
        except BaseException:
            never.wait()


def test_what_ends_in_time_is_let_be_and_the_limit_around_it_goes_on() -> None:
    with time_limit(100):
        with time_limit(50):
            assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 50
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 100


def test_every_test_has_a_limit(pytestconfig: pytest.Config) -> None:
    limit = 2 * float(pytestconfig.getini("faulthandler_timeout"))
    assert bool(limit) == bool(signal.getitimer(signal.ITIMER_REAL)[0])
