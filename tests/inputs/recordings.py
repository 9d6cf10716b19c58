"""The streams recorded from real servers that lie beside the project, and a reading of them by hand."""

from __future__ import annotations

import json
import pathlib
from typing import Any

RECORDINGS = pathlib.Path(__file__).resolve().parents[3] / "shared" / "recordings"
FILES = sorted(RECORDINGS.glob("*.sse")) + sorted(RECORDINGS.glob("*.ndjson"))


def payloads_by_hand(data: bytes, format: str) -> list[Any]:
    """What a patient reader finds: whole input, no state, none of our code."""
    if format == "ndjson":
        return [json.loads(line) for line in data.split(b"\n") if line.strip()]
    found = []
    for block in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n"):
        lines = [line for line in block.split(b"\n") if line.startswith(b"data:")]
        text = b"\n".join(line[5:].removeprefix(b" ") for line in lines)
        if text == b"[DONE]":
            break
        if text:
            found.append(json.loads(text))
    return found
