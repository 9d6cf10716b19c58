"""A reply whose chunks are handed in: what `ndstream.llm.reply` is for a source, without reading from one.

A relay sends all that one chunk brings in one message, so that it has to know where a chunk ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ndstream._core import Decoder, SSEDecoder
from ndstream._errors import DecodeError, StreamError
from ndstream._sources.opened_source import Chunk
from ndstream.llm import Answer, Delta, ReplyError
from ndstream.llm._folder import Folder
from ndstream.llm._frames import first_bytes_of_reply
from ndstream.llm._heartbeats import is_about_heartbeat


class ReplyReader:
    """Folds the chunks of a reply into deltas.

    Args:
        headers: The upstream's headers, for its Content-Type.
        wire: The name of the wire; None to recognise it.
        max_frame_size: The largest frame, in bytes; None for no limit.

    Attributes:
        answer: What came so far. Its ``ending`` is set once nothing more can come, also before the end of the bytes.
        error: What a reply that is not complete would raise; None before the end, and if it is complete.
    """

    def __init__(self, headers: Any, wire: str | None, max_frame_size: int | None) -> None:
        self._folder = Folder(wire, "raise")
        self._first_bytes = first_bytes_of_reply(headers, self._folder.note_first_byte, max_frame_size)
        self._decoder: Decoder[Any] | None = None
        self._item: Any = None
        self.answer = Answer(self._folder.state)
        self.error: ReplyError | None = None

    @property
    def ended(self) -> bool:
        """Whether the reply has its end, so that further bytes are none of it."""
        return self.answer.ending is not None

    def feed(self, chunk: Chunk) -> Iterator[Delta]:
        """The deltas that a chunk brings, each folded when it is taken.

        Raises:
            TypeError: From ``next``: the chunk is not bytes-like.
        """
        if self.ended:
            return iter(())
        if self._decoder is not None:
            return self._fold(self._decoder.feed(chunk))
        self._decoder = self._first_bytes.feed(chunk, at_end=False)
        return iter(()) if self._decoder is None else self._fold(self._decoder)

    def finish(self) -> Iterator[Delta]:
        """The deltas that are left at the end of the bytes."""
        if not self.ended:
            yield from self._fold(self._final_decoder().finish())
        if not self.ended:
            self.error = self._folder.note_end_of_stream(self._decoder)
        yield from self._folder.extra_deltas()

    def fail(self, cause: Exception) -> Iterator[Delta]:
        """The deltas that are left if the source fails."""
        if not self.ended:
            decoder = self._final_decoder()
            error = decoder._fail(cause)
            error.__cause__ = cause
            self.error = self._folder.note_failure(error, decoder, self._item)
        yield from self._folder.extra_deltas()

    def stop(self) -> None:
        """Note that nobody wants more of it."""
        self._folder.note_closed(self._decoder)

    def _final_decoder(self) -> Decoder[Any]:
        """The decoder, once no more bytes can decide which it is."""
        if self._decoder is None:
            self._decoder = self._first_bytes.feed(b"", at_end=True)
        assert self._decoder is not None
        return self._decoder

    def _fold(self, decoder: Decoder[Any]) -> Iterator[Delta]:
        """The deltas of the frames that the decoder has. A bad frame or the sentinel ends the reply."""
        folder = self._folder
        while True:
            try:
                if folder.wire_known:
                    fold = folder.wire_fold
                    extra = folder.state.wire.extra_deltas
                    is_sse = isinstance(decoder, SSEDecoder)
                    for item in decoder:
                        self._item = item
                        yield fold(item.json(), item) if is_sse else fold(item, None)
                        if extra:
                            yield from folder.extra_deltas()
                    break
                for item in decoder:
                    self._item = item
                    first = folder.fold(item)
                    if first is not None:
                        yield first
                        yield from folder.extra_deltas()
                    if folder.wire_known:
                        break
                else:
                    break
            except DecodeError as error:
                if not is_about_heartbeat(error, self._item):
                    self.error = folder.note_failure(error, decoder, self._item)
                    break
            except StreamError as error:
                self.error = folder.note_failure(error, decoder, self._item)
                break
        if decoder.done and not self.ended:
            self.error = folder.note_end_of_stream(decoder)
        if self.ended:
            yield from folder.extra_deltas()
