"""What a source comes to: an iterator of chunks, the way to release it, and what else is known of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, TypeAlias

CHUNK_SIZE = 64 * 1024
"""How much is asked of a source at once, in bytes: a few of these stay in a core's own cache."""

Chunk: TypeAlias = "bytes | bytearray | memoryview"


class SyncChunks(NamedTuple):
    """Chunks of a source that is read by calling, what releases it, and the headers it came with.

    ``bounded(seconds)`` is a context in which no read waits longer than that; None where there is no
    such way. ``interrupt`` makes a read that waits in another thread return.
    """

    chunks: Iterator[Chunk]
    close: Callable[[], object]
    headers: Any = None
    bounded: Callable[[float], AbstractContextManager[object]] | None = None
    interrupt: Callable[[], object] | None = None


class AsyncChunks(NamedTuple):
    """Chunks of a source that is awaited, what releases it, and the headers it came with."""

    chunks: AsyncIterator[Chunk]
    close: Callable[[], Awaitable[object]]
    headers: Any = None


def read_until_empty(read: Callable[[int], Any]) -> Iterator[Chunk]:
    """The chunks that a ``read(size)`` gives, up to an empty one.

    Example:
        >>> import io
        >>> list(read_until_empty(io.BytesIO(b"abc").read))
        [b'abc']
    """
    # A C iterator over a C callable: no Python frame a chunk.
    return iter(partial(read, CHUNK_SIZE), b"")


class AwaitedReads:
    """The chunks that an awaited ``read(size)`` gives, up to an empty one.

    No async generator, since one that is left behind has to be closed by an event loop.
    """

    def __init__(self, read: Callable[[int], Awaitable[Any]]) -> None:
        self._read = read

    def __aiter__(self) -> AwaitedReads:
        return self

    async def __anext__(self) -> Chunk:
        chunk: Chunk = await self._read(CHUNK_SIZE)
        # What is no chunk passes, so that it is refused in so many words.
        if chunk == b"":
            raise StopAsyncIteration
        return chunk


def nothing_to_close() -> None:
    """Release a source that holds nothing."""


async def nothing_to_aclose() -> None:
    """Release an async source that holds nothing."""


def closer(source: Any) -> Callable[[], object]:
    """What closes a source; nothing where it cannot be closed."""
    close: Any = getattr(source, "close", None)
    return close if callable(close) else nothing_to_close


def async_closer(*owners: Any) -> Callable[[], Awaitable[object]]:
    """What closes all of these that can be closed, in order, even where one of them fails."""
    closes: list[Any] = [close for owner in owners if callable(close := getattr(owner, "aclose", None))]
    if len(closes) > 1:
        return partial(_close_all, closes)
    return closes[0] if closes else nothing_to_aclose


async def _close_all(closes: list[Callable[[], Awaitable[object]]]) -> None:
    first, *rest = closes
    try:
        await first()
    finally:
        if rest:
            await _close_all(rest)
