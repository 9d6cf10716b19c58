"""The upstream's own framing, byte for byte up to the last whole frame."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Any

import orjson

from ndstream import _diagnosis
from ndstream._core import ConcatenatedJSONDecoder, Decoder, FirstBytes, JSONSeqDecoder, NDJSONDecoder, SSEDecoder
from ndstream._errors import StreamError
from ndstream._framing import Format, body_of_json, sniffed
from ndstream._sources.opened_source import Chunk
from ndstream.serving._converters.converter import Converter, ErrorMessage
from ndstream.serving._converters.framings import FRAMINGS, error_frame
from ndstream.serving._targets.outcome import Failure

_DECODERS: dict[Format, Any] = {"ndjson": NDJSONDecoder, "jsonseq": JSONSeqDecoder, "json": ConcatenatedJSONDecoder}


class Verbatim(Converter):
    """Gives the bytes of whole frames, with their comments and separators, as they came.

    A byte order mark is left out, since it means something at the start of a stream alone, and a heartbeat may have
    been sent before. What follows the sentinel is dropped. JSON is not looked at.
    """

    def __init__(
        self,
        format: Format | None,
        *,
        by_first_line: bool,
        max_frame_size: int | None,
        done: bytes | str | None,
        require_done: bool,
        error_message: ErrorMessage | None,
    ) -> None:
        super().__init__(error_message)
        self.format: Format = "ndjson"
        self._options: dict[str, Any] = {"max_frame_size": max_frame_size, "done": done, "require_done": require_done}
        self._decoder: Decoder[Any] | None = None
        # How many bytes of the stream were given, or left out of it.
        self._sent = 0
        self._begun = False
        # Chunks with bytes after the last whole frame.
        self._waiting: list[bytes] = []
        # Dropped once the framing is known: it refers to this object, which nothing frees before the next collection.
        self._first_bytes: FirstBytes | None = None
        if format is not None:
            self._decide(format)
            return
        # Options are checked here, not when the first bytes come.
        NDJSONDecoder(**self._options)
        self._first_bytes = body_of_json(self._decide, max_frame_size) if by_first_line else sniffed(self._decide)

    @property
    def started(self) -> bool:
        return self._sent > 0

    def feed(self, chunk: Chunk) -> bytes:
        data = chunk if type(chunk) is bytes else memoryview(chunk).tobytes()
        if not data:
            return b""
        decoder = self._decoder
        try:
            if decoder is None:
                assert self._first_bytes is not None
                decoder = self._first_bytes.feed(data, at_end=False)
                if decoder is None:
                    self._waiting.append(data)
                    return b""
                self._first_bytes = None
            else:
                decoder.feed(data)
            for _ in decoder:
                pass
        except StreamError as error:
            assert decoder is not None
            self._waiting.append(data)
            return self._whole_frames(decoder) + self._end_with(error)
        end = decoder.offset
        if decoder.done:
            self.ended = True
            self._waiting.append(data)
            return self._with_blank_line(self._whole_frames(decoder))
        if end == self._sent + len(data) and self._begun and not self._waiting:
            self._sent = end
            return data
        self._waiting.append(data)
        return self._whole_frames(decoder)

    def finish(self) -> bytes:
        decoder = self._final_decoder()
        try:
            last = list(decoder.finish())
        except StreamError as error:
            return self._whole_frames(decoder) + self._end_with(error)
        if self.format != "sse" and last:
            return self._last_value(decoder, last[-1])
        self.ended = True
        frames = self._whole_frames(decoder)
        return self._with_blank_line(frames) if decoder.done else frames

    def fail(self, cause: Exception) -> bytes:
        decoder = self._final_decoder()
        error = decoder._fail(cause)
        error.__cause__ = cause
        return self._whole_frames(decoder) + self._end_with(error)

    def stop(self, failure: Failure) -> bytes:
        self.ended = True
        self.failure = failure
        return error_frame(self.format, failure)

    def _decide(self, format: Format) -> Decoder[Any]:
        self.format = format
        self.content_type, self.heartbeat = FRAMINGS[format]
        if format == "sse":
            self._decoder = SSEDecoder(**self._options)
        else:
            self._decoder = _DECODERS[format](loads=bytes, **self._options)
        return self._decoder

    def _final_decoder(self) -> Decoder[Any]:
        """The decoder, once no more bytes can decide which it is."""
        if self._first_bytes is not None:
            self._first_bytes.feed(b"", at_end=True)
            self._first_bytes = None
        assert self._decoder is not None
        return self._decoder

    def _whole_frames(self, decoder: Decoder[Any]) -> bytes:
        """The bytes up to the last whole frame that were not given yet."""
        end = decoder.offset
        if end == self._sent:
            return b""
        data = b"".join(self._waiting)
        self._waiting.clear()
        size = end - self._sent
        if size < len(data):
            self._waiting.append(data[size:])
            data = data[:size]
        if self._sent == 0:
            data = data.removeprefix(BOM_UTF8)
        if not self._begun:
            self._begun = bool(data)
            if data.startswith(BOM_UTF8):
                # A second one is data, and must not be taken for the first.
                data = b"\n" + data
        self._sent = end
        return data

    def _with_blank_line(self, frames: bytes) -> bytes:
        """The last frames, which the sentinel ends: the stream may end before their blank line, or in the middle."""
        if self.format != "sse" or frames.endswith((b"\n\n", b"\r\r", b"\r\n\r\n")):
            return frames
        if frames.endswith(b"\r\n\r"):
            return frames + b"\n"
        return frames + (b"\n" if frames.endswith((b"\n", b"\r")) else b"\n\n")

    def _last_value(self, decoder: Decoder[Any], payload: bytes) -> bytes:
        """The value that only the end of the stream ended, which is cut unless it is JSON."""
        try:
            orjson.loads(payload)
        except ValueError as cause:
            return self._end_with(_diagnosis.cut_payload(payload, self._sent, None, cause, self.format))
        self.ended = True
        frames = self._whole_frames(decoder)
        # Clients may not take a line without its end.
        return frames + b"\n" if self.format == "ndjson" and not frames.endswith(b"\n") else frames

    def _end_with(self, error: StreamError) -> bytes:
        self.ended = True
        return error_frame(self.format, self._failure_of(error))
