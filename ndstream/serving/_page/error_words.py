"""What the page says of an error: what helps, and never the key."""

from __future__ import annotations

from contextlib import suppress

import orjson

from ndstream.llm import ReplyServerError
from ndstream.llm._server_error import error_in, error_in_plain_answer
from ndstream.serving._converters.converter import kind_and_message
from ndstream.serving._upstream_error import UpstreamError, is_success

MAX_WORDS = 1000
"""How much of a server's message is shown, in characters."""


class ErrorWords:
    """The words for an exception.

    Args:
        secret: What is cut out of them; "" for nothing.

    Example:
        >>> ErrorWords("sk-1")(UpstreamError(401, body=b'{"error":{"message":"bad key sk-1"}}'))
        "The model's server answered 401: bad key [key]"
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __call__(self, error: Exception) -> str:
        words = _words(error)
        if self._secret:
            words = words.replace(self._secret, "[key]")
        words = words[:1].upper() + words[1:]
        return words if len(words) <= MAX_WORDS else words[:MAX_WORDS] + " ..."


def _words(error: Exception) -> str:
    if isinstance(error, UpstreamError):
        said = _message_in(error.body)
        if is_success(error.status):
            return said or "the model's server answered with something that is no reply"
        return f"the model's server answered {error.status}" + (f": {said}" if said else "")
    if isinstance(error, ReplyServerError):
        # Its own words, unless they are about its bytes.
        _, words = kind_and_message(error)
        return words if words == str(error) else _of_model(words)
    cause = _first_cause(error)
    if cause is not error and type(cause).__module__.partition(".")[0] != "ndstream":
        # The words of HTTP clients often are empty, and never longer than a line.
        name, said = type(cause).__name__, str(cause)
        if "Connect" in name:
            return "the model's server cannot be reached" + (f": {said}" if said else "")
        return f"the connection to the model's server broke ({name}" + (f": {said})" if said else ")")
    return _of_model(kind_and_message(error)[1])


def _of_model(words: str) -> str:
    return words.replace("the upstream", "the model's server")


def _first_cause(error: BaseException) -> BaseException:
    """The exception that the others come from. HTTP clients have causes of their own, whose words help nobody."""
    while error.__cause__ is not None and type(error).__module__.partition(".")[0] == "ndstream":
        error = error.__cause__
    return error


def _message_in(body: bytes) -> str:
    """The words of a refusal, of whatever shape."""
    with suppress(ValueError):
        value = orjson.loads(body)
        reported = error_in(value) or error_in_plain_answer(value)
        if reported is not None:
            return reported.message
    text = body.decode(errors="replace").strip()
    return "" if text.startswith("<") else text
