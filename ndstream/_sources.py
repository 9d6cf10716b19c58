"""From whatever holds bytes to an iterator of chunks, read so that bytes come as they arrive.

What a source is, is told by what it offers, never by its type's library. No read waits for a block
to fill, and none of a source's own line splitting is used.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

CHUNK_SIZE = 64 * 1024
"""How much is asked of a file at once, in bytes: a few of these stay in a core's own cache."""

Chunk: TypeAlias = "bytes | bytearray | memoryview"


@runtime_checkable
class SupportsRead(Protocol):
    """A binary file, pipe or similar: ``read(size)`` gives at most ``size`` bytes, b"" at the end."""

    def read(self, size: int, /) -> bytes | None: ...


SyncSource: TypeAlias = "Iterable[Chunk] | SupportsRead | os.PathLike[str] | Chunk"
AsyncSource: TypeAlias = "AsyncIterable[Chunk]"


class SyncChunks(NamedTuple):
    """Chunks of a source that is read by calling, and what releases it."""

    chunks: Iterator[Chunk]
    close: Callable[[], object]


class AsyncChunks(NamedTuple):
    """Chunks of a source that is awaited, and what releases it."""

    chunks: AsyncIterator[Chunk]
    close: Callable[[], Awaitable[object]]


def open_source(source: Any) -> SyncChunks | AsyncChunks:
    """Find out how to read a source.

    Args:
        source: Bytes, a path, a binary file or pipe, or an iterable or async iterable of bytes.

    Returns:
        The chunks and the way to release the source, sync or async as the source is.

    Raises:
        TypeError: It is nothing that bytes can be read from; the message says what to pass instead.
        ValueError: It is a file whose reads do not wait for bytes.
        OSError: The path cannot be opened.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return SyncChunks(iter((source,)), _nothing_to_close)
    if isinstance(source, os.PathLike):
        # Unbuffered: a chunk is read into one object, without a copy between.
        file = open(source, "rb", buffering=0)  # noqa: PTH123, SIM115
        return SyncChunks(_read(file.read), file.close)
    if isinstance(source, (str, dict, type, io.TextIOBase)):
        raise TypeError(_advice(source))
    _refuse_non_blocking(source)
    if hasattr(source, "read1"):
        return SyncChunks(_read(source.read1), _closer(source))
    if hasattr(source, "__aiter__"):
        chunks = source.__aiter__()
        return AsyncChunks(chunks, _async_closer(source, chunks))
    if isinstance(source, SupportsRead):
        return SyncChunks(_read(source.read), _closer(source))
    if isinstance(source, Iterable):
        return SyncChunks(iter(source), _closer(source))
    raise TypeError(_advice(source))


def _read(read: Callable[[int], Any]) -> Iterator[Chunk]:
    # A C iterator over a C callable: no Python frame a chunk.
    return iter(partial(read, CHUNK_SIZE), b"")


def _refuse_non_blocking(source: Any) -> None:
    """A read that finds nothing yet looks like the end in buffered files, and is lost for the others."""
    try:
        descriptor = source.fileno()
        blocking = not isinstance(descriptor, int) or os.get_blocking(descriptor)
    except (AttributeError, OSError, ValueError, TypeError):
        return
    if not blocking:
        raise ValueError(
            "the source is a non-blocking file: call os.set_blocking(file.fileno(), True), or hand over an "
            "async iterable that awaits its chunks"
        )


def _closer(source: Any) -> Callable[[], object]:
    close = getattr(source, "close", None)
    # Standard input belongs to the process, not to one stream.
    return close if callable(close) and source is not _standard_input() else _nothing_to_close


def _async_closer(source: Any, chunks: Any) -> Callable[[], Awaitable[object]]:
    for owner in (source, chunks):
        close = getattr(owner, "aclose", None)
        if callable(close):
            return close  # type: ignore[no-any-return]
    return _nothing_to_aclose


def _standard_input() -> object:
    return getattr(sys.stdin, "buffer", None)


def _nothing_to_close() -> None:
    pass


async def _nothing_to_aclose() -> None:
    pass


def _advice(source: object) -> str:
    name = type(source).__name__
    if isinstance(source, str):
        what = "pass pathlib.Path(...) for a file's name, or .encode() the text itself"
    elif isinstance(source, io.TextIOBase):
        what = "it decodes to text; open it with 'rb', or pass its .buffer (sys.stdin.buffer)"
    elif isinstance(source, dict):
        what = "it is a value already; pass the response or the iterator of bytes that it came from"
    else:
        what = "pass a path, a binary file, bytes, or an iterable or async iterable of bytes"
    return f"cannot read bytes from {name}: {what}"
