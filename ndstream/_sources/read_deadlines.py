"""Ways to the socket under a sync response, so that a read of it does not wait longer than it may.

Nothing here touches a socket before it is asked to. Where no socket is found, there is no such way.
"""

from __future__ import annotations

import time
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any

Bounded = Callable[[float], AbstractContextManager[object]]
Interrupt = Callable[[], object]


class NoPatience(Exception):
    """There is no socket whose reads could be bounded: it is closed, or hidden."""


def socket_patience(find: Callable[[], Any]) -> tuple[Bounded, Interrupt]:
    """How to bound and to interrupt reads of a plain socket.

    Args:
        find: Gives the socket when it is asked for, or None.

    Returns:
        What bounds reads, and what ends one that waits in another thread.
    """
    return partial(_with_timeout, find), partial(_shut_down, find)


def network_patience(network: Any) -> tuple[Bounded | None, Interrupt | None]:
    """The same for the network stream that httpx shows, which sets a timeout of its own for each read."""
    if not callable(getattr(network, "read", None)) or not callable(getattr(network, "get_extra_info", None)):
        return None, None
    return partial(_with_shorter_reads, network), partial(_shut_down, partial(network.get_extra_info, "socket"))


def socket_of_file(file: Any) -> Any:
    """The socket that `socket.makefile` made a file of, or None."""
    return getattr(getattr(file, "raw", file), "_sock", None)


@contextmanager
def _with_timeout(find: Callable[[], Any], seconds: float) -> Iterator[None]:
    socket = find()
    if not hasattr(socket, "settimeout"):
        raise NoPatience
    before = socket.gettimeout()
    ours = seconds if before is None else min(before, seconds)
    socket.settimeout(ours)
    try:
        yield
    finally:
        # At its end a response may have closed the socket, or another thread may use it already.
        with suppress(OSError):
            if socket.gettimeout() == ours:
                socket.settimeout(before)


@contextmanager
def _with_shorter_reads(network: Any, seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    ours = get_ident()
    read = network.read

    def read_soon(max_bytes: int, timeout: float | None = None) -> Any:
        # Once the response is at its end, another thread may have the connection already.
        if get_ident() == ours:
            left = max(deadline - time.monotonic(), 0.001)
            timeout = left if timeout is None else min(timeout, left)
        return read(max_bytes, timeout=timeout)

    network.read = read_soon
    try:
        yield
    finally:
        del network.read


def _shut_down(find: Callable[[], Any]) -> None:
    import socket

    found = find()
    if found is not None:
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)
