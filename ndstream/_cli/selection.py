"""Which values ``ndstream cat`` writes, and the line that it makes of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from ndstream._framing import Format

_LF, _CR = b"\n\r"


@dataclass(frozen=True)
class Selection:
    """Which frames are wanted, and how they are read.

    Attributes:
        framing: The framing of all files; None to detect that of each.
        needles: Only payloads that hold one of these are wanted; all if there are none.
        options: Further options of the decoders.
        max_window: How much memory decompressing may take, in bytes; None for no limit.
        sample: The share of the lines of NDJSON that is wanted, as options of the decoder; all if there are none.
    """

    framing: Format | None
    needles: Sequence[bytes]
    options: dict[str, Any]
    max_window: int | None
    sample: dict[str, Any] = field(default_factory=dict)


def line_of(payload: bytes) -> bytes:
    """The payload as a line, if it is JSON.

    Raises:
        orjson.JSONDecodeError: It is not.
    """
    orjson.loads(payload)
    # Byte values, since searching for b"\n" takes ten times as long: Python tries it as a number first.
    if _LF in payload or _CR in payload:
        # JSON strings hold no line breaks: the white space around one is between two tokens.
        payload = b"".join(map(bytes.strip, payload.splitlines()))
    return payload + b"\n"
