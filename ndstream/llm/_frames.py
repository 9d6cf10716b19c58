"""From a source to the frames of a reply: server-sent events, or the values of NDJSON and JSON documents.

Servers send an HTML page or an indented JSON error where a stream was asked for, whatever the Content-Type
says; so the first bytes decide. Gemini without ``alt=sse`` streams one JSON array, whose elements are the
frames.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Any

import orjson

from ndstream._core import ConcatenatedJSONDecoder, Decoder, FirstBytes, JSONSeqDecoder, NDJSONDecoder, SSEDecoder
from ndstream._framing import MAX_SNIFFED_BYTES, sniff
from ndstream._sources.drain import DEFAULT_DRAIN
from ndstream._sources.headers import framing
from ndstream._streams import AsyncStream, Stream
from ndstream._streams.read_options import ReadOptions, close_unused

_MAX_HEAD = 64 * 1024
"""How much of a first line is awaited to see whether it is a whole value, in bytes."""


def first_bytes_of_reply(headers: Any, note_first_byte: Callable[[], object], max_frame_size: int | None) -> FirstBytes:
    """First bytes that decide whether events or JSON values follow.

    Args:
        headers: The headers of the response, for its Content-Type.
        note_first_byte: Called when the first bytes have come.
        max_frame_size: The largest frame, in bytes; None for no limit.

    Raises:
        ValueError: The limit is none, or the body is a binary event stream.
    """
    content_type = framing(headers)
    waiting = True

    def decide(head: bytearray, at_end: bool) -> Decoder[Any] | None:
        nonlocal waiting
        if head and waiting:
            waiting = False
            note_first_byte()
        text = head.removeprefix(BOM_UTF8).lstrip()
        is_line_begun = text.startswith(b"{") and b"\n" not in text and len(text) < _MAX_HEAD
        if (not text or is_line_begun) and len(head) <= _MAX_HEAD and not at_end:
            return None
        if text.startswith(b"[") or (text.startswith(b"{") and not _is_whole(text.partition(b"\n")[0])):
            return ConcatenatedJSONDecoder(items=True, max_frame_size=max_frame_size)
        detected = sniff(head[:MAX_SNIFFED_BYTES], at_end)
        if detected == "sse" or (content_type == "sse" and not text.startswith((b"{", b"<"))):
            return SSEDecoder(done="[DONE]", max_frame_size=max_frame_size)
        if detected == "jsonseq":
            return JSONSeqDecoder(max_frame_size=max_frame_size)
        return None if detected is None else NDJSONDecoder(max_frame_size=max_frame_size)

    # Options are checked here, not when the first bytes come.
    NDJSONDecoder(max_frame_size=max_frame_size)
    return FirstBytes(decide)


def open_frames(
    source: Any, note_first_byte: Callable[[], object], *, max_frame_size: int | None, idle_timeout: float | None
) -> Stream[Any] | AsyncStream[Any]:
    """A stream of events or values from a source, sync or async as the source is.

    Raises:
        ValueError: An option has none of its values, or the body is a binary event stream.
    """
    read_options = ReadOptions(DEFAULT_DRAIN, idle_timeout, 0)
    # Options are checked before the source is opened, which may have to be closed again.
    NDJSONDecoder(max_frame_size=max_frame_size)
    opened = read_options.open(source)
    try:
        first_bytes = first_bytes_of_reply(opened.headers, note_first_byte, max_frame_size)
    except BaseException:
        close_unused(opened)
        raise
    stream: Stream[Any] | AsyncStream[Any] = read_options.stream(opened, None, first_bytes)
    return stream


def _is_whole(line: bytearray) -> bool:
    """Whether a line is to be left to the NDJSON decoder. One that is bad in itself is: it says where."""
    try:
        orjson.loads(line)
    except ValueError:
        # An indented document begins with a line that ends where more must come.
        return not line.rstrip().endswith((b"{", b"[", b",", b":"))
    return True
