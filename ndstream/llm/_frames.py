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
from ndstream._framing import Format
from ndstream._headers import framing
from ndstream._loops import abandon
from ndstream._reading import Chunk, SyncChunks
from ndstream._sources import open_source
from ndstream._streams import AsyncStream, Chooser, Stream
from ndstream.llm._documents import Documents

_MARK = b"\xef\xbb\xbf"
_MOST_HEAD = 64 * 1024
"""How much of a first line is awaited to tell whether it is a whole value, in bytes."""


class Head:
    """Looks at the first bytes, and rewrites what is one JSON document.

    Attributes:
        documents: What rewrites the chunks; None where that is not needed.
    """

    def __init__(self, seen: Callable[[], object]) -> None:
        self.documents: Documents | None = None
        self._seen = seen
        self._bytes = bytearray()
        self._chunks: list[Any] = []

    def take(self, chunk: Any) -> bool:
        """Take in a chunk; whether enough is known."""
        self._chunks.append(chunk)
        if not isinstance(chunk, (bytes, bytearray, memoryview)):
            # The stream behind this says what is wrong with it.
            return True
        if not len(chunk):
            return False
        if not self._bytes:
            self._seen()
        self._bytes += chunk
        head = self._bytes.removeprefix(_MARK).lstrip()
        if not head or (head.startswith(b"{") and b"\n" not in head and len(head) < _MOST_HEAD):
            return len(self._bytes) > _MOST_HEAD
        if head.startswith(b"[") or (head.startswith(b"{") and not _is_whole(head.partition(b"\n")[0])):
            self.documents = Documents()
        return True

    @property
    def is_document(self) -> bool:
        """Whether the first bytes are those of a JSON document or of a page, whatever the Content-Type says."""
        return self._bytes.removeprefix(_MARK).lstrip().startswith((b"{", b"[", b"<"))

    def chunks(self) -> list[Any]:
        """The chunks that were looked at, as they are to be decoded."""
        chunks, self._chunks = self._chunks, []
        return chunks if self.documents is None else [self.rewrite(b"".join(chunks).removeprefix(_MARK))]

    def rewrite(self, chunk: Any) -> Any:
        """A chunk behind the head, as it is to be decoded."""
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


def open_frames(source: Any, head: Head, **options: Any) -> Stream[Any] | AsyncStream[Any]:
    """A stream of events or values from a source, sync or async as the source is.

    Raises:
        ValueError: An option has none of its values, or the body is a binary event stream.
    """

    def make(format: Format) -> Decoder[Any]:
        if format == "sse" or (told == "sse" and not head.is_document):
            return SSEDecoder(done="[DONE]", **options)
        return NDJSONDecoder(**options) if format == "ndjson" else JSONSeqDecoder(**options)

    # Options are checked here, not when the first bytes come.
    NDJSONDecoder(**options)
    opened = open_source(source)
    try:
        told = framing(opened.headers)
    except BaseException:
        if isinstance(opened, SyncChunks):
            opened.close()
        else:
            abandon(opened.close)
        raise
    if isinstance(opened, SyncChunks):
        # From the second chunk on nothing of this runs, unless chunks are to be rewritten.
        chunks = itertools.chain.from_iterable(_parts(opened.chunks, head))
        return Stream(opened._replace(chunks=chunks), None, Chooser(make))
    return AsyncStream(opened._replace(chunks=_AsyncParts(opened.chunks, head)), None, Chooser(make))


def _parts(chunks: Iterator[Chunk], head: Head) -> Iterator[Iterable[Chunk]]:
    for chunk in chunks:
        if head.take(chunk):
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
                while not self._head.take(await self._chunks.__anext__()):
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
