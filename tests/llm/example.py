"""What a reply made by hand is, and how its frames are written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Example:
    """A reply, whole and in order.

    Attributes:
        name: What the test of it is called.
        wire: The wire that it is of.
        frames: The stream, a frame each; what ends the stream beside frames is the last one.
        body: The body that the server gives without streaming.
        ends_at: Behind how many frames the reply counts as complete.
    """

    name: str
    wire: str
    frames: list[bytes]
    body: Any
    text: str = ""
    thinking: str = ""
    calls: list[tuple[str | None, Any]] = field(default_factory=list)
    usage: Any = None
    ends_at: int = 0

    @property
    def data(self) -> bytes:
        return b"".join(self.frames)


def sse(*frames: Any, end: bytes = b"\n") -> list[bytes]:
    """Events without a type."""
    return [b"data: " + json.dumps(frame).encode() + end * 2 for frame in frames]


def typed(*frames: dict[str, Any]) -> list[bytes]:
    """Events of the type that their data names."""
    return [f"event: {frame['type']}\ndata: {json.dumps(frame)}\n\n".encode() for frame in frames]


def lines(*frames: Any) -> list[bytes]:
    return [json.dumps(frame).encode() + b"\n" for frame in frames]


def ids(example: Example) -> str:
    """What pytest calls the test of an example."""
    return example.name
