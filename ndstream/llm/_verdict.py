"""From what was seen of a reply's end to its verdict, and to the error that is raised for it."""

from __future__ import annotations

from typing import Any

import orjson

from ndstream._errors import FrameTooLargeError, StreamError
from ndstream.llm._answer import Answer, ReplyState
from ndstream.llm._errors import ReplyError, ReplyServerError, ReplyTruncatedError

SOURCE_FAILURES = ("source_failed", "timeout", "stalled")
"""Reasons of errors that are about the source, not about a frame."""
_EXCERPT = 200


def error_of(state: ReplyState, cause: StreamError | None, unknown_frame: Any) -> ReplyError | None:
    """The error to raise for a reply that has ended; None if it is complete.

    Args:
        state: The reply, with its ending.
        cause: What the stream raised, if it raised.
        unknown_frame: The first frame that no wire matched, if none was matched later either.
    """
    ending = state.ending
    assert ending is not None
    if ending.verdict == "complete":
        return None
    answer = Answer(state)
    raised: ReplyError
    if ending.error is not None:
        kind = ending.error.kind
        raised = ReplyServerError(
            ending.error.message,
            kind=kind,
            code=ending.error.code,
            retryable=ending.error.retryable,
            reason=_server_error_reason(kind, cause),
            reply=answer,
            **_facts(cause),
        )
    else:
        reason = "unfinished" if cause is None else cause.reason
        message = _truncated_message(answer, cause, unknown_frame)
        raised = ReplyTruncatedError(message, retryable=True, reason=reason, reply=answer, **_facts(cause))
    raised.__cause__ = cause
    return raised


def shown(payload: bytes) -> str:
    """The beginning of a payload, for a message."""
    return payload[:_EXCERPT].decode(errors="replace")


def _facts(cause: StreamError | None) -> dict[str, Any]:
    """Where in the stream it happened."""
    if cause is None:
        return {}
    return {"frame": cause.frame, "offset": cause.offset, "line": cause.line, "position": cause.position}


def _server_error_reason(kind: str, cause: StreamError | None) -> str:
    if isinstance(cause, FrameTooLargeError):
        return cause.reason
    return kind if kind in ("malformed", "spliced", "gap", "too_large") else "server_error"


def _truncated_message(answer: Answer, cause: StreamError | None, unknown_frame: Any) -> str:
    from_source = cause is not None and cause.reason in SOURCE_FAILURES
    how = f"the source failed ({cause.__cause__})" if cause is not None and from_source else "the stream ended"
    if unknown_frame is not None:
        return (
            f"{how}, and none of its frames was of a wire that is known, as the first one: "
            f"{shown(orjson.dumps(unknown_frame, default=str))}; if it is one of llm.WIRES, name it with wire="
        )
    if answer.ending is not None and any(each.sign == "sentinel" for each in answer.ending.evidence):
        return "the server sent [DONE], but nothing of a reply before it: send the request again"
    when = f"after {len(answer.text)} characters of text" if answer.output_started else "before any output"
    return (
        f"{how} {when}, and the server had not said that it was done; what came is in error.reply: send the "
        'request again, or pass on_incomplete="return" and look at reply.ending'
    )
