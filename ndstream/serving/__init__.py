"""Serving streams: frames are written, and what comes from one server is sent on to the clients of another."""

from ndstream._core import SSEEncoder, encode_comment, encode_jsonseq, encode_ndjson, encode_sse
from ndstream._errors import EncodeError

__all__ = [
    "EncodeError",
    "SSEEncoder",
    "encode_comment",
    "encode_jsonseq",
    "encode_ndjson",
    "encode_sse",
]
