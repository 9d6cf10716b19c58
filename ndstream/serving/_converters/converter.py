"""What a converter is: it takes the chunks of an upstream and gives the bytes to send, whole frames at every moment.

It does no input or output. What it gives for one chunk is one message to the client; between any two of its answers a
heartbeat may be sent. Exactly one of `finish`, `fail`, `stop` and `abort` ends it, or the chunk whose frame ends the
stream. Nothing is asked of it after that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from ndstream._errors import EncodeError, FrameTooLargeError, StreamError, TruncatedError
from ndstream._sources.opened_source import Chunk
from ndstream.llm import Answer, ReplyServerError
from ndstream.serving._targets.outcome import Failure, Refusal
from ndstream.serving._upstream_error import UpstreamError

ErrorMessage = Callable[[Exception], str]


class Converter(ABC):
    """The base of all converters.

    Attributes:
        content_type: The Content-Type of what it gives.
        headers: Headers that go with it, beside those of `HEADERS`.
        heartbeat: What keeps a silent connection open; b"" if the format has no such thing.
        ended: Whether its last bytes were given, so that further chunks are of no use.
        failure: What the client was told if the stream is not complete; None while it goes on, and if it is.
        error: What the failure comes from; None if no exception caused it.
        breaks_on_failure: Whether the failure can only be told by breaking the transfer off.
    """

    content_type: str = ""
    headers: Mapping[str, str] = {}
    heartbeat: bytes = b""
    breaks_on_failure: bool = False

    def __init__(self, error_message: ErrorMessage | None) -> None:
        self.ended = False
        self.failure: Failure | None = None
        self.error: Exception | None = None
        self._error_message = error_message

    @property
    def has_heartbeat(self) -> bool:
        """Whether it has a heartbeat, or may have one once its framing is known."""
        return bool(self.heartbeat) or not self.content_type

    @property
    @abstractmethod
    def started(self) -> bool:
        """Whether anything of the upstream's has been given, beside an error."""

    @property
    def answer(self) -> Answer | None:
        """The reply as it is folded, if it is."""
        return None

    @abstractmethod
    def feed(self, chunk: Chunk) -> bytes:
        """What a chunk brings; b"" for nothing yet.

        Raises:
            TypeError: The chunk is not bytes-like.
        """

    @abstractmethod
    def finish(self) -> bytes:
        """What is left at the end of the upstream's bytes."""

    @abstractmethod
    def fail(self, cause: Exception) -> bytes:
        """What is left if the source fails, and the error."""

    @property
    def refusal(self) -> Refusal | None:
        """What to answer instead of a stream that did not begin; None if it did not fail."""
        return None if self.failure is None else self.failure.refusal

    @abstractmethod
    def stop(self, failure: Failure) -> bytes:
        """End the stream here with this failure."""

    def refuse(self, error: UpstreamError) -> bytes:
        """End the stream here, since the upstream has none to give."""
        message = self._words_for_client(error, f"the upstream answered {error.status}")
        return self.stop(Failure(message, error.kind, error.status))

    def abort(self) -> bytes:
        """End the stream here, as its user asked for."""
        return b""

    def _failure_of(self, error: Exception) -> Failure:
        """The failure for an error of the stream. Its own text may hold a URL or a key, and is told only if asked."""
        kind, message = kind_and_message(error)
        self.error = error
        self.failure = Failure(
            self._words_for_client(error, message), kind, error.code if isinstance(error, ReplyServerError) else None
        )
        return self.failure

    def _words_for_client(self, error: Exception, message: str) -> str:
        """What the client is told of an error: this, unless its user chooses other words."""
        return message if self._error_message is None else self._error_message(error)


def kind_and_message(error: Exception) -> tuple[str, str]:
    """The kind of a failure, and words that name no host and no key."""
    if isinstance(error, FrameTooLargeError):
        return "too_large", f"the upstream sent a frame of more than {error.limit} bytes"
    if isinstance(error, ReplyServerError) and error.kind not in ("malformed", "spliced"):
        # What the upstream says is meant for whoever asked it.
        return error.kind, str(error)
    if isinstance(error, TruncatedError):
        if error.reason == "stalled":
            return "timeout", "the upstream went silent"
        if error.reason == "source_failed" and isinstance(error.__cause__, EncodeError):
            return "malformed", "there is a value that cannot be written"
        if error.reason == "source_failed":
            return "truncated", "the connection to the upstream broke before its stream was complete"
        return "truncated", "the upstream ended before its stream was complete"
    if isinstance(error, StreamError):
        return "malformed", "the upstream sent a frame that cannot be read"
    return "truncated", "the connection to the upstream broke before its stream was complete"
