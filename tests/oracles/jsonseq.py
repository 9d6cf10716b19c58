"""What the decoder of JSON text sequences has to say about a whole stream."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from oracles.answer import NO_LIMIT, PREVIEW, SPACE, Answer, Bad, decode, preview

# A number or a name as far as it may have come, RFC 7464, section 2.4.
CUT_SCALAR = re.compile(
    rb"t(r(ue?)?)?|f(a(l(se?)?)?)?|n(u(ll?)?)?"
    rb"|-?((0|[1-9][0-9]*)(\.([0-9]+([eE][-+]?[0-9]*)?)?|[eE][-+]?[0-9]*)?)?"
)


def element_end(text: bytes) -> int | None:
    """Where the LF is that ends an element before the next RS does."""
    depth, quoted, escaped, begun = 0, False, False, False
    for index, byte in enumerate(text):
        char = chr(byte)
        if quoted:
            quoted = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == "\n" and depth <= 0 and begun:
            return index
        else:
            quoted = char == '"'
            depth += (char in "[{") - (char in "]}")
        begun = begun or byte not in SPACE
    return None


def jsonseq(
    data: bytes,
    *,
    loads: Callable[[bytes], Any] = orjson.loads,
    max_frame_size: int | None = None,
    done: bytes | None = None,
    require_done: bool = False,
) -> Answer:
    answer = Answer(line=None)
    limit = max_frame_size or NO_LIMIT

    def outside(begin: int, end: int) -> None:
        """Between elements only white space is allowed."""
        stray = data[begin:end].lstrip(SPACE)
        answer.offset = end - len(stray)
        if stray:
            shown = stray.partition(b"\n")[0][:PREVIEW]
            answer.offset += len(shown)
            answer.error("DecodeError", "outside_element", shown, end - len(stray), None, 0)
            answer.offset = end

    def element(begin: int, end: int) -> None:
        """The text between the RS at ``begin`` and the next one, or the end of the stream."""
        text = data[begin + 1 : end]
        newline = element_end(text)
        at_end = newline is None and end == len(data)
        frame = text if newline is None else text[:newline].removesuffix(b"\r")
        after = end if newline is None else begin + 1 + newline + 1
        if len(frame) > limit:
            answer.error("FrameTooLargeError", "too_large", preview(frame, limit), begin, None)
            answer.offset = begin if end == len(data) else end
            return
        if not frame.strip(SPACE):
            answer.offset = after
            if frame:
                answer.error("DecodeError", "empty_element", frame, begin, None)
            return
        if done is not None and frame.strip(SPACE) == done:
            answer.offset, answer.done = after, True
            return
        scalar = CUT_SCALAR.fullmatch(frame.lstrip(SPACE))
        value = decode(frame, loads)
        if scalar and newline is None:
            answer.offset = begin if at_end else after
            answer.was_cut = at_end
            answer.error("TruncatedError", "scalar", frame, begin, None, len(frame))
        elif isinstance(value, Bad) and at_end and value.reason != "rejected":
            answer.cut("unfinished", frame, begin, None, len(frame))
        else:
            answer.offset = after
            if isinstance(value, Bad):
                answer.error("DecodeError", value.reason, frame, begin, None, value.position)
            else:
                answer.value(value)
            outside(after, end)

    starts = [match.start() for match in re.finditer(b"\x1e", data)]
    outside(0, starts[0] if starts else len(data))
    for begin, end in zip(starts, [*starts, len(data)][1:], strict=True):
        answer.offset = begin
        element(begin, end)
        if answer.done:
            return answer
    return answer.no_sentinel(len(data)) if require_done else answer
