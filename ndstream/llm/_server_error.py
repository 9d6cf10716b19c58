"""Errors that a server reports inside an answer that began as a success, in any of their shapes.

{"error": "text"}                     {"error": {"message", "type", "code", "status"}}
{"object": "error", "message"}        {"type": "error", "error": {...}}
{"type": "error", "message", "code"}  {"StatusCode": 503, "Status", "error"}
{"error", "error_type"}               anything at all that came as ``event: error``
{"code": 401, "msg"}                  {"base_resp": {"status_code": 1004, "status_msg"}} (MiniMax)
{"detail": [{"loc", "msg"}]}          {"x_groq": {"error": "over capacity"}} (Groq)
{"errors": [{"code", "message"}], "success": false}

An empty error, null or a code of 0 reports none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ndstream.llm._finish_reason import finish_reason_of
from ndstream.llm._lenient_readers import as_index, dict_of, dicts_of, label_of, says_nothing, text_of

_BY_STATUS = {
    400: "invalid_request",
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "invalid_request",
    413: "invalid_request",
    422: "invalid_request",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
# In this order: "insufficient_quota" is about money though it comes as a rate limit.
_BY_WORD = (
    ("billing", "quota|billing|payment|credit|insufficientbalance"),
    ("overloaded", "overload|unavailable|insufficientsystemresource|capacity"),
    ("rate_limit", "ratelimit|toomanyrequests|resourceexhausted|throttl"),
    ("authentication", "authenticat|unauthori|invalidapikey"),
    ("permission", "permission|forbidden"),
    ("not_found", "notfound"),
    ("timeout", "timeout|timedout|deadline"),
    ("content_filter", "contentfilter|contentpolicy|safety|moderation|datainspection"),
    ("invalid_request", "invalid|badrequest|validation|contextlength|contextsize|unprocessable|toolusefailed|toolarge"),
    ("server", "server|internal|apierror|generation|network|connection|upstream|aborted|truncated|shutdown"),
)
_WORDS = tuple((kind, re.compile(words)) for kind, words in _BY_WORD)
# MiniMax's own codes.
_OF_MINIMAX = {
    1001: "timeout", 1002: "rate_limit", 1004: "authentication", 1008: "billing", 1013: "server",
    1026: "content_filter", 1027: "content_filter", 1039: "rate_limit", 2013: "invalid_request", 2049: "authentication",
}  # fmt: skip
_SENTENCES = ("message", "msg", "detail", "error", "title", "errorMessage", "error_message", "Message", "error_msg")
HOLDERS = frozenset({"error", "x_groq", "base_resp"})
"""Where a frame that has an error has it, unless it is the error itself."""
_RETRYABLE = frozenset({"overloaded", "rate_limit", "timeout", "server"})


@dataclass(frozen=True)
class ServerError:
    """What a server said was wrong.

    Attributes:
        message: Its words.
        kind: One of ``overloaded``, ``rate_limit``, ``timeout``, ``server`` (these four may pass),
            ``authentication``, ``permission``, ``not_found``, ``billing``, ``content_filter``,
            ``invalid_request``, ``malformed`` (no JSON), ``spliced``, ``gap`` (a resumed stream that
            leaves events out), ``too_large`` (more parts than a reply may have) and ``unknown``.
        code: Its own code: a number, a word, or None.
        retryable: Whether the same request may well succeed when sent again.
    """

    message: str
    kind: str = "unknown"
    code: int | str | None = None

    @property
    def retryable(self) -> bool:
        return self.kind in _RETRYABLE


def error_in(frame: Any, event: str | None = None) -> ServerError | None:
    """The error that a frame reports; None if it reports none.

    Args:
        frame: A decoded frame of any wire.
        event: The type of the server-sent event that it came in.

    Example:
        >>> error_in({"error": {"message": "busy", "code": 503}}).kind
        'overloaded'
    """
    if not isinstance(frame, dict):
        return _from_text(frame) if event == "error" else None
    if event != "error" and HOLDERS.isdisjoint(frame) and "error" not in (frame.get("object"), frame.get("type")):
        return None
    found = frame.get("error")
    if says_nothing(found) or found is False or found == 0:
        found = dict_of(frame.get("x_groq")).get("error")
    if isinstance(found, dict) and isinstance(found.get("error"), dict) and not _has_sentence(found):
        # A gateway puts the error of its upstream in its own.
        found = found["error"]
    if isinstance(found, dict) and any(not says_nothing(value) and value != 0 for value in found.values()):
        return _from_facts(found, frame)
    if isinstance(found, str) and not says_nothing(found):
        return _from_facts({**frame, "message": found}, {})
    if found is True and _has_sentence(frame):
        return _from_facts({**frame, "error": None}, {})
    if not says_nothing(found) and not isinstance(found, dict):
        return _from_facts({"message": str(found)}, frame)
    status = dict_of(frame.get("base_resp")).get("status_code")
    if as_index(status) not in (None, 0):
        return _of_minimax(as_index(status), text_of(frame["base_resp"].get("status_msg")))
    if frame.get("object") == "error" or frame.get("type") == "error" or event == "error":
        return _from_facts(frame, {})
    return None


def error_in_plain_answer(frame: Any) -> ServerError | None:
    """The error that a frame of no known wire is, as servers and frameworks answer instead of a stream.

    Args:
        frame: A decoded frame that no wire matched.

    Example:
        >>> error_in_plain_answer({"code": 401, "msg": "bad key"}).kind
        'authentication'
    """
    if not isinstance(frame, dict):
        return None
    found = error_in(frame)
    if found is not None:
        return found
    reported = next(iter(dicts_of(frame.get("errors"))), None)
    if reported is not None:
        return _from_facts(reported, frame)
    detail = next(iter(dicts_of(frame.get("detail"))), None)
    if detail is not None:
        # FastAPI's answer to a request that does not validate.
        place = ".".join(map(str, detail["loc"])) if isinstance(detail.get("loc"), list) else ""
        sentence = text_of(detail.get("msg")) or str(detail)
        return ServerError(
            f"{place}: {sentence}" if place else sentence, "invalid_request", label_of(detail.get("type")) or None
        )
    if _has_sentence(frame) and as_index(frame.get("code")) not in (0, 200) and frame.get("success") is not True:
        return _from_facts(frame, {})
    return None


def error_of_reason(reason: str) -> ServerError | None:
    """The error that a reason for finishing reports, if it reports one."""
    if finish_reason_of(reason) != "error":
        return None
    # The most are of what the model wrote and the server could not read, or of an end that came from elsewhere, so that
    # another try may do.
    kind = _kind([reason]) if reason.lower() in ("timeout", "insufficient_system_resource") else "server"
    return ServerError(f"the server ended the reply with the reason {reason!r}", kind, reason)


def _has_sentence(facts: dict[str, Any]) -> bool:
    return any(label_of(facts.get(name)) for name in _SENTENCES)


def _of_minimax(code: int | None, message: str) -> ServerError:
    kind = _OF_MINIMAX.get(code or 0) or _kind([message], sure=False)
    return ServerError(message or f"the server reports the status {code}", kind, code)


def _from_text(value: Any) -> ServerError:
    return ServerError(str(value))


def _from_facts(facts: dict[str, Any], around: dict[str, Any]) -> ServerError:
    message = next((text for name in _SENTENCES if (text := facts.get(name))), None)
    names = (
        "code",
        "type",
        "__type",
        "status",
        "error_type",
        "StatusCode",
        "statusCode",
        "status_code",
        "http_status_code",
        "Status",
        "error_code",
        "errorCode",
    )
    codes = [
        value
        for holder in (facts, around)
        for name in names
        if isinstance(value := holder.get(name), (int, str))
        and not isinstance(value, bool)
        and value not in ("", "error")
    ]
    words = [*codes, message] if isinstance(message, str) else codes
    code = codes[0] if codes else None
    text = message if isinstance(message, str) else str(message if message is not None else facts)
    return ServerError(text, _kind(codes) if codes else _kind(words, sure=False), code)


def _kind(codes: list[Any], sure: bool = True) -> str:
    """One of the kinds, from codes and words; a sentence alone proves less than a code."""
    plain = [re.sub("[^a-z]", "", value.lower()) for value in codes if isinstance(value, str)]
    named = next((kind for kind, words in _WORDS if any(map(words.search, plain))), "unknown")
    if named not in ("server", "unknown") and (sure or named != "invalid_request"):
        return named
    # A gateway calls any error of its upstream one of a server: the status says more.
    for value in codes:
        status = value if isinstance(value, int) else int(value) if value.isdecimal() and len(value) == 3 else 0
        if status in _BY_STATUS:
            return _BY_STATUS[status]
        if 500 <= status < 600:
            return "server"
    return named if sure else "unknown"
