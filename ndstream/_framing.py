"""Which framing a stream has, told from its first bytes, and the decoder for it."""

from __future__ import annotations

import re
from typing import Any, Literal, TypeAlias

from ndstream._core import Decoder, JSONSeqDecoder, NDJSONDecoder, SSEDecoder

Format: TypeAlias = Literal["ndjson", "sse", "jsonseq"]

FORMATS: tuple[Format, ...] = ("ndjson", "sse", "jsonseq")

_MARK = b"\xef\xbb\xbf"
MOST_SNIFFED = 4096
"""How many bytes may pass before the framing is told."""
_FIELD = re.compile(rb"(data|event|id|retry)[:\r\n]|:")
_FIELD_BEGUN = re.compile(rb"d(a(t(a)?)?)?|e(v(e(n(t)?)?)?)?|i(d)?|r(e(t(r(y)?)?)?)?")


def sniff(head: bytes | bytearray, at_end: bool = False) -> Format | None:
    """Tell the framing of a stream that begins with ``head``.

    A record separator begins a JSON text sequence; a colon, or one of the four field names with a
    colon or line end behind it, an event stream; anything else is NDJSON. A BOM and white space
    in front are passed over.

    Args:
        head: The first bytes of the stream.
        at_end: Whether these are all.

    Returns:
        The framing, or None where more bytes are needed to tell.

    Example:
        >>> sniff(b'data: {"a": 1}')
        'sse'
    """
    if not at_end and len(head) < len(_MARK) and _MARK.startswith(bytes(head)):
        return None
    lines = head.removeprefix(_MARK).lstrip(b"\r\n")
    # A space makes another name of a field's name, but nothing of JSON's values.
    text = lines.lstrip(b" \t\r\n")
    if text.startswith(b"\x1e"):
        return "jsonseq"
    if _FIELD.match(lines):
        return "sse"
    undecided = not text or _FIELD_BEGUN.fullmatch(lines)
    return None if undecided and not at_end and len(head) < MOST_SNIFFED else "ndjson"


def make_decoder(
    format: Format,
    *,
    loads: Any,
    max_frame_size: int | None,
    on_error: Any,
    on_truncated: Literal["raise", "discard", "emit"],
    contains: bytes | str | None,
    done: bytes | str | None,
    require_done: bool,
) -> Decoder[Any]:
    """A decoder that yields JSON values, whatever the framing.

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
    if contains is not None and format != "ndjson":
        raise ValueError(f"contains= searches the lines of NDJSON, and this stream is {format}")
    if format == "ndjson":
        return NDJSONDecoder(contains=contains, **common)
    if format == "sse":
        return SSEDecoder(values=True, on_truncated=on_truncated, **common)
    if format == "jsonseq":
        return JSONSeqDecoder(**common)
    raise ValueError(f"format must be one of {', '.join(map(repr, FORMATS))}, or None, not {format!r}")
