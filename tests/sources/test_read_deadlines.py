"""Reads of a socket are bounded and interrupted from outside, and it is left as it was found."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ndstream._sources.read_deadlines import (
    SocketNotFound,
    in_this_process,
    network_stream_controls,
    socket_controls,
    socket_of_file,
)


# Threads that other tests left behind are not used in the child.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_an_interrupt_does_nothing_in_a_forked_process() -> None:
    calls: list[int] = []
    interrupt = in_this_process(lambda: calls.append(1))
    child = os.fork()
    if not child:
        interrupt()
        os._exit(len(calls))
    assert os.waitpid(child, 0)[1] == 0
    interrupt()
    assert calls == [1]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_read_waits_no_longer_than_its_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    read_deadline, _ = socket_controls(lambda: pair[0])
    with pytest.raises(TimeoutError), read_deadline(0.01):
        pair[0].recv(1)
    assert pair[0].gettimeout() is None


@pytest.mark.parametrize(("own", "used"), [(0.01, 0.01), (50.0, 20.0), (None, 20.0)])
def test_a_deadline_shortens_a_timeout_and_never_lengthens_it(
    pair: tuple[socket.socket, socket.socket], own: float | None, used: float
) -> None:
    read_deadline, _ = socket_controls(lambda: pair[0])
    pair[0].settimeout(own)
    with read_deadline(20.0):
        assert pair[0].gettimeout() == used
    assert pair[0].gettimeout() == own


def test_a_timeout_that_somebody_set_meanwhile_stays(pair: tuple[socket.socket, socket.socket]) -> None:
    read_deadline, _ = socket_controls(lambda: pair[0])
    with read_deadline(20.0):
        pair[0].settimeout(7)
    assert pair[0].gettimeout() == 7


def test_a_socket_that_was_closed_under_the_deadline_is_no_error(pair: tuple[socket.socket, socket.socket]) -> None:
    read_deadline, interrupt = socket_controls(lambda: pair[0])
    with read_deadline(20.0):
        pair[0].close()
    interrupt()


def test_without_a_socket_reads_cannot_be_bounded() -> None:
    read_deadline, interrupt = socket_controls(lambda: None)
    with pytest.raises(SocketNotFound), read_deadline(1):
        raise AssertionError("there is nothing to bound")
    interrupt()


def test_an_interrupt_ends_a_read_that_waits(pair: tuple[socket.socket, socket.socket]) -> None:
    _, interrupt = socket_controls(lambda: pair[0])
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pair[0].recv(1)), daemon=True)
    reader.start()
    interrupt()
    reader.join(10)
    assert got == [b""]


def test_the_socket_under_a_file_is_found(pair: tuple[socket.socket, socket.socket]) -> None:
    for buffering in (0, -1):
        with pair[0].makefile("rb", buffering=buffering) as file:
            assert socket_of_file(file) is pair[0]
    assert socket_of_file(object()) is None


class NetworkStream:
    """As httpx shows its own: each read is given a timeout."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(timeout)
        return b""

    def get_extra_info(self, name: str) -> Any:
        return None


def test_reads_of_a_network_stream_get_the_shorter_timeout() -> None:
    network = NetworkStream()
    read_deadline, _ = network_stream_controls(network)
    assert read_deadline is not None
    with read_deadline(20.0):
        network.read(1, timeout=None)
        network.read(1, timeout=0.5)
        other = threading.Thread(target=network.read, args=(1, None))
        other.start()
        other.join()
    network.read(1, timeout=None)
    assert network.timeouts[0] is not None
    assert 19 < network.timeouts[0] <= 20
    # Another thread has the connection for another response, and afterwards all is as it was.
    assert network.timeouts[1:] == [0.5, None, None]


def test_what_is_no_network_stream_has_no_controls() -> None:
    assert network_stream_controls(None) == (None, None)
    assert network_stream_controls(object()) == (None, None)
