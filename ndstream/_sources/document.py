"""Bodies that are sent as ``application/json``: one document over many lines, or NDJSON under that name.

Where the first line that is not blank leaves a bracket open, the body is a document. Its line ends, which
mean nothing between the tokens of JSON, become spaces, so that it is one line of as many bytes.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

from ndstream._sources.opened_source import Chunk, OpenedAsyncSource, OpenedSyncSource

_STRING = re.compile(rb'"[^"]*"')
_NO_MARKS = bytes(set(range(256)) - set(b'"[]{}'))
_MARK = b"\xef\xbb\xbf"


def unfold(source: OpenedSyncSource | OpenedAsyncSource, limit: int | None) -> OpenedSyncSource | OpenedAsyncSource:
    """Make one line of a document, and leave NDJSON as it is.

    Args:
        source: The chunks of the body.
        limit: How many bytes of a first line are kept until its end comes; a longer one is no document.

    Returns:
        The same source with other chunks.

    Example:
        >>> list(unfold(OpenedSyncSource(iter([b'{\\n"a": 1', b'}\\n']), print), None).chunks)
        [b'{ "a": 1', b'} ']
    """
    if isinstance(source, OpenedAsyncSource):
        return source._replace(chunks=_AsyncUnfolded(source.chunks, _Unfolder(limit)))
    return source._replace(chunks=_Unfolded(source.chunks, _Unfolder(limit)))


class _Unfolder:
    """Holds the bytes up to the end of the first line, and then knows what to do with all others."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._head = bytearray()
        self._begin = 0
        self._searched = 0
        self._is_document: bool | None = None

    def take(self, chunk: Chunk) -> Chunk:
        if self._is_document is None:
            try:
                self._head += memoryview(chunk).tobytes()
            except TypeError:
                return chunk
            self._look()
            if self._is_document is None:
                return b""
            chunk = self.rest()
        return bytes(chunk).replace(b"\n", b" ") if self._is_document else chunk

    def rest(self) -> bytes:
        rest = bytes(self._head)
        self._head.clear()
        return rest

    def _look(self) -> None:
        while self._is_document is None:
            end = self._head.find(b"\n", self._searched)
            self._searched = len(self._head) if end < 0 else end + 1
            line = bytes(self._head[self._begin : max(end, 0)]).removeprefix(_MARK).lstrip()
            if not self._fits(self._searched - self._begin - (end >= 0)):
                self._is_document = False
            elif line:
                self._is_document = _leaves_open(line)
            elif end < 0:
                return
            else:
                self._begin = end + 1

    def _fits(self, size: int) -> bool:
        return self._limit is None or size <= self._limit


def _leaves_open(line: bytes) -> bool:
    if not line.startswith((b"{", b"[")):
        return False
    # Without what is escaped, a string is what stands between two quotes. Each step takes the time of one look
    # at the line, whatever is in it, and the first ones leave little of long strings.
    line = line.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = _STRING.sub(b"", line.translate(None, _NO_MARKS))
    return marks.count(b"{") + marks.count(b"[") > marks.count(b"}") + marks.count(b"]")


class _Unfolded:
    """No generator, since a Ctrl-C that came while it reads would end one."""

    def __init__(self, chunks: Iterator[Chunk], unfolder: _Unfolder) -> None:
        self._chunks = chunks
        self._unfolder = unfolder

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        try:
            return self._unfolder.take(next(self._chunks))
        except StopIteration:
            if rest := self._unfolder.rest():
                return rest
            raise


class _AsyncUnfolded:
    """No async generator, since one that is left behind has to be closed by an event loop."""

    def __init__(self, chunks: AsyncIterator[Chunk], unfolder: _Unfolder) -> None:
        self._chunks = chunks
        self._unfolder = unfolder

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        try:
            return self._unfolder.take(await self._chunks.__anext__())
        except StopAsyncIteration:
            if rest := self._unfolder.rest():
                return rest
            raise
