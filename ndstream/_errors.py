"""What can be wrong with a stream. Wrong bytes are a StreamError; wrong use is a built-in error.

    StreamError
    ├── DecodeError (also a ValueError)   a whole frame, but not a value
    │   └── InvalidJSONError              of reason invalid_json (also a JSONDecodeError of orjson and of json)
    ├── FrameTooLargeError                a frame past max_frame_size
    └── TruncatedError                    the stream ended inside a frame, or before its sentinel

What an encoder cannot write is an EncodeError, which is a ValueError and a TypeError. Misuse of the
library raises TypeError, ValueError or RuntimeError. Anything else that comes out of ndstream, other
than from a source or from ``loads``, is a bug.
"""

from __future__ import annotations

from typing import Any

import orjson


class StreamError(Exception):
    """The base of all that can be wrong with the bytes of a stream.

    Attributes:
        frame: The frame's raw bytes; for an over-long frame its first 256 bytes.
        offset: Where the frame begins, in bytes from the start of the stream.
        line: The 1-based number of the frame's first line; None where the framing has no lines.
        position: The first wrong byte inside ``frame``, counted from 0; None where it is not known.
        reason: One of a few fixed words, listed at each class, for programs to switch on.
    """

    frame: bytes
    offset: int
    line: int | None
    position: int | None
    reason: str

    def __init__(
        self,
        message: str = "",
        *,
        frame: bytes = b"",
        offset: int = 0,
        line: int | None = None,
        position: int | None = None,
        reason: str = "",
    ) -> None:
        # Not super(): of what is a json.JSONDecodeError too, that would be next, and ask for more.
        Exception.__init__(self, message)
        self.frame = frame
        self.offset = offset
        self.line = line
        self.position = position
        self.reason = reason


class DecodeError(StreamError, ValueError):
    """A frame arrived whole, but does not hold exactly one value.

    ``reason`` is one of:
        ``invalid_json``: ``loads`` refused it, and it is not one JSON value; or, among concatenated values,
            no value can begin with it, or it is out of place in an array.
        ``invalid_utf8``: it holds bytes that are not UTF-8; ``position`` is the first of them.
        ``byte_order_mark``: it begins with a BOM, which only the start of a stream may do.
        ``nul_run``: it holds a run of NUL bytes, the trace of a write that was lost.
        ``blank_line``: the line is blank, and ``blank_lines="error"`` was asked for.
        ``empty_element``: a JSON sequence element holds white space only.
        ``outside_element``: bytes that no record separator (0x1E) introduced.
        ``rejected``: it is valid JSON, but the ``loads`` given refused it.
    """


class InvalidJSONError(DecodeError, orjson.JSONDecodeError):
    """A frame that is not JSON, for those who catch what `json` and `orjson` raise.

    Attributes:
        msg: The fault in words, without the place.
        pos: The first wrong character in ``doc``, counted from 0; ``position`` counts bytes.
    """

    msg: str
    pos: int

    def __init__(self, message: str = "", *, msg: str = "", pos: int = 0, **facts: Any) -> None:
        StreamError.__init__(self, message, **facts)
        self.msg = msg
        self.pos = pos

    # Attributes of a JSONDecodeError, here made when they are asked for: few who catch an error look at them.

    @property
    def doc(self) -> str:  # type: ignore[override]
        """The frame as text."""
        return self.frame.decode(errors="replace")

    @property
    def lineno(self) -> int:  # type: ignore[override]
        """The 1-based line of ``pos`` in ``doc``."""
        return self.doc.count("\n", 0, self.pos) + 1

    @property
    def colno(self) -> int:  # type: ignore[override]
        """The 1-based column of ``pos`` in its line."""
        return self.pos - self.doc.rfind("\n", 0, self.pos)

    def __reduce__(self) -> tuple[Any, ...]:
        # That of a JSONDecodeError would make it anew from msg, doc and pos alone.
        return type(self), self.args, self.__dict__


class FrameTooLargeError(StreamError):
    """A frame went past ``max_frame_size``. The decoder skips to the frame's end and goes on.

    ``reason`` is always ``too_large``.

    Attributes:
        limit: The limit in force, in bytes.
        option: The name of the argument that sets it.
    """

    limit: int
    option: str

    def __init__(
        self,
        message: str = "",
        *,
        frame: bytes = b"",
        offset: int = 0,
        line: int | None = None,
        limit: int = 0,
        option: str = "max_frame_size",
    ) -> None:
        super().__init__(message, frame=frame, offset=offset, line=line, reason="too_large")
        self.limit = limit
        self.option = option


class TruncatedError(StreamError):
    """The stream ended inside a frame, or before the sentinel that was to end it.

    ``reason`` is one of:
        ``unfinished``: the end of the stream cut the frame.
        ``nul_tail``: the stream ends in a run of NUL bytes: an append that was interrupted.
        ``scalar``: a JSON sequence element is a number, true, false or null with nothing after it,
            so that its end may be missing (RFC 7464, section 2.4).
        ``no_sentinel``: the sentinel that ``require_done`` asks for did not come.
        ``source_failed``: the source raised before its end; what it raised is the cause.
        ``timeout``: the source raised since a read timed out; what it raised is the cause.
        ``stalled``: no frame came for as long as ``idle_timeout`` allows; a TimeoutError is the cause.
    """

    @property
    def good_end(self) -> int:
        """Where the good part of the stream ends, in bytes: cut there before appending to a log."""
        return self.offset


class EncodeError(ValueError, TypeError):
    """A frame cannot be written as it was asked for; nothing of it was.

    It is of both built-in classes, since JSON encoders raise a TypeError for the values that they refuse, and
    ``str.encode`` a ValueError.

    Attributes:
        field: What is wrong: ``data``, ``event``, ``id``, ``retry``, ``comment`` or ``value``.
        index: The first wrong character of a str, or byte of bytes, counted from 0; None where there is no such place.
        path: Where in a JSON value it is: the keys and indexes that lead there. Empty for the value itself.
    """

    field: str
    index: int | None
    path: tuple[str | int, ...]

    def __init__(
        self, message: str = "", *, field: str = "", index: int | None = None, path: tuple[str | int, ...] = ()
    ) -> None:
        super().__init__(message)
        self.field = field
        self.index = index
        self.path = path


class IdleTimeoutError(TimeoutError):
    """No frame came for as long as ``idle_timeout`` allows: the cause of a TruncatedError."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no frame, nor any part of one, came for {seconds:g} seconds")
