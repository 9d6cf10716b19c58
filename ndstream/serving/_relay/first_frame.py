"""Whether the first bytes of a success are an error: one JSON document, or a page, in place of a stream."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Any

import orjson

from ndstream._framing import Format
from ndstream.llm._server_error import error_in

MAX_HEAD = 64 * 1024
"""How many bytes are looked at. A first frame that is longer is no error."""


def reports_error(head: bytes, named_format: Format | None, at_end: bool) -> bool | None:
    """Look at the first bytes of a body.

    Args:
        head: All that came so far.
        named_format: The framing that the Content-Type names.
        at_end: Whether that is all.

    Returns:
        Whether they report an error; None if more bytes are needed.

    Example:
        >>> reports_error(b'{"error":"no such model"}', "sse", at_end=True)
        True
    """
    text = head.removeprefix(BOM_UTF8).lstrip()
    if not text:
        # So much white space is not kept.
        return False if at_end or len(head) >= MAX_HEAD else None
    if text.startswith(b"<"):
        # A page is nothing that any stream begins with.
        return True
    if named_format == "sse":
        # Bare JSON neither, if it is called an event stream.
        return text.startswith((b"{", b"["))
    if not text.startswith(b"{"):
        return False
    line, end, _ = text.partition(b"\n")
    if end or at_end:
        frame = _decoded(line)
        if frame is not None or named_format != "json":
            return error_in(frame) is not None
        # A document over several lines.
        frame = _decoded(text)
        if frame is not None or at_end:
            return error_in(frame) is not None
    return None if len(head) < MAX_HEAD else False


def _decoded(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return None
