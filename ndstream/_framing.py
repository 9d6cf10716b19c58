"""Which framing a stream has, detected from its first bytes, and the decoder for it."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

from ndstream._core import ConcatenatedJSONDecoder, Decoder, FirstBytes, JSONSeqDecoder, NDJSONDecoder, SSEDecoder
from ndstream._sources.headers import Format as Format

FORMATS: tuple[Format, ...] = get_args(Format)

MAX_SNIFFED_BYTES = 4096
"""A stream whose first so many bytes leave the framing open is read as NDJSON."""
_FIELD = re.compile(rb"(data|event|id|retry)[:\r\n]|:")
_BEFORE_TEXT = re.compile(b"(" + BOM_UTF8 + rb")?[ \t\r\n]*")
_FIELD_BEGUN = re.compile(rb"d(a(t(a)?)?)?|e(v(e(n(t)?)?)?)?|i(d)?|r(e(t(r(y)?)?)?)?")


def sniff(head: bytes | bytearray, at_end: bool = False) -> Format | None:
    """Detect the framing of a stream that begins with ``head``.

    A record separator begins a JSON text sequence; a colon, or one of the four field names followed by
    a colon or line end, an event stream; anything else is NDJSON. A BOM and white space before that
    are skipped.

    Args:
        head: The first bytes of the stream.
        at_end: Whether these are all.

    Returns:
        The framing, or None if more bytes are needed.

    Example:
        >>> sniff(b'data: {"a": 1}')
        'sse'
    """
    if not at_end and len(head) < len(BOM_UTF8) and BOM_UTF8.startswith(bytes(head)):
        return None
    lines = head.removeprefix(BOM_UTF8).lstrip(b"\r\n")
    # Spaces may precede a JSON value. Before a field's name they make it another name.
    text = lines.lstrip(b" \t\r\n")
    if text.startswith(b"\x1e"):
        return "jsonseq"
    if _FIELD.match(lines):
        return "sse"
    undecided = not text or _FIELD_BEGUN.fullmatch(lines)
    return None if undecided and not at_end and len(head) < MAX_SNIFFED_BYTES else "ndjson"


def sniffed(make: Callable[[Format], Decoder[Any]]) -> FirstBytes:
    """First bytes that decide by `sniff`; ``make`` gives the decoder for a framing."""

    def decide(head: bytearray, at_end: bool) -> Decoder[Any] | None:
        format = sniff(head[:MAX_SNIFFED_BYTES], at_end)
        return None if format is None else make(format)

    return FirstBytes(decide)


def body_of_json(make: Callable[[Format], Decoder[Any]], max_frame_size: int | None) -> FirstBytes:
    """First bytes of a body that is called ``application/json``, which may be any number of values.

    If its first line leaves a bracket open, it is concatenated JSON, such as one document over several
    lines. Otherwise the framing is detected by `sniff`, so that one array on one line is one value.

    Args:
        make: Gives the decoder for a framing.
        max_frame_size: A first line that is longer is not waited for: it is too large for NDJSON.
    """
    searched = 0

    def decide(head: bytearray, at_end: bool) -> Decoder[Any] | None:
        nonlocal searched
        before = _BEFORE_TEXT.match(head, 0, MAX_SNIFFED_BYTES)
        assert before is not None, "the pattern may match nothing at all"
        begin = before.end()
        if begin == MAX_SNIFFED_BYTES:
            # So much white space is not kept; concatenated values may be lines as well.
            return make("json")
        if not head[begin : begin + 1].startswith((b"{", b"[")):
            format = sniff(head[:MAX_SNIFFED_BYTES], at_end)
            return None if format is None else make(format)
        end = head.find(b"\n", max(begin, searched))
        size = (len(head) if end < 0 else end) - begin
        fits = max_frame_size is None or size <= max_frame_size
        if end < 0 and fits and not at_end:
            searched = len(head)
            return None
        return make("json" if fits and end >= 0 and _leaves_open(head[begin : end + 1]) else "ndjson")

    return FirstBytes(decide)


def _leaves_open(line: bytearray) -> bool:
    """Whether a value that begins in the line goes on after it."""
    decoder = ConcatenatedJSONDecoder(loads=len, max_frame_size=None, on_error="skip")
    for _ in decoder.feed(line):
        pass
    return decoder.pending > 0


def make_decoder(
    format: Format,
    *,
    loads: Any,
    max_frame_size: int | None,
    on_error: Any,
    on_truncated: Literal["raise", "discard", "emit"],
    contains: bytes | str | Iterable[bytes | str] | None,
    done: bytes | str | None,
    require_done: bool,
    items: bool = False,
) -> Decoder[Any]:
    """A decoder that yields JSON values, whatever the framing; `items` is for "json" alone.

    Raises:
        ValueError: The format is none of `FORMATS`, or an option does not go with it.
    """
    if on_truncated not in ("raise", "discard", "emit"):
        raise ValueError(f"on_truncated must be 'raise', 'discard' or 'emit', not {on_truncated!r}")
    common: dict[str, Any] = {
        "loads": loads,
        "max_frame_size": max_frame_size,
        "on_error": on_error,
        "done": done,
        "require_done": require_done,
    }
    if contains is not None and format in ("sse", "jsonseq"):
        raise ValueError(f"contains= searches lines of NDJSON or concatenated values, and this stream is {format}")
    if format == "ndjson":
        return NDJSONDecoder(contains=contains, **common)
    if format == "sse":
        return SSEDecoder(values=True, on_truncated=on_truncated, **common)
    if format == "jsonseq":
        return JSONSeqDecoder(**common)
    if format == "json":
        return ConcatenatedJSONDecoder(items=items, contains=contains, **common)
    raise ValueError(f"format must be one of {', '.join(map(repr, FORMATS))}, or None, not {format!r}")
