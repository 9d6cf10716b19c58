"""What a relay knows, sync or async: it reads nothing itself.

Before the first frame it looks whether the upstream refuses: by its status, or by an error in the place of a stream.
"""

from __future__ import annotations

from collections import deque

from ndstream._diagnosis import not_bytes
from ndstream._errors import EncodeError
from ndstream._sources.opened_source import Chunk
from ndstream.llm import Answer
from ndstream.serving._converters.converter import Converter
from ndstream.serving._converters.framings import done_frame
from ndstream.serving._converters.reply_reader import ReplyReader
from ndstream.serving._headers import HEADERS
from ndstream.serving._relay.first_frame import MAX_HEAD, reports_error
from ndstream.serving._relay.upstream import MAX_PIECE, Upstream, pieces
from ndstream.serving._targets.outcome import Failure, Refusal
from ndstream.serving._upstream_error import MAX_BODY, UpstreamError, upstream_error

MAX_UNSEEN_LINE = 64
"""Up to so many bytes, each byte of the head is looked at as it comes."""


class RelayState:
    """The state of a relay, and what is public of it.

    Attributes:
        headers: The headers of the response, Content-Type among them; more can be added.
    """

    def __init__(self, upstream: Upstream, converter: Converter, usage_reader: ReplyReader | None) -> None:
        self._upstream = upstream
        self._converter = converter
        # Reads along, if the client is to be told the usage at the end.
        self._usage_reader = usage_reader
        self._error: Exception | None = None
        # Parts of a chunk that are not converted yet.
        self._pieces: deque[Chunk] = deque()
        # The first bytes, until they are known not to be an error.
        self._head: bytearray | None = bytearray()
        self._refusing = upstream.refused
        self._over = False
        # What `open` found: the first message.
        self._ready = b""
        # Whether the next message is the last, as `abort` or a group asks for.
        self._stopping = False
        self._stop: Failure | None = None
        self._headers: dict[str, str] | None = None

    @property
    def content_type(self) -> str:
        """The Content-Type of the response.

        Raises:
            RuntimeError: It is that of the upstream, which named none that is known, and no bytes have come yet.
        """
        content_type = self._converter.content_type
        if not content_type:
            raise RuntimeError(
                "the upstream's Content-Type names no framing, so that its first bytes have to show it: open the relay "
                'first (relay.open(), await relay.aopen()), or name it, as with format="sse"'
            )
        return content_type

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the response: Content-Type, `HEADERS` and those of the target. More can be added.

        Raises:
            RuntimeError: As `content_type`.
        """
        if self._headers is None:
            self._headers = {"Content-Type": self.content_type, **HEADERS, **self._converter.headers}
        return self._headers

    @property
    def failure(self) -> Failure | None:
        """What the client was told if the stream is not complete; None while it goes on, and if it is complete."""
        return self._converter.failure

    @property
    def refusal(self) -> Refusal | None:
        """What to answer if opening it raises: the Content-Type and the body, as the clients of its format want them.

        None if nothing has failed.
        """
        return self._converter.refusal

    @property
    def error(self) -> Exception | None:
        """The exception that made it fail, with the bytes, the offset and the cause that the client is not told."""
        return self._error or self._converter.error

    @property
    def answer(self) -> Answer | None:
        """The reply as it was folded; None if neither a target nor `done_event` was asked for."""
        return self._converter.answer if self._usage_reader is None else self._usage_reader.answer

    # What came.

    def _take(self, chunk: Chunk) -> bytes:
        """What a chunk brings.

        Raises:
            TypeError: The chunk is not bytes-like.
        """
        if type(chunk) is not bytes and not isinstance(chunk, (bytes, bytearray, memoryview)):
            raise TypeError(f"{not_bytes(chunk)}; for a source of values: relay(encode_values(source))")
        if self._head is None:
            return self._convert(chunk)
        self._head += chunk
        # Within the first line nothing new can be said of it.
        if len(self._head) > MAX_UNSEEN_LINE and b"\n" not in chunk and len(self._head) < MAX_HEAD:
            return b""
        return self._take_head(at_end=False)

    def _take_end(self) -> bytes:
        message = b"" if self._head is None else self._take_head(at_end=True)
        if not self._over:
            self._over = True
            message += self._converter.finish() + self._done_event()
        return message

    def _take_failure(self, error: Exception) -> bytes:
        message = b"" if self._head is None else self._take_head(at_end=True)
        if not self._over:
            self._over = True
            if isinstance(error, UpstreamError):
                # A source that makes its request when it is first read can still refuse.
                self._error = error
                message += self._converter.refuse(error)
            else:
                message += self._converter.fail(error)
        return message

    def _take_stop(self) -> bytes:
        """End the stream, as `abort` or a group that closes asks for."""
        self._over = True
        if self._stop is None:
            return self._converter.abort()
        return self._converter.stop(self._stop)

    def _convert(self, chunk: Chunk) -> bytes:
        if len(chunk) > MAX_PIECE:
            self._pieces.extend(pieces(chunk))
            chunk = self._pieces.popleft()
        converter = self._converter
        try:
            message = converter.feed(chunk)
        except EncodeError as error:
            self._error = error
            message = converter.stop(Failure("the upstream sent text that cannot be written", "malformed"))
        if self._usage_reader is not None:
            deque(self._usage_reader.feed(chunk), 0)
        if converter.ended:
            self._over = True
            message += self._done_event()
        return message

    def _done_event(self) -> bytes:
        """What tells the client that an untranslated stream is complete, if that was asked for."""
        if self._usage_reader is None or self._converter.failure is not None:
            return b""
        deque(self._usage_reader.finish(), 0)
        return done_frame(self._usage_reader.answer.usage)

    # The first bytes.

    def _take_head(self, at_end: bool) -> bytes:
        """Look at the first bytes, and convert them once they are known to be no error."""
        assert self._head is not None
        head = bytes(self._head)
        if not self._refusing:
            reports = reports_error(head, self._upstream.named_format, at_end)
            if reports is None and not at_end:
                return b""
            if not reports:
                self._head = None
                return self._convert(head)
            self._refusing = True
        return self._refuse(head[:MAX_BODY]) if at_end or len(head) >= MAX_BODY else b""

    def _refuse(self, body: bytes) -> bytes:
        """The upstream has no stream to give."""
        self._over = True
        self._head = None
        status = self._upstream.status or 200
        error = upstream_error(status, self._upstream.opened.headers, body)
        self._error = error
        return self._converter.refuse(error)

    # How it ends.

    @property
    def opening_error(self) -> Exception | None:
        """What opening raises instead of a response that says nothing but that there is none."""
        told_nothing_else = self._converter.failure is not None and not self._converter.started
        return self.error if told_nothing_else else None

    def _raise_opening_error(self) -> None:
        error = self.opening_error
        if error is not None:
            raise error

    def _raise_broken(self) -> None:
        """Break the transfer off if the client can be told in no other way."""
        if self._converter.failure is not None and self._converter.breaks_on_failure:
            raise self.error or BrokenTransferError(self._converter.failure.message)


class BrokenTransferError(Exception):
    """Raised out of a body whose format has no words for an error, so that the client sees its transfer break off."""
