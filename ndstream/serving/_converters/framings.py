"""The framings as a client gets them: the Content-Type, the heartbeat, and how an error is told."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from ndstream._core import encode_jsonseq, encode_ndjson, encode_sse
from ndstream._framing import Format
from ndstream.serving._targets.outcome import Failure


class SentFraming(NamedTuple):
    """One framing on its way to a client."""

    content_type: str
    heartbeat: bytes


FRAMINGS: dict[Format, SentFraming] = {
    "sse": SentFraming("text/event-stream", b":\n\n"),
    # A blank line is white space between the lines, but there are clients that it kills.
    "ndjson": SentFraming("application/x-ndjson", b""),
    "jsonseq": SentFraming("application/json-seq", b""),
    "json": SentFraming("application/json", b""),
}


def error_frame(format: Format, failure: Failure) -> bytes:
    """The last frame of a stream that is not complete.

    Example:
        >>> error_frame("sse", Failure("busy", "overloaded"))
        b'event: error\\ndata: {"error":{"message":"busy","type":"overloaded"}}\\n\\n'
        >>> error_frame("ndjson", Failure("busy", "overloaded"))
        b'{"error":"busy"}\\n'
    """
    if format == "sse":
        error: dict[str, Any] = {"message": failure.message, "type": failure.kind}
        if failure.code is not None:
            error["code"] = failure.code
        return encode_sse(orjson.dumps({"error": error}), event="error")
    # The shape of Ollama, whose clients refuse an object here.
    line = {"error": failure.message}
    return encode_jsonseq(line) if format == "jsonseq" else encode_ndjson(line)


def done_frame(usage: dict[str, Any] | None) -> bytes:
    """The event that tells the client of an untranslated stream that it is complete."""
    return encode_sse({"usage": usage or {}}, event="done")
