"""An opened source: an iterator of chunks, the way to release it, and what else is known of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, TypeAlias

CHUNK_SIZE = 64 * 1024
"""How much is asked of a source at once, in bytes: a few of these fit into the cache of a CPU's core."""

Chunk: TypeAlias = "bytes | bytearray | memoryview"


class OpenedSyncSource(NamedTuple):
    """A source that is read by calling.

    Attributes:
        chunks: The bytes as they arrive.
        close: Releases the source.
        headers: The headers it came with; None without.
        read_deadline: ``read_deadline(seconds)`` is a context in which no read waits longer than that;
            None if reads cannot be bounded.
        interrupt: Makes a read that waits in another thread return; None if nothing can.
        in_memory: Whether reads never wait, although the source may be one of async code.
    """

    chunks: Iterator[Chunk]
    close: Callable[[], object]
    headers: Any = None
    read_deadline: Callable[[float], AbstractContextManager[object]] | None = None
    interrupt: Callable[[], object] | None = None
    in_memory: bool = False


class OpenedAsyncSource(NamedTuple):
    """A source that is awaited.

    Attributes:
        chunks: The bytes as they arrive.
        close: Releases the source when awaited.
        headers: The headers it came with; None without.
        close_wakes_reader: Whether it can be closed while a task waits for a chunk, which then ends.
    """

    chunks: AsyncIterator[Chunk]
    close: Callable[[], Awaitable[object]]
    headers: Any = None
    close_wakes_reader: bool = False


OpenedSource: TypeAlias = OpenedSyncSource | OpenedAsyncSource


def read_until_empty(read: Callable[[int], Any]) -> Iterator[Chunk]:
    """The chunks that a ``read(size)`` gives, up to an empty one.

    Example:
        >>> import io
        >>> list(read_until_empty(io.BytesIO(b"abc").read))
        [b'abc']
    """
    # A C iterator over a C callable, so that no Python code runs for a chunk.
    return iter(partial(read, CHUNK_SIZE), b"")


class AwaitedReads(AsyncIterator[Chunk]):
    """The chunks that an awaited ``read(size)`` gives, up to an empty one.

    Not an async generator, since an event loop has to close one that is dropped before its end.
    """

    def __init__(self, read: Callable[[int], Awaitable[Any]]) -> None:
        self._read = read

    async def __anext__(self) -> Chunk:
        chunk: Chunk = await self._read(CHUNK_SIZE)
        # Anything but bytes passes here, so that the decoder refuses it with a message that says what to do.
        if chunk == b"":
            raise StopAsyncIteration
        return chunk


def copied_unless_bytes(chunk: Chunk) -> Chunk:
    """A chunk that can be kept: a source may use another buffer than `bytes` again for the next chunk."""
    if isinstance(chunk, (bytes, str)):
        return chunk
    try:
        return memoryview(chunk).tobytes()
    except TypeError:
        # The decoder refuses it when it is fed.
        return chunk


def nothing_to_close() -> None:
    """Release a source that holds nothing."""


async def nothing_to_aclose() -> None:
    """Release an async source that holds nothing."""


def closer(source: Any) -> Callable[[], object]:
    """What closes a source; nothing if it cannot be closed."""
    close: Any = getattr(source, "close", None)
    return close if callable(close) else nothing_to_close


def async_closer(*owners: Any) -> Callable[[], Awaitable[object]]:
    """What closes all of these that can be closed, in order, even if one of them fails."""
    closes: list[Any] = [close for owner in owners if callable(close := getattr(owner, "aclose", None))]
    if len(closes) > 1:
        return partial(_close_all, closes)
    return closes[0] if closes else nothing_to_aclose


def any_closer(source: Any) -> Callable[[], Awaitable[object]]:
    """What closes a source whose close may or may not have to be awaited."""
    close = getattr(source, "aclose", None) or getattr(source, "close", None)
    return partial(call_and_await, close) if callable(close) else nothing_to_aclose


async def call_and_await(function: Callable[[], Any]) -> None:
    """Call a function, and await its result if that is needed."""
    result = function()
    if hasattr(result, "__await__"):
        await result


def call_with_size(method: Callable[..., Any]) -> Any:
    """Call an ``iter_content``, which takes a size in requests, and nothing in some doubles."""
    try:
        return method(CHUNK_SIZE)
    except TypeError:
        return method()


def consumed_error(response: object) -> TypeError:
    """The error for a response that has no bytes left."""
    return TypeError(
        f"this {type(response).__name__} was read or closed already and has no bytes left: hand it over before "
        "anything reads it (where the client takes stream=True, pass that), or pass the bytes that were read"
    )


async def _close_all(closes: list[Callable[[], Awaitable[object]]]) -> None:
    first, *rest = closes
    try:
        await first()
    finally:
        if rest:
            await _close_all(rest)
