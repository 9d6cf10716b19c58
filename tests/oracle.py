"""What the decoders have to say about a whole stream, written as plainly as the rules read.

Each function takes all the bytes at once and walks over them with split, regular expressions and
str.decode. Nothing here is shared with the core, nothing is fast, and nothing knows of chunks: that
is why it can tell whether the core is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from cuts import Outcome, Progress, Wrong, exact

BOM = b"\xef\xbb\xbf"
SPACE = b" \t\r\n"  # what JSON counts as white space
# A number or a name as far as it may have come, RFC 7464, section 2.4.
CUT_SCALAR = re.compile(
    rb"t(r(ue?)?)?|f(a(l(se?)?)?)?|n(u(ll?)?)?"
    rb"|-?((0|[1-9][0-9]*)(\.([0-9]+([eE][-+]?[0-9]*)?)?|[eE][-+]?[0-9]*)?)?"
)
NULS = bytes(8)  # a run that only a lost write leaves behind
PREVIEW = 256  # bytes of an over-long frame that its error shows
SSE_SLACK = 65536  # bytes a block may hold beyond its data
NO_LIMIT = 2**60


@dataclass
class Answer:
    """All that comes out of a stream, and the decoder's attributes after the last of it."""

    outcomes: list[Outcome] = field(default_factory=list)
    offset: int = 0
    frames: int = 0
    errors: int = 0
    line: int | None = 0
    done: bool = False
    was_cut: bool = False
    unterminated: bool = False
    array_closed: bool = False
    last_event_id: str = ""
    retry: int | None = None
    comments: int = 0

    def value(self, value: Any) -> None:
        self.frames += 1
        self._add(exact(value), None)

    def event(self, parts: tuple[Any, ...]) -> None:
        self.frames += 1
        self._add(parts, None)

    def error(
        self, kind: str, reason: str, frame: bytes, offset: int, line: int | None, position: int | None = None
    ) -> None:
        self.errors += 1
        self._add(None, Wrong(kind, reason, frame, offset, line, position))

    def _add(self, value: Any, error: Wrong | None) -> None:
        self.outcomes.append(Outcome(value, error, Progress(self.offset, self.frames, self.errors), self.line))

    def cut(self, reason: str, frame: bytes, offset: int, line: int | None, position: int) -> None:
        """The end of the stream came inside a frame; the decoder stays in front of it."""
        self.was_cut = True
        self.error("TruncatedError", reason, frame, offset, line, position)

    def no_sentinel(self, end: int) -> Answer:
        """The sentinel did not come; where the end cut a frame, that says enough already."""
        if not self.done and not self.was_cut:
            self.error("TruncatedError", "no_sentinel", b"", end, None)
        return self


def comparable(outcomes: list[Outcome]) -> list[Outcome]:
    """What the rules fix: a missing sentinel is in no line, so that any number will do."""
    return [
        outcome._replace(error=outcome.error._replace(line=None))
        if outcome.error and outcome.error.reason == "no_sentinel"
        else outcome
        for outcome in outcomes
    ]


class Bad(NamedTuple):
    reason: str
    position: int | None


def decode(frame: bytes, loads: Callable[[bytes], Any], *, is_line: bool = False) -> Any:
    """The value in a frame, or why there is none."""
    try:
        return loads(frame)
    except Exception:
        pass
    if frame.startswith(BOM):
        return Bad("byte_order_mark", 0)
    if is_line and (frame.startswith(b"\0") or NULS in frame):
        return Bad("nul_run", frame.index(b"\0"))
    try:
        frame.decode()
        orjson.loads(frame)
    except UnicodeDecodeError as error:
        return Bad("invalid_utf8", error.start)
    except orjson.JSONDecodeError as error:
        return Bad("invalid_json", len(error.doc[: error.pos].encode()))
    return Bad("rejected", None)


def preview(frame: bytes, limit: int) -> bytes:
    """What is known of an over-long frame at the byte that proves it over."""
    return frame[: min(PREVIEW, limit + 1)]


# NDJSON


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


# SSE


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


# JSON text sequences


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
