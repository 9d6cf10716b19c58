"""What the decoder of server-sent events has to say about a whole stream."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from oracles.answer import BOM, NO_LIMIT, PREVIEW, SPACE, Answer, Bad, decode

SSE_SLACK = 65536  # bytes a block may hold beyond its data


@dataclass
class Block:
    """The lines since the last blank one."""

    begin: int
    line: int
    payload: list[bytes] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    type: str = ""
    retry: int | None = None
    raw_begin: int = 0  # where the comment lines before it begin


def sse_lines(data: bytes) -> list[tuple[int, bytes, str, bytes]]:
    """Where each line begins, its bytes, its text, and what ended it (the last line: nothing)."""
    start = len(BOM) if data.startswith(BOM) else 0
    raw = [*re.split(b"(\r\n|\r|\n)", data[start:]), b""]
    # The standard decodes the stream before it looks for lines; no line end can be lost by that.
    text = [*re.split("(\r\n|\r|\n)", data[start:].decode("utf-8", "replace")), ""]
    lines = []
    for content, decoded, terminator in zip(raw[::2], text[::2], raw[1::2], strict=True):
        lines.append((start, content, decoded, terminator))
        start += len(content) + len(terminator)
    return lines


def sse(
    data: bytes,
    *,
    loads: Callable[[bytes], Any] = orjson.loads,
    max_frame_size: int | None = None,
    on_truncated: Literal["raise", "discard", "emit"] = "raise",
    values: bool = False,
    raw: bool = False,
    done: bytes | None = None,
    require_done: bool = False,
    last_event_id: str = "",
) -> Answer:
    answer = Answer(last_event_id=last_event_id)
    limit = max_frame_size or NO_LIMIT
    next_id = last_event_id
    block: Block | None = None
    dropping = False
    comments_begin: int | None = None
    answer.offset = len(BOM) if data.startswith(BOM) else 0

    def is_sentinel(payload: list[bytes]) -> bool:
        return done is not None and b"\n".join(payload).strip(SPACE) == done

    def dispatch(block: Block, end: int, line: int, cut: bool = False) -> None:
        """A blank line after the block, or the end of the stream taken for one."""
        answer.last_event_id = next_id
        payload = b"\n".join(block.payload)
        at_start = answer.offset, answer.line
        answer.offset, answer.line = end, line
        if not block.payload:
            pass
        elif is_sentinel(block.payload):
            answer.done = True
        elif values:
            value = decode(payload, loads) if payload else None
            if isinstance(value, Bad):
                if cut and value.reason != "rejected":
                    answer.offset, answer.line = at_start
                    answer.cut("unfinished", payload, block.begin, block.line, len(payload))
                else:
                    answer.error("DecodeError", value.reason, payload, block.begin, block.line, value.position)
            elif payload:
                answer.value(value)
        else:
            wire = data[block.raw_begin : end] if raw else None
            event = (block.type or "message", "\n".join(block.text), next_id, block.retry)
            answer.event((*event, payload, wire, block.raw_begin if raw else block.begin))

    def too_large(block: Block, end: int) -> None:
        wire = data[block.begin : end][:PREVIEW]
        answer.error("FrameTooLargeError", "too_large", wire, block.begin, block.line)

    for number, (begin, content, text, terminator) in enumerate(sse_lines(data), 1):
        if block is None and content:
            block = Block(begin, number, raw_begin=begin if comments_begin is None else comments_begin)
        if block is not None and not dropping and begin + len(content) - block.begin > limit + SSE_SLACK:
            too_large(block, begin + len(content))
            dropping = True
        if not content:
            if terminator:
                if dropping:
                    answer.last_event_id = next_id
                elif block is not None:
                    # A LF after a CR is a separator of its own: the CR has ended the line already.
                    dispatch(block, begin + 1, number)
                    if answer.done:
                        return answer
                block, dropping, comments_begin = None, False, None
                answer.offset, answer.line = begin + len(terminator), number
            continue
        if dropping or block is None:
            continue
        field_begin = content.find(b":")
        name = content if field_begin < 0 else content[:field_begin]
        value = b"" if field_begin < 0 else content[field_begin + 1 :].removeprefix(b" ")
        decoded = text.partition(":")[2].removeprefix(" ")
        if not terminator:
            # Cut off inside a line; the sentinel may be there all the same.
            so_far = [*block.payload, value] if name == b"data" else block.payload
            if on_truncated != "emit" or is_sentinel(so_far):
                block.payload = so_far
                break
        if not name and content:
            answer.comments += 1
            if block.begin == begin:
                comments_begin = block.raw_begin
                block = None
                answer.offset, answer.line = begin + len(content) + len(terminator), number
        elif name == b"data":
            block.payload.append(value)
            block.text.append(decoded)
            if len(b"\n".join(block.payload)) > limit:
                too_large(block, begin + len(content))
                dropping = True
        elif name == b"event":
            block.type = decoded
        elif name == b"id" and b"\0" not in value:
            next_id = decoded
        elif name == b"retry" and re.fullmatch(b"[0-9]+", value):
            digits = value.lstrip(b"0") or b"0"
            block.retry = answer.retry = 2**31 - 1 if len(digits) > 10 else min(int(digits), 2**31 - 1)

    if block is not None and not dropping:
        if is_sentinel(block.payload):
            answer.done = True
        elif on_truncated == "raise":
            wire = data[block.begin :]
            answer.cut("unfinished", wire, block.begin, block.line, len(wire))
        elif on_truncated == "emit":
            dispatch(block, len(data), number - (not content), cut=True)
    return answer.no_sentinel(len(data)) if require_done else answer
