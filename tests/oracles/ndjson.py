"""What the decoder of NDJSON has to say about a whole stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import orjson

from oracles.answer import BOM, NO_LIMIT, NULS, SPACE, Answer, Bad, decode, preview


def ndjson(
    data: bytes,
    *,
    loads: Callable[[bytes], Any] = orjson.loads,
    max_frame_size: int | None = None,
    contains: bytes | None = None,
    blank_lines: Literal["skip", "error"] = "skip",
    done: bytes | None = None,
    require_done: bool = False,
) -> Answer:
    answer = Answer()
    limit = max_frame_size or NO_LIMIT
    start = answer.offset = len(BOM) if data.startswith(BOM) else 0
    lines = data[start:].split(b"\n")
    for number, text in enumerate(lines, 1):
        last = number == len(lines)  # not ended by a LF
        frame = text.removesuffix(b"\r")
        end = start + len(text) + (not last)
        if last and not text:
            break
        if len(frame) > limit:
            answer.error("FrameTooLargeError", "too_large", preview(frame, limit), start, number)
            if last:
                break
            answer.offset, answer.line = end, number
        elif not frame.strip(SPACE):
            answer.offset, answer.line = end, number
            if blank_lines == "error":
                answer.error("DecodeError", "blank_line", frame, start, number)
        elif done is not None and frame.strip(SPACE) == done:
            answer.offset, answer.line = end, number
            answer.done = True
            break
        elif contains is not None and contains not in frame:
            answer.offset, answer.line = end, number
        else:
            value = decode(frame, loads, is_line=True)
            if last and isinstance(value, Bad) and value.reason != "rejected":
                nuls = frame.startswith(b"\0") or NULS in frame
                reason, position = ("nul_tail", frame.index(0)) if nuls else ("unfinished", len(frame))
                answer.cut(reason, frame, start, number, position)
                break
            answer.offset, answer.line = end, number
            if isinstance(value, Bad):
                answer.error("DecodeError", value.reason, frame, start, number, value.position)
            else:
                answer.unterminated = last
                answer.value(value)
        start = end
    return answer.no_sentinel(len(data)) if require_done else answer
