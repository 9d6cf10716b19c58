"""From whatever holds bytes to an iterator of chunks, read so that bytes come as they arrive.

A source is recognised by the methods that it offers, never by the library of its type. If it has a read
that returns the bytes that have arrived, that is used rather than one that waits for a block to fill. Its own
line splitting is never used.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from types import CoroutineType
from typing import Any

from ndstream._sources.event_loops import release_in_event_loop
from ndstream._sources.mocks import is_mock, open_mock
from ndstream._sources.opened_source import (
    AwaitedReads,
    Chunk,
    OpenedAsyncSource,
    OpenedSource,
    OpenedSyncSource,
    any_closer,
    async_closer,
    closer,
    nothing_to_aclose,
    nothing_to_close,
    read_until_empty,
)
from ndstream._sources.responses import open_response

_COROUTINE = 0x80
"""CO_COROUTINE, without the module `inspect` for it."""


def open_source(source: Any) -> OpenedSource:
    """Find out how to read a source.

    Args:
        source: Bytes, a path, a response, a binary file or pipe, a socket, a byte stream of an event
            loop, an ASGI ``receive``, or an iterable or async iterable of bytes.

    Returns:
        The chunks and the way to release the source, sync or async as the source is.

    Raises:
        TypeError: It is nothing that bytes can be read from, or has none left; the message says what
            to pass instead.
        ValueError: It is a file or socket whose reads do not wait for bytes.
        OSError: The path cannot be opened.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return OpenedSyncSource(iter((source,)), nothing_to_close)
    if is_mock(source):
        return open_mock(source)
    if isinstance(source, os.PathLike):
        # `fspath`, since `open` takes an object with `__index__` for a descriptor.
        # Unbuffered, so that a chunk is read into one object without a copy between.
        file = open(os.fspath(source), "rb", buffering=0)  # noqa: PTH123, SIM115
        return OpenedSyncSource(read_until_empty(file.read), file.close)
    if isinstance(source, (str, dict, type, io.TextIOBase, Coroutine)):
        raise TypeError(_advice(source))
    opened = open_response(source) or (None if _is_of_no_bytes(source) else _open_stream(source))
    if opened is None:
        raise TypeError(_advice(source))
    return opened


def _open_stream(source: Any) -> OpenedSource | None:
    """Files, pipes, sockets and iterables."""
    names = ("iter_any", "read1", "read", "receive_some", "recv")
    name = next((name for name in names if callable(getattr(source, name, None))), "")
    read: Any = getattr(source, name, None)
    if name == "iter_any":
        # aiohttp's stream without its response, which closes it.
        return OpenedAsyncSource(read(), nothing_to_aclose)
    if name == "receive_some" or (name and _is_awaited(read)):
        return _awaited_reads(source, read)
    if callable(getattr(source, "read_bytes", None)) and hasattr(source, "reading"):
        return _awaited_reads(source, _read_of_tornado(source))
    if name == "recv" and hasattr(source, "makefile"):
        _refuse_non_blocking(source)
        return OpenedSyncSource(read_until_empty(read), source.close, interrupt=_interrupt_of_socket(source))
    if hasattr(source, "__aiter__"):
        try:
            chunks = source.__aiter__()
        except BaseException:
            release_in_event_loop(async_closer(source))
            raise
        if hasattr(source, "aclose"):
            # A byte stream of anyio has `receive`, and can be closed while that waits. Others may be generators.
            return OpenedAsyncSource(chunks, async_closer(source), close_wakes_reader=hasattr(source, "receive"))
        return OpenedAsyncSource(chunks, async_closer(chunks))
    if name in ("read1", "read"):
        _refuse_non_blocking(source)
        # Standard input belongs to the process, not to one stream.
        close = nothing_to_close if source is getattr(sys.stdin, "buffer", None) else closer(source)
        return OpenedSyncSource(read_until_empty(read), close)
    if isinstance(source, Iterable) and not isinstance(source, Mapping):
        close = closer(source)
        try:
            return OpenedSyncSource(iter(source), close)
        except BaseException:
            close()
            raise
    if callable(source) and _is_awaited(source) and _needs_no_argument(source):
        return OpenedAsyncSource(_AsgiMessages(source), nothing_to_aclose)
    return None


def _is_awaited(function: Any) -> bool:
    """Whether calling this function, method or object makes a coroutine."""
    while isinstance(function, partial):
        function = function.func
    if not hasattr(function, "__code__") and not hasattr(function, "__func__"):
        function = type(function).__call__
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return bool(getattr(code, "co_flags", 0) & _COROUTINE)


def _needs_no_argument(function: Callable[..., object]) -> bool:
    import inspect

    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    return True


class _AsgiMessages(AsyncIterator[Chunk]):
    """The chunks of a request body, from the messages of an ASGI server."""

    def __init__(self, receive: Callable[[], Awaitable[Any]]) -> None:
        self._receive: Callable[[], Awaitable[Any]] | None = receive

    async def __anext__(self) -> Chunk:
        if self._receive is None:
            raise StopAsyncIteration
        message = await self._receive()
        kind = message.get("type") if isinstance(message, Mapping) else None
        if kind == "http.disconnect":
            raise ConnectionResetError("the client went away in the middle of its request (http.disconnect)")
        if kind != "http.request":
            raise TypeError(f"an ASGI server's receive gives http.request messages, not {message!r:.100}")
        if not message.get("more_body", False):
            self._receive = None
        body: Chunk = message.get("body", b"")
        return body


