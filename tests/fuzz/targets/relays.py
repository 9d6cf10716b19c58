"""A relay writes whole frames of its target's format, the same for every cut, whatever its upstream sends."""

from __future__ import annotations

import re
from typing import Any

import ndstream
from fuzz.inputs import pieces, split
from ndstream import llm
from ndstream.serving import TARGETS, BrokenTransferError, UpstreamError, relay

TO: tuple[str | None, ...] = (None, "sse", "ndjson", "jsonseq", *sorted(TARGETS))
FORMATS: tuple[Any, ...] = (None, "sse", "ndjson", "jsonseq", "json")
WIRES = (None, *sorted(llm.WIRES))
# What a target makes up by itself: times, and ids that are random.
_MADE_UP = re.compile(
    rb'"(created|created_at|timestamp)":("[^"]*"|[0-9.]+)|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{24,}|(msg|call)_[0-9A-Za-z_-]{8,}'
)


def relayed(chunks: list[bytes], to: Any, **options: Any) -> tuple[bytes, str | None]:
    """What a client gets, and how a transfer broke off."""
    frames: list[bytes] = []
    try:
        frames.extend(relay(iter(chunks), to, heartbeat=None, **options))
    except (BrokenTransferError, UpstreamError, ndstream.StreamError) as error:
        return b"".join(frames), type(error).__name__
    return b"".join(frames), None


def relays(data: bytes) -> None:
    head, stream = split(data)
    to = TO[head[0] % len(TO)]
    options: dict[str, Any] = {}
    if to in TARGETS:
        options["wire"] = WIRES[head[1] % len(WIRES)]
    else:
        options["format"] = FORMATS[head[1] % len(FORMATS)]
        options["max_frame_size"] = 50 if head[2] & 4 else None
    sent, broken = relayed([stream], to, **options)
    if to in ("openai-chat", "anthropic", "ui", "ag-ui"):
        for event in ndstream.SSEDecoder().feed(sent).finish():
            if event.data != "[DONE]":
                event.json()
    elif to == "ollama-chat" or (to == "ndjson" and options["format"] not in (None, "ndjson")):
        list(ndstream.NDJSONDecoder().feed(sent).finish())
    elif to == "jsonseq" and options["format"] not in (None, "jsonseq"):
        list(ndstream.JSONSeqDecoder().feed(sent).finish())
    if head[2] & 3 == 0:
        other, other_broken = relayed(pieces(stream, head[3]), to, **options)
        assert (_known(other), other_broken) == (_known(sent), broken), f"{other!r} in place of {sent!r}"


def _known(sent: bytes) -> bytes:
    return _MADE_UP.sub(b"", sent)
