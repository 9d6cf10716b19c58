"""Values in another framing: the frames change, the JSON in them stays as it came, byte for byte but for line ends.

Server-sent events carry any text, so that a payload goes into one as it is. A line or an element holds one JSON value
by definition, and is checked for that. The fields of an event (type, id, retry) have no place in the other framings
and are left out, as are events without data and the sentinel. Events whose first bytes show that they are events
already keep their fields and their sentinel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from ndstream._core import Decoder, FirstBytes, SSEDecoder, SSEEncoder, encode_jsonseq, encode_ndjson, encode_sse
from ndstream._errors import StreamError
from ndstream._framing import Format, body_of_json, make_decoder, sniffed
from ndstream._sources.opened_source import Chunk
from ndstream.serving._converters.converter import Converter, ErrorMessage
from ndstream.serving._converters.framings import FRAMINGS, error_frame
from ndstream.serving._targets.outcome import Failure


class Reframed(Converter):
    """Gives each value of the upstream as one frame.

    Args:
        upstream: The upstream's framing; None to detect it from the first bytes.
        format: The framing to write.
        by_first_line: Whether the upstream calls its body JSON, so that its first line shows how it is framed.
        escape_unicode_newlines: Whether U+0085, U+2028 and U+2029 are escaped.
    """

    def __init__(
        self,
        upstream: Format | None,
        format: Format,
        *,
        by_first_line: bool,
        max_frame_size: int | None,
        done: bytes | str | None,
        require_done: bool,
        error_message: ErrorMessage | None,
        escape_unicode_newlines: bool,
    ) -> None:
        super().__init__(error_message)
        self.format = format
        self.content_type, self.heartbeat = FRAMINGS[format]
        self._escape = escape_unicode_newlines
        self._payloads = _PayloadEncoder(_ENCODERS[format], escape_unicode_newlines)
        # For events that stay events: an id may come in a block of its own, which is none.
        self._events = SSEEncoder(verbatim=True)
        self._sentinel = done
        self._ends: Any = {"max_frame_size": max_frame_size, "done": done, "require_done": require_done}
        make = self._make_decoder
        # Options are checked here, not when the first bytes come.
        decoder = make(upstream or "ndjson")
        self._decoder: Decoder[Any] | None = None if upstream is None else decoder
        # Dropped once the framing is known: it refers to this object, which nothing frees before the next collection.
        self._first_bytes: FirstBytes | None = None
        if upstream is None:
            self._first_bytes = body_of_json(make, max_frame_size) if by_first_line else sniffed(make)

    @property
    def started(self) -> bool:
        return self._decoder is not None and self._decoder.frames > 0

    def feed(self, chunk: Chunk) -> bytes:
        if self._decoder is None:
            assert self._first_bytes is not None
            self._decoder = self._first_bytes.feed(chunk, at_end=False)
            if self._decoder is None:
                return b""
            self._first_bytes = None
            return self._frames(self._decoder)
        return self._frames(self._decoder.feed(chunk))

    def finish(self) -> bytes:
        self._payloads.at_end = True
        frames = self._frames(self._final_decoder().finish())
        self.ended = True
        return frames

    def fail(self, cause: Exception) -> bytes:
        error = self._final_decoder()._fail(cause)
        error.__cause__ = cause
        return self._end_with(error)

    def stop(self, failure: Failure) -> bytes:
        self.ended = True
        self.failure = failure
        return error_frame(self.format, failure)

    def _make_decoder(self, upstream: Format) -> Decoder[Any]:
        """The decoder of the upstream, whose values are what `_read` takes."""
        if upstream == self.format == "sse":
            # The first bytes show that they are events already, which keep their fields.
            return SSEDecoder(raw=True, **self._ends)
        options: Any = {"on_error": "raise", "on_truncated": "raise", "contains": None, **self._ends}
        return make_decoder(upstream, loads=self._payloads.encode, **options)

    def _read(self, decoder: Decoder[Any]) -> Iterator[bytes]:
        """The frames to send of what the decoder has."""
        return (frame if type(frame) is bytes else self._events.encode(frame) for frame in decoder)

    def _final_decoder(self) -> Decoder[Any]:
        if self._first_bytes is not None:
            self._decoder = self._first_bytes.feed(b"", at_end=True)
            self._first_bytes = None
        assert self._decoder is not None
        return self._decoder

    def _frames(self, decoder: Decoder[Any]) -> bytes:
        frames: list[bytes] = []
        try:
            # What comes before a bad frame is in the list then.
            frames.extend(self._read(decoder))
        except StreamError as error:
            frames.append(self._end_with(error))
        if decoder.done and not self.ended:
            self.ended = True
            if isinstance(decoder, SSEDecoder) and self.format == "sse" and self._sentinel is not None:
                frames.append(encode_sse(self._sentinel))
        return frames[0] if len(frames) == 1 else b"".join(frames)

    def _end_with(self, error: StreamError) -> bytes:
        self.ended = True
        return error_frame(self.format, self._failure_of(error))


class _PayloadEncoder:
    """What the decoder calls for each payload. It does not refer to the converter, which refers to the decoder: what
    refers to itself lives until the next collection of garbage.

    Attributes:
        at_end: Whether what comes is ended by the end of the stream alone.
    """

    def __init__(self, encode_payload: Callable[..., bytes], escape: bool) -> None:
        self.at_end = False
        self._encode_payload = encode_payload
        self._escape = escape

    def encode(self, payload: bytes) -> bytes:
        if self.at_end:
            # What only the end of the stream has ended is cut unless it is JSON.
            orjson.loads(payload)
        return self._encode_payload(payload, self._escape)


def _event(payload: bytes, escape: bool) -> bytes:
    return encode_sse(payload, escape_unicode_newlines=escape)


def _line(payload: bytes, escape: bool) -> bytes:
    return encode_ndjson(on_one_line(payload), escape_unicode_newlines=escape)


def _element(payload: bytes, escape: bool) -> bytes:
    return encode_jsonseq(on_one_line(payload), escape_unicode_newlines=escape)


def on_one_line(payload: bytes) -> bytes:
    """The same value without line ends. They can only stand between tokens: JSON has none inside of strings."""
    orjson.loads(payload)
    return payload.translate(_LINE_ENDS) if b"\n" in payload or b"\r" in payload else payload


_LINE_ENDS = bytes.maketrans(b"\r\n", b"  ")
_ENCODERS: dict[Format, Callable[..., bytes]] = {"sse": _event, "ndjson": _line, "jsonseq": _element}
