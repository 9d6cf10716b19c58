"""`InMemoryStream`: a stream whose bytes are there, so that it may be awaited as well as called.

A response that a test has made by hand belongs to sync or to async code, and nothing in it says which.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import TypeVar

from ndstream._streams.sync_stream import Stream

T = TypeVar("T")


class InMemoryStream(Stream[T]):
    """A `Stream` with the methods of an `AsyncStream` as well."""

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        for value in self:
            return value
        raise StopAsyncIteration

    async def __aenter__(self) -> InMemoryStream[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def aclose(self) -> None:
        """End the iteration and release the source."""
        self.close()
