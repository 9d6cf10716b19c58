"""NDJSON, server-sent events and JSON text sequences from any byte iterator.

    import ndstream

    with ndstream.ndjson(open("events.jsonl", "rb")) as stream:
        for value in stream:
            print(value)

`ndjson`, `sse`, `jsonseq` and `stream` take a source of bytes and give an iterator of values.
`NDJSONDecoder`, `SSEDecoder` and `JSONSeqDecoder` are the same without input: feed them chunks.
`ndstream.llm`, imported when it is used, makes replies of the streams of LLM servers.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from ndstream._core import Decoder, Event, JSONSeqDecoder, NDJSONDecoder, SSEDecoder
from ndstream._errors import DecodeError, FrameTooLargeError, StreamError, TruncatedError
from ndstream._facade import jsonseq, ndjson, sse, stream
from ndstream._streams import AsyncStream, Stream

if _TYPE_CHECKING:
    from ndstream import llm as llm

__version__ = "0.1.0"

__all__ = [
    "AsyncStream",
    "DecodeError",
    "Decoder",
    "Event",
    "FrameTooLargeError",
    "JSONSeqDecoder",
    "NDJSONDecoder",
    "SSEDecoder",
    "Stream",
    "StreamError",
    "TruncatedError",
    "jsonseq",
    "ndjson",
    "sse",
    "stream",
]


def __getattr__(name: str) -> object:
    if name == "llm":
        # A room that only some users need, with a module for each wire.
        from importlib import import_module

        return import_module("ndstream.llm")
    raise AttributeError(f"module 'ndstream' has no attribute {name!r}")
