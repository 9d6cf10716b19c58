"""The socket under a sync response, found in order to bound its reads in time or to interrupt them.

Nothing here touches a socket before it is asked to.
"""

from __future__ import annotations

import os
import time
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any

ReadDeadline = Callable[[float], AbstractContextManager[object]]
Interrupt = Callable[[], object]


class SocketNotFound(Exception):
    """There is no socket whose reads could be bounded: it is closed, or hidden."""


def socket_controls(find: Callable[[], Any]) -> tuple[ReadDeadline, Interrupt]:
    """Ways to bound and to interrupt the reads of a plain socket.

    Args:
        find: Returns the socket, or None; called when it is needed.

    Returns:
        What bounds reads, and what makes one return that waits in another thread.
    """
    return partial(_shorten_timeout, find), in_this_process(partial(_shut_down, find))


def network_stream_controls(network: Any) -> tuple[ReadDeadline | None, Interrupt | None]:
    """`socket_controls` for the network stream of httpx, which sets a timeout of its own for each read."""
    if not callable(getattr(network, "read", None)) or not callable(getattr(network, "get_extra_info", None)):
        return None, None
    find = partial(network.get_extra_info, "socket")
    return partial(_shorten_reads, network), in_this_process(partial(_shut_down, find))


def in_this_process(interrupt: Interrupt) -> Interrupt:
    """An interrupt that does nothing in a forked process, which shares the connection with its parent."""
    return partial(_call_in_process, os.getpid(), interrupt)


def _call_in_process(process: int, interrupt: Interrupt) -> None:
    if os.getpid() == process:
        interrupt()


def socket_of_file(file: Any) -> Any:
    """The socket under a file that `socket.makefile` made, or None."""
    return getattr(getattr(file, "raw", file), "_sock", None)


@contextmanager
def _shorten_timeout(find: Callable[[], Any], seconds: float) -> Iterator[None]:
    socket = find()
    if not hasattr(socket, "settimeout"):
        raise SocketNotFound
    before = socket.gettimeout()
    ours = seconds if before is None else min(before, seconds)
    socket.settimeout(ours)
    try:
        yield
    finally:
        # At the end of the body the response may have closed the socket, or another thread may use it already.
        with suppress(OSError):
            if socket.gettimeout() == ours:
                socket.settimeout(before)


@contextmanager
def _shorten_reads(network: Any, seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    ours = get_ident()
    read = network.read

    def read_before_deadline(max_bytes: int, timeout: float | None = None) -> Any:
        # After the end of the body another thread may use the connection already.
        if get_ident() == ours:
            left = max(deadline - time.monotonic(), 0.001)
            timeout = left if timeout is None else min(timeout, left)
        return read(max_bytes, timeout=timeout)

    network.read = read_before_deadline
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
