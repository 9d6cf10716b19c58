"""The conversation that the page sends: read within a limit, and checked."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import orjson
from starlette.requests import ClientDisconnect, Request

from ndstream._sources.headers import media_type

MAX_BODY = 8 * 1024 * 1024
"""How long a conversation may be, in bytes of JSON."""


class Message(TypedDict):
    """One turn of the conversation."""

    role: Literal["user", "assistant"]
    content: str


class BadRequestError(Exception):
    """A request that the page would not send.

    Attributes:
        status: The status of the answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def messages_in(request: Request) -> list[Message]:
    """The conversation in a request's body: ``{"messages": [{"role": "user", "content": "..."}]}``.

    Raises:
        BadRequestError: It is too long, no JSON, or no conversation whose last turn is the user's.
    """
    # A browser sends this type for another site only after asking, and is not told that it may.
    if media_type(request.headers.get("content-type", "")) != "application/json":
        raise BadRequestError(415, "the body has to be application/json")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise BadRequestError(413, f"the conversation has more than {MAX_BODY} bytes: begin a new one")
    except ClientDisconnect:
        raise BadRequestError(400, "the body was cut") from None
    try:
        value = orjson.loads(body)
    except ValueError:
        raise BadRequestError(400, "the body is not JSON") from None
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list) or not messages:
        raise BadRequestError(400, "messages has to be a list of turns")
    turns = [_turn(message) for message in messages]
    if turns[-1]["role"] != "user":
        raise BadRequestError(400, "the last turn has to be the user's")
    return turns


def _turn(message: Any) -> Message:
    role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
    if role not in ("user", "assistant") or not isinstance(content, str):
        raise BadRequestError(400, "a turn has the role user or assistant, and its content is a string")
    return {"role": role, "content": content}
