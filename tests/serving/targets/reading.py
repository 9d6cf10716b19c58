"""What a target writes for an upstream, taken apart by a reader that shares no code with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from inputs.cuts import cuts
from ndstream.serving import Target
from serving.relaying import relayed


def written(make: Callable[[], Target], upstream: bytes, wire: str | None = "openai-chat") -> bytes:
    """What is sent for the bytes of an upstream, by a target made anew for each cut. It is the same for every cut."""
    results: set[bytes] = set()
    for name, chunks in cuts(upstream, two_way_most=100):
        results.add(b"".join(relayed(iter(chunks), make(), wire=wire)))
        assert len(results) == 1, name
    return results.pop()


def payloads(written: bytes) -> list[Any]:
    """The payloads of events of one line of data each; a sentinel as text."""
    assert written.endswith(b"\n\n")
    found: list[Any] = []
    for block in written[:-2].split(b"\n\n"):
        head, data = block.split(b"\n") if b"\n" in block else (b"", block)
        assert data.startswith(b"data: ")
        data = data[6:]
        value: Any = data.decode() if data == b"[DONE]" else json.loads(data)
        if head:
            assert head == b"event: %b" % value["type"].encode()
        found.append(value)
    return found
