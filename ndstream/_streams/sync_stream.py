"""`Stream`: an iterator over the values of a source that is read by calling.

A stream owns its source. The source is released once: by `close`, by leaving ``with``, by the end of
the iteration, or when nobody refers to the stream any more, whichever comes first. After an error in a
frame the iteration goes on with the next frame; an error of the source ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

from ndstream._core import Decoder, FirstBytes, Puller, iterates_in_c
from ndstream._sources.opened_source import OpenedSyncSource, nothing_to_close

T = TypeVar("T")
StreamT = TypeVar("StreamT", bound="Stream[Any]")


@iterates_in_c
class Stream(Puller[T]):
    """An iterator over the values of a source that is read by calling.

    It is made by `ndjson`, `sse`, `jsonseq`, `concatenated` and `stream`.

    Attributes:
        decoder: The decoder in use, with ``offset``, ``frames`` and ``errors``; None until the
            first bytes have decided the framing.
        closed: Whether the source has been released.

    Raises:
        StreamError: From ``next``: a frame is bad, or the source failed (a `TruncatedError` with
            the source's own error as its cause).

    Example:
        >>> import ndstream
        >>> with ndstream.ndjson([b'{"a":1}\\n{"a"', b":2}\\n"]) as stream:
        ...     [value["a"] for value in stream]
        [1, 2]
    """

    def __init__(
        self,
        source: OpenedSyncSource,
        decoder: Decoder[T] | None,
        first_bytes: FirstBytes | None = None,
        drain: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(source.chunks, decoder, first_bytes)
        self._close = source.close
        self._interrupt = source.interrupt
        self._drain = drain

    def _release(self) -> None:
        drain, self._drain = self._drain, None
        try:
            if self._runs_elsewhere():
                # Some responses cannot be closed while they are read, and no read notices that another thread closes.
                if self._interrupt is not None:
                    with suppress(Exception):
                        self._interrupt()
            elif drain is not None and self.decoder is not None and self.decoder.done:
                drain()
        finally:
            # Forgotten before it is called, since after an interrupt all this may come again.
            close, self._close = self._close, nothing_to_close
            close()

    def __enter__(self: StreamT) -> StreamT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # `__init__` may have failed.
        if hasattr(self, "_close"):
            self.close()
