"""The decoders of ndstream, held to the same as the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ndstream
from peers.peer import Peer
from stream_framing_conformance import Decode, ReceivedEvent


def sse(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    # What the end of the stream cuts is dropped without a word in the standard alone.
    for event in _all(lambda: ndstream.SSEDecoder(on_truncated="discard"), chunks):
        yield ReceivedEvent(event.event, event.data, event.id)


def ndjson(chunks: list[bytes]) -> Iterator[Any]:
    yield from _all(ndstream.NDJSONDecoder, chunks)


def concatenated(chunks: list[bytes]) -> Iterator[Any]:
    yield from _all(ndstream.ConcatenatedJSONDecoder, chunks)


def _all(make: Callable[[], Any], chunks: list[bytes]) -> Iterator[Any]:
    decoder = make()
    for chunk in chunks:
        yield from decoder.feed(chunk)
    yield from decoder.finish()


def peers(framing: str) -> list[Peer]:
    decoders: dict[str, Decode] = {"sse": sse, "ndjson": ndjson, "concatenated": concatenated}
    return [Peer("ndstream", decoders[framing])]
