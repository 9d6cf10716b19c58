"""What the headers of a response say: the framing of its body, and whether its connection stays open."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

Format: TypeAlias = Literal["ndjson", "sse", "jsonseq", "json"]
"""The name of a framing. A body that is called ``json`` is one document on one line or several, or NDJSON after all."""

_FRAMINGS: dict[str, Format] = {
    "text/event-stream": "sse",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/jsonlines": "ndjson",
    "application/x-jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/x-json-stream": "ndjson",
    "application/stream+json": "ndjson",
    "text/x-ndjson": "ndjson",
    "text/x-jsonl": "ndjson",
    "application/json-seq": "jsonseq",
    "application/x-json-seq": "jsonseq",
    "application/json": "json",
    "text/json": "json",
}
_SUFFIXES: dict[str, Format] = {"json-seq": "jsonseq", "ndjson": "ndjson", "jsonl": "ndjson", "json": "json"}
_BINARY = "application/vnd.amazon.eventstream"


def header(headers: Any, name: str) -> str:
    """The value of a header, in any mapping or list of pairs; "" if there is none.

    Example:
        >>> header({b"Content-Type": b"text/event-stream"}, "content-type")
        'text/event-stream'
    """
    pairs = headers.items() if hasattr(headers, "items") else headers or ()
    return ", ".join(_text(value) for key, value in pairs if _text(key).lower() == name)


def media_type(content_type: str) -> str:
    """What a Content-Type names, without its parameters.

    Example:
        >>> media_type("Text/Event-Stream; charset=utf-8")
        'text/event-stream'
    """
    return content_type.partition(";")[0].strip().lower()


def framing(headers: Any) -> Format | None:
    """The framing that the Content-Type names; None if it names none, so that the first bytes have to decide.

    Raises:
        ValueError: The body is a binary event stream.

    Example:
        >>> framing({"Content-Type": "Application/X-NDJSON; charset=utf-8"})
        'ndjson'
    """
    kind = media_type(header(headers, "content-type"))
    if kind == _BINARY:
        raise ValueError(
            f"the response is {_BINARY}, the binary event stream of AWS, which holds no lines: decode it with "
            "botocore.eventstream, or ask the server for a format in text"
        )
    return _FRAMINGS.get(kind) or _SUFFIXES.get(kind.partition("+")[2])


def keeps_connection(headers: Any) -> bool:
    """Whether the connection serves further requests once the body was read to its end (RFC 9112, section 9.3)."""
    has_end = header(headers, "content-length") or header(headers, "transfer-encoding")
    return bool(has_end) and "close" not in header(headers, "connection").lower()


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