def _read_of_tornado(stream: Any) -> Callable[[int], Awaitable[Any]]:
    async def read(size: int) -> Any:
        try:
            return await stream.read_bytes(size, partial=True)
        except OSError as error:
            # A stream that was closed has ended, unless it says which error closed it.
            if not stream.closed() or getattr(error, "real_error", None) is not None:
                raise
            return b""

    return read


def _awaited_reads(stream: Any, read: Callable[[int], Awaitable[Any]]) -> OpenedAsyncSource:
    """A byte stream of an event loop. If its writing half closes it, there is nothing to close here."""
    can_close = hasattr(stream, "aclose") or hasattr(stream, "close")
    return OpenedAsyncSource(AwaitedReads(read), any_closer(stream), close_wakes_reader=can_close)


def _interrupt_of_socket(socket: Any) -> Callable[[], object]:
    from ndstream._sources.read_deadlines import socket_controls

    return socket_controls(lambda: socket)[1]


def _refuse_non_blocking(source: Any) -> None:
    """Refuse a source whose reads do not wait: finding nothing yet looks like the end, or drops what was read."""
    # Any timeout makes a socket's descriptor non-blocking, so that only the timeout itself tells.
    socket = getattr(getattr(source, "raw", source), "_sock", source)
    try:
        if callable(getattr(socket, "gettimeout", None)):
            blocking = socket.gettimeout() != 0
        else:
            descriptor = source.fileno()
            blocking = not isinstance(descriptor, int) or os.get_blocking(descriptor)
    except (AttributeError, OSError, ValueError, TypeError):
        return
    if not blocking:
        raise ValueError(
            "the source is a non-blocking file or socket: call os.set_blocking(file.fileno(), True) or "
            "socket.settimeout(None), or hand over an async iterable that awaits its chunks"
        )


def _is_of_no_bytes(source: Any) -> bool:
    """Whether it is like a file, but its reads fail or give something else than bytes."""
    return _decodes_to_text(source) or _is_write_only(source) or _is_archive(source)


def _decodes_to_text(source: Any) -> bool:
    # A temporary file has the type of no text, and the attributes of the file in it.
    return isinstance(source, io.TextIOBase) or (
        hasattr(source, "newlines") and isinstance(getattr(source, "encoding", None), str)
    )


def _is_write_only(source: Any) -> bool:
    readable: Any = getattr(source, "readable", None)
    try:
        # Of a closed file its own error is told when it is read.
        return isinstance(source, io.IOBase) and callable(readable) and not readable()
    except ValueError:
        return False


def _is_archive(source: Any) -> bool:
    return callable(getattr(source, "namelist", None)) or callable(getattr(source, "extractfile", None))


def _is_not_entered(source: object) -> bool:
    """Whether it is a context that gives the response when it is entered: made by `contextlib`, or by aiohttp."""
    is_context = hasattr(source, "__aenter__") or hasattr(source, "__enter__")
    return is_context and (hasattr(source, "gen") or isinstance(source, Awaitable))


def _advice(source: object) -> str:
    name = type(source).__name__
    if isinstance(source, str):
        what = "pass pathlib.Path(...) for a file's name, or .encode() the text itself"
    elif _decodes_to_text(source):
        what = "it decodes to text; open it with 'rb', or pass its .buffer (sys.stdin.buffer)"
    elif _is_write_only(source):
        what = "it can only be written; open it with 'rb'"
    elif _is_archive(source):
        method = "open" if hasattr(source, "open") and hasattr(source, "namelist") else "extractfile"
        what = f"it is an archive of files; pass one of them, .{method}(name)"
    elif isinstance(source, dict):
        what = "it is a value already; pass the response or the iterator of bytes that it came from"
        if "wsgi.input" in source:
            what = "pass environ['wsgi.input'], or better the request of your framework, which knows the body's length"
    elif isinstance(source, type):
        what = "it is a class; pass an instance of it"
    elif callable(getattr(source, "request", None)):
        what = "it is a client; pass the response to a request of it"
    elif hasattr(source, "stdout"):
        what = "it is a process; pass its stdout, a pipe of bytes"
    elif _is_not_entered(source):
        kind = "async with" if hasattr(source, "__aenter__") else "with"
        what = f"it is a context that was not entered; write '{kind} ... as response' and pass the response"
    elif isinstance(source, Awaitable):
        what = "it was not awaited; write 'await' before the call that made it"
        if isinstance(source, CoroutineType):
            # Else Python warns that it was never awaited.
            source.close()
    elif callable(getattr(source, "open", None)):
        what = "pass the file that its open() gives, opened with 'rb'"
    elif callable(source):
        what = "it is a function; call it, and pass what it returns"
    else:
        what = "pass a response, a path, a binary file, bytes, or an iterable or async iterable of bytes"
    return f"cannot read bytes from {name}: {what}"
