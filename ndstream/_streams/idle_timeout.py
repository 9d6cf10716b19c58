"""`IdleTimeout`: how long a stream waits for one value."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

from ndstream._core import Decoder
from ndstream._errors import IdleTimeoutError
from ndstream._sources.event_loops import move_on_after
from ndstream._sources.opened_source import Chunk


class IdleTimeout:
    """The time left for one value, over the chunks that it takes.

    It starts again when the unfinished frame grows. Heartbeats do not count, since they leave nothing
    in the decoder.
    """

    def __init__(self, seconds: float, decoder: Decoder[Any] | None) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._max_pending = 0 if decoder is None else decoder.pending

    async def next_chunk(self, chunks: AsyncIterator[Chunk], decoder: Decoder[Any] | None) -> Chunk:
        """The next chunk.

        Raises:
            IdleTimeoutError: It did not come in time.
        """
        if decoder is not None and decoder.pending > self._max_pending:
            self._max_pending = decoder.pending
            self._deadline = time.monotonic() + self._seconds
        with move_on_after(self._deadline - time.monotonic()) as scope:
            return await chunks.__anext__()
        assert scope.cancelled_caught
        raise IdleTimeoutError(self._seconds)
