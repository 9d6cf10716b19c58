"""From a source to the frames of a reply: server-sent events, or the values of NDJSON and JSON documents.

Servers send an HTML page or an indented JSON error where a stream was asked for, whatever the Content-Type
says; so the first bytes decide.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import orjson

from ndstream._core import Decoder, JSONSeqDecoder, NDJSONDecoder, SSEDecoder
from ndstream._framing import Format, sniffed
from ndstream._sources.drain import DEFAULT_DRAIN
from ndstream._sources.headers import framing
from ndstream._sources.opened_source import Chunk, OpenedSyncSource
from ndstream._streams import AsyncStream, Stream
from ndstream._streams.read_options import ReadOptions, close_unused
from ndstream.llm._documents import Documents

_MARK = b"\xef\xbb\xbf"
_MAX_HEAD = 64 * 1024
"""How much of a first line is awaited to see whether it is a whole value, in bytes."""


class Head:
    """Looks at the first bytes, and rewrites what is one JSON document.

    Attributes:
        documents: What rewrites the chunks; None if that is not needed.
        is_document: Whether the first bytes are those of JSON or of a page, whatever the Content-Type says.
    """

    def __init__(self, seen: Callable[[], object]) -> None:
        self.documents: Documents | None = None
        self.is_document = False
        self._seen = seen
        self._bytes = bytearray()
        self._chunks: list[Any] = []

    def examine(self, chunk: Any) -> bool:
        """Keep a chunk and look at it. Returns whether enough is known to go on."""
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            # The stream that reads these chunks says what is wrong with it.
            self._chunks.append(chunk)
            return True
        # Copied, since the owner of another buffer may use it again for the next chunk.
        self._chunks.append(bytes(chunk))
        if not len(chunk):
            return False
        if not self._bytes:
            self._seen()
        self._bytes += chunk
        head = self._bytes.removeprefix(_MARK).lstrip()
        if not head or (head.startswith(b"{") and b"\n" not in head and len(head) < _MAX_HEAD):
            return len(self._bytes) > _MAX_HEAD
        self.is_document = head.startswith((b"{", b"[", b"<"))
        if head.startswith(b"[") or (head.startswith(b"{") and not _is_whole(head.partition(b"\n")[0])):
            self.documents = Documents()
        return True

    def chunks(self) -> list[Any]:
        """The chunks that were looked at, as they are to be decoded."""
        chunks, self._chunks = self._chunks, []
        self._bytes.clear()
        return chunks if self.documents is None else [self.rewrite(b"".join(chunks).removeprefix(_MARK))]

    def rewrite(self, chunk: Any) -> Any:
        """A chunk after the head, as it is to be decoded."""
        if self.documents is None or not isinstance(chunk, (bytes, bytearray, memoryview)):
            return chunk
        return self.documents.feed(bytes(chunk))


def _is_whole(line: bytearray) -> bool:
    """Whether a line is to be left to the NDJSON decoder. One that is bad in itself is: it says where."""
    try:
        orjson.loads(line)
    except ValueError:
        # An indented document begins with a line that ends where more must come.
        return not line.rstrip().endswith((b"{", b"[", b",", b":"))
    return True


def open_frames(
    source: Any, head: Head, *, max_frame_size: int | None, idle_timeout: float | None
) -> Stream[Any] | AsyncStream[Any]:
    """A stream of events or values from a source, sync or async as the source is.

    Raises:
        ValueError: An option has none of its values, or the body is a binary event stream.
    """

    def make(format: Format) -> Decoder[Any]:
        if format == "sse" or (told == "sse" and not head.is_document):
            return SSEDecoder(done="[DONE]", max_frame_size=max_frame_size)
        kind = NDJSONDecoder if format == "ndjson" else JSONSeqDecoder
        return kind(max_frame_size=max_frame_size)

    # Options are checked here, not when the first bytes come.
    NDJSONDecoder(max_frame_size=max_frame_size)
    read_options = ReadOptions(DEFAULT_DRAIN, idle_timeout, 0)
    opened = read_options.open(source)
    try:
        told = framing(opened.headers)
    except BaseException:
        close_unused(opened)
        raise
    if isinstance(opened, OpenedSyncSource):
        # From the second chunk on nothing of this runs, unless chunks are to be rewritten.
        opened = opened._replace(chunks=itertools.chain.from_iterable(_parts(opened.chunks, head)))
    else:
        opened = opened._replace(chunks=_AsyncParts(opened.chunks, head))
    stream: Stream[Any] | AsyncStream[Any] = read_options.stream(opened, None, sniffed(make))
    return stream


def _parts(chunks: Iterator[Chunk], head: Head) -> Iterator[Iterable[Chunk]]:
    for chunk in chunks:
        if head.examine(chunk):
            break
    yield head.chunks()
    yield chunks if head.documents is None else map(head.rewrite, chunks)


class _AsyncParts:
    """The same for chunks that are awaited."""

    def __init__(self, chunks: AsyncIterator[Chunk], head: Head) -> None:
        self._chunks = chunks
        self._head = head
        self._ready: list[Chunk] = []
        self._next: Callable[[], Any] = self._first

    def __aiter__(self) -> _AsyncParts:
        return self

    def __anext__(self) -> Any:
        return self._next()

    async def _first(self) -> Chunk:
        if not self._ready:
            try:
                while not self._head.examine(await self._chunks.__anext__()):
                    pass
            except StopAsyncIteration:
                pass
            self._ready = self._head.chunks()
            self._ready.reverse()
        chunk = self._ready.pop() if self._ready else await self._chunks.__anext__()
        if not self._ready:
            self._next = self._chunks.__anext__ if self._head.documents is None else self._rewritten
        return chunk

    async def _rewritten(self) -> Chunk:
        chunk: Chunk = self._head.rewrite(await self._chunks.__anext__())
        return chunk
