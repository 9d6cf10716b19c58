"""What went wrong with a frame, in words: the errors that decoders raise are made here.

Every message says where (byte offset, line), what, and what to do next; where the bytes look like
another format, it says that. Nothing here runs while a stream is in order.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Any

import orjson

from ndstream._errors import DecodeError, FrameTooLargeError, IdleTimeoutError, InvalidJSONError, TruncatedError

_SHOWN = 60
_NUL_RUN = b"\x00" * 8
_DOCUMENT_BEGIN = re.compile(rb"\s*[\[{]([^\n]{0,100}[,:\[{])?\s*")
_NOUN = {"ndjson": "line", "sse": "event", "jsonseq": "element", "json": "value"}


def undecodable(frame: bytes, offset: int, line: int | None, cause: Exception, framing: str) -> DecodeError:
    """The error for a whole payload that ``loads`` refused."""
    reason, position, what, fault = _fault(frame, cause, framing)
    hint = _document_hint(frame, framing, line) or _hint(frame, "" if framing == "sse" else framing)
    message = f"{where(_NOUN[framing], offset, line)} {what}: {shown(frame, position)}{hint}"
    facts: dict[str, Any] = {"frame": frame, "offset": offset, "line": line, "position": position, "reason": reason}
    error = (
        DecodeError(message, **facts)
        if fault is None
        else InvalidJSONError(message, msg=fault.msg, pos=fault.pos, **facts)
    )
    error.__cause__ = cause
    return error


def cut_payload(frame: bytes, offset: int, line: int | None, cause: Exception, framing: str) -> TruncatedError:
    """The error for a payload that the end of the stream cut."""
    if framing == "ndjson" and _has_nul_run(frame):
        what = "ends in NUL bytes, the trace of an append that was interrupted"
        reason, position, advice = "nul_tail", frame.index(b"\x00"), "cut the file at this offset before appending"
    else:
        what = "was cut by the end of the stream; what arrived of it is no JSON value"
        reason, position, advice = "unfinished", len(frame), "ask again, or go on from this offset"
    hint = _hint(frame, "" if framing == "sse" else framing) or f"; {advice}"
    message = f"{where(_NOUN[framing], offset, line)} {what}: {shown(frame)}{hint}"
    error = TruncatedError(message, frame=frame, offset=offset, line=line, position=position, reason=reason)
    error.__cause__ = cause
    return error


def is_json(frame: bytes) -> bool:
    """Whether the bytes are one JSON value, whatever another ``loads`` says of them."""
    return _json_fault(frame) is None


def blank_line(frame: bytes, offset: int, line: int) -> DecodeError:
    """The error for a blank line where they were not to be skipped."""
    message = f'{where("line", offset, line)} is blank; blank_lines="skip" skips such lines'
    return DecodeError(message, frame=frame, offset=offset, line=line, reason="blank_line")


def too_large(frame: bytes, offset: int, line: int | None, limit: int, framing: str) -> FrameTooLargeError:
    """The error for a frame past the limit, with the first bytes of it."""
    message = (
        f"{where(_NOUN[framing], offset, line)} is longer than max_frame_size={limit} bytes; pass a larger "
        f"max_frame_size, or None for no limit{_array_hint(frame, framing)}: {shown(frame)}{_hint(frame, framing)}"
    )
    return FrameTooLargeError(message, frame=frame, offset=offset, line=line, limit=limit)


def cut_block(frame: bytes, offset: int, line: int) -> TruncatedError:
    """The error for SSE lines that no blank line followed before the stream ended."""
    # What looks like something else would not become an event by an option.
    advice = _hint(frame, "sse") or (
        '; if the server leaves that out, pass on_truncated="emit", or "discard" to drop it as browsers do'
    )
    message = f"{where('event', offset, line)} was cut: the stream ended before its blank line{advice}: {shown(frame)}"
    return TruncatedError(message, frame=frame, offset=offset, line=line, position=len(frame), reason="unfinished")


def cut_scalar(frame: bytes, offset: int) -> TruncatedError:
    """The error for an element such as ``12`` with nothing after it to prove that it is whole."""
    message = (
        f"{where('element', offset, None)} may be cut: nothing after it proves that it is whole "
        f"(RFC 7464, section 2.4); write a line feed after each element: {shown(frame)}"
    )
    return TruncatedError(message, frame=frame, offset=offset, position=len(frame), reason="scalar")


def empty_element(frame: bytes, offset: int) -> DecodeError:
    """The error for an element of white space alone."""
    message = f"{where('element', offset, None)} holds nothing but white space; write a value after each separator"
    return DecodeError(message, frame=frame, offset=offset, reason="empty_element")


def stray(frame: bytes, offset: int) -> DecodeError:
    """The error for bytes outside all elements."""
    message = (
        f"{where('bytes', offset, None)} are outside the elements of a JSON text sequence, which begin "
        f"with a record separator (0x1E); all up to the next one is skipped: {shown(frame)}"
        f"{_hint(frame, 'jsonseq') or '; without separators it may be NDJSON: use ndjson()'}"
    )
    return DecodeError(message, frame=frame, offset=offset, position=0, reason="outside_element")


def stray_text(frame: bytes, offset: int, problem: str) -> DecodeError:
    """The error for bytes among concatenated values that begin no value, or are out of place in an array."""
    reason, position, what = "invalid_json", 0, problem
    if frame.startswith(BOM_UTF8):
        reason, what = "byte_order_mark", "is a byte order mark, which only a whole stream may begin with"
    elif _has_nul_run(frame):
        reason, position, what = "nul_run", frame.index(b"\x00"), "holds NUL bytes, as a lost write leaves them"
    else:
        try:
            frame.decode()
        except UnicodeDecodeError as error:
            reason, position = "invalid_utf8", error.start
            what = f"is not UTF-8 from its byte {error.start} on ({error.reason})"
    message = f"{where('text', offset, None)} {what}: {shown(frame)}{_hint(frame, 'json')}"
    if reason == "invalid_json":
        return InvalidJSONError(message, msg=problem, frame=frame, offset=offset, position=position, reason=reason)
    return DecodeError(message, frame=frame, offset=offset, position=position, reason=reason)


def nul_tail(frame: bytes, offset: int) -> TruncatedError:
    """The error for NUL bytes at the end of concatenated values."""
    message = (
        f"the stream ends in NUL bytes from byte {offset} on, the trace of an append that was interrupted; cut the "
        "file there before appending to it"
    )
    return TruncatedError(message, frame=frame, offset=offset, position=0, reason="nul_tail")


def unclosed(frame: bytes, offset: int, in_array: bool) -> TruncatedError:
    """The error for a value, or an array whose elements were asked for, that the end of the stream cut."""
    if in_array:
        message = f"the array was cut: the stream ended at byte {offset + len(frame)} before its closing bracket"
        message += f", inside the element at byte {offset}: {shown(frame)}" if frame else ""
    else:
        message = (
            f"{where('value', offset, None)} was cut: the stream ended before it was closed, or one of its brackets "
            f"or quotes is missing: {shown(frame)}{_hint(frame, 'json')}"
        )
    return TruncatedError(message, frame=frame, offset=offset, position=len(frame), reason="unfinished")


def missing_sentinel(offset: int, sentinel: bytes) -> TruncatedError:
    """The error for a stream that ended in order, but without its sentinel."""
    message = (
        f"the stream ended at byte {offset} without {shown(sentinel)}, so the answer may not be whole; "
        "ask again, or leave out require_done if this server never sends it"
    )
    return TruncatedError(message, offset=offset, reason="no_sentinel")


def source_failed(
    frame: bytes, seen: int, offset: int, line: int | None, frames: int, cause: BaseException
) -> TruncatedError:
    """The error for a source that raised before the stream was at its end."""
    place = f"after {frames} frames, {seen} bytes into the frame at byte {offset}"
    if isinstance(cause, IdleTimeoutError):
        reason = "stalled"
        message = f"the stream stalled {place}: {cause}; ask again, or pass a larger idle_timeout"
    elif _is_timeout(cause):
        reason = "timeout"
        message = (
            f"the source sent nothing {place} for as long as its read timeout allows ({_worded(cause)}); ask again, or "
            "give its client a longer one"
        )
    else:
        reason = "source_failed"
        message = f"the source failed {place}: {_worded(cause)}"
    error = TruncatedError(message, frame=frame, offset=offset, line=line, position=len(frame), reason=reason)
    error.__cause__ = cause
    return error


def _is_timeout(error: BaseException) -> bool:
    """Whether a read timed out: libraries have errors of their own for that, alone or inside another one."""
    errors: list[object] = [error]
    for one in errors:
        if isinstance(one, BaseException) and len(errors) < 20:
            if any("Timeout" in kind.__name__ or kind.__name__ == "TooSlowError" for kind in type(one).__mro__):
                return True
            errors += [one.__cause__, *one.args]
    return False


def not_bytes(value: object) -> str:
    """What to pass instead of a chunk that is not bytes."""
    if isinstance(value, str):
        return (
            "a chunk must be bytes, not str: pass the iterator of bytes (iter_bytes(), not iter_text() or "
            "iter_lines(); a file opened with 'rb'), or call .encode() on the text"
        )
    return f"a chunk must be bytes, bytearray or memoryview, not {type(value).__name__}"


def where(noun: str, offset: int, line: int | None) -> str:
    """The place of a frame, by the noun of its framing."""
    return f"the {noun} at byte {offset}" + ("" if line is None else f" (line {line})")


def _worded(cause: BaseException) -> str:
    """An exception in words; its own may fail, which must not keep the error from being raised."""
    try:
        return f"{type(cause).__name__}: {cause}"
    except MemoryError:
        raise
    except Exception:
        return type(cause).__name__


def shown(frame: bytes, position: int | None = None) -> str:
    """The part of the frame around the fault."""
    begin = max(0, (position or 0) - _SHOWN // 2)
    end = begin + _SHOWN
    return f"{'...' if begin else ''}{frame[begin:end]!r}{'...' if end < len(frame) else ''}"


def _fault(frame: bytes, cause: Exception, framing: str) -> tuple[str, int | None, str, orjson.JSONDecodeError | None]:
    """Why a whole frame is no value: the reason, the byte, words for it, and what orjson says if it is not JSON."""
    if frame.startswith(BOM_UTF8):
        return "byte_order_mark", 0, "begins with a byte order mark, which only a whole stream may do", None
    if framing == "ndjson" and _has_nul_run(frame):
        return "nul_run", frame.index(b"\x00"), "holds a run of NUL bytes, as a lost write leaves them", None
    try:
        frame.decode()
    except UnicodeDecodeError as error:
        return "invalid_utf8", error.start, f"is not UTF-8 from its byte {error.start} on ({error.reason})", None
    fault = _json_fault(frame)
    if fault is None:
        return "rejected", None, f"is valid JSON, but loads refused it ({_worded(cause)})", None
    position = len(fault.doc[: fault.pos].encode())
    return "invalid_json", position, f"is not one JSON value ({fault.msg}, byte {position} of it)", fault


def _json_fault(frame: bytes) -> orjson.JSONDecodeError | None:
    try:
        orjson.loads(frame)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith("Not enough memory"):
            raise MemoryError(error.msg) from error
        return error
    return None


def _has_nul_run(frame: bytes) -> bool:
    return frame.startswith(b"\x00") or _NUL_RUN in frame


def _hint(frame: bytes, framing: str) -> str:
    """What the bytes look like, where that is another format than the one decoded; "" for an event's data."""
    begin = frame[:256].lstrip().lower()
    hint = ""
    if frame.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")):
        hint = (
            "it looks compressed: decompress it first, or ask the server for 'Accept-Encoding: identity' where the "
            "client does not decompress"
        )
    elif frame.startswith((b"\xff\xfe", b"\xfe\xff")) or (
        # A long run of them is what a lost write leaves.
        b"\x00" in frame[:4] and frame[:4].strip(b"\x00") and _NUL_RUN not in frame
    ):
        hint = "it looks like UTF-16 or UTF-32: re-encode it as UTF-8"
    elif begin.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        hint = "it looks like HTML or XML, often an error page: look at the status and the Content-Type"
    elif framing == "sse" and begin.startswith((b"{", b"[")) and not frame.startswith(b"data"):
        hint = "it looks like bare JSON, often an error body or NDJSON: look at the status, or use ndjson()"
    elif framing != "sse" and begin.startswith((b"data:", b"event:", b"id:", b"retry:", b":")):
        hint = "it looks like server-sent events: use sse(), or stream() to take their JSON"
    elif framing in ("ndjson", "json") and frame.startswith(b"\x1e"):
        hint = "it looks like a JSON text sequence: use jsonseq()"
    elif framing == "ndjson" and (b"}{" in frame or b"][" in frame):
        hint = (
            "it looks like values without line ends between them: use concatenated(); or, if the source removed the "
            "line ends, pass the response itself, not its iter_lines()"
        )
    return f"; {hint}" if hint else ""


def _document_hint(frame: bytes, framing: str, line: int | None) -> str:
    """What a first line says that does no more than open brackets. A later one is rather a line that was torn."""
    if framing == "ndjson" and line == 1 and _DOCUMENT_BEGIN.fullmatch(frame):
        return "; it looks like a JSON document over several lines, not one value a line: use concatenated()"
    return ""


def _array_hint(frame: bytes, framing: str) -> str:
    """What an over-long frame says that may be one long array."""
    if framing in ("ndjson", "json") and frame.removeprefix(BOM_UTF8).lstrip().startswith(b"["):
        return "; or read the elements of the array one by one: use concatenated(), with items=True"
    return ""
