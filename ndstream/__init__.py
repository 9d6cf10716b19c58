"""NDJSON, server-sent events, JSON text sequences and concatenated JSON from any byte iterator.

    import ndstream

    with ndstream.ndjson(open("events.jsonl", "rb")) as stream:
        for value in stream:
            print(value)

`ndjson`, `sse`, `jsonseq`, `concatenated` and `stream` take a source of bytes and give an iterator of values.
`NDJSONDecoder`, `SSEDecoder`, `JSONSeqDecoder` and `ConcatenatedJSONDecoder` are the same without input: feed them
chunks.
`encode_ndjson`, `encode_sse` and `encode_jsonseq` write frames.
`ndstream.llm` makes replies of the streams of LLM servers, `ndstream.logs` reads log files and archives,
`ndstream.serving` sends streams on to clients; they are imported when they are used.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from ndstream._core import (
    ConcatenatedJSONDecoder,
    Decoder,
    Event,
    JSONSeqDecoder,
    NDJSONDecoder,
    SSEDecoder,
    SSEEncoder,
    encode_comment,
    encode_jsonseq,
    encode_ndjson,
    encode_sse,
)
from ndstream._errors import (
    DecodeError,
    EncodeError,
    FrameTooLargeError,
    InvalidJSONError,
    StreamError,
    TruncatedError,
)
from ndstream._facade import concatenated, jsonseq, ndjson, sse, stream
from ndstream._streams import AsyncStream, Stream

if _TYPE_CHECKING:
    from ndstream import llm as llm
    from ndstream import logs as logs
    from ndstream import serving as serving
    from ndstream.serving import HEADERS as HEADERS
    from ndstream.serving import Broadcast as Broadcast
    from ndstream.serving import EventSource as EventSource
    from ndstream.serving import RelayGroup as RelayGroup
    from ndstream.serving import UpstreamError as UpstreamError
    from ndstream.serving import relay as relay

__version__ = "0.1.0"

__all__ = [
    "AsyncStream",
    "ConcatenatedJSONDecoder",
    "DecodeError",
    "Decoder",
    "EncodeError",
    "Event",
    "FrameTooLargeError",
    "InvalidJSONError",
    "JSONSeqDecoder",
    "NDJSONDecoder",
    "SSEDecoder",
    "SSEEncoder",
    "Stream",
    "StreamError",
    "TruncatedError",
    "concatenated",
    "encode_comment",
    "encode_jsonseq",
    "encode_ndjson",
    "encode_sse",
    "jsonseq",
    "ndjson",
    "sse",
    "stream",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in ("llm", "logs", "serving"):
        # Packages that only some users need.
        return import_module(f"ndstream.{name}")
    if name in ("Broadcast", "EventSource", "HEADERS", "RelayGroup", "UpstreamError", "relay"):
        return getattr(import_module("ndstream.serving"), name)
    raise AttributeError(f"module 'ndstream' has no attribute {name!r}")
