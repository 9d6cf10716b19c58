"""What a reply that is not whole raises, with what arrived of it.

StreamError
└── ReplyError
    ├── ReplyTruncatedError (also a TruncatedError)   the bytes ended before the server was done
    └── ReplyServerError                              the server reported an error, or sent no reply

An option that is wrong for the server is a WireOptionError, which is a ValueError: nothing is wrong with the bytes.
"""

from __future__ import annotations

from typing import Any

from ndstream._errors import StreamError, TruncatedError
from ndstream.llm._answer import Answer


class ReplyError(StreamError):
    """The base of what is raised at the end of a reply that is not whole.

    Attributes:
        reply: What arrived: text, body, tool calls and ``ending``.
        output_started: Whether any text, thought or tool call had arrived.
        retryable: Whether the same request may well succeed when sent again.
    """

    reply: Answer
    output_started: bool
    retryable: bool

    def __init__(self, message: str = "", *, reply: Any = None, retryable: bool = False, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.reply = reply
        self.retryable = retryable
        self.output_started = reply is not None and reply.output_started


class ReplyTruncatedError(ReplyError, TruncatedError):
    """The bytes ended before the server said that it was done. It is always worth another try.

    ``reason`` is ``unfinished``; or ``source_failed`` if the source raised, ``timeout`` if that was a read
    timeout of its client, and ``stalled`` if nothing came for ``idle_timeout``: the cause says more then.
    """


class ReplyServerError(ReplyError):
    """The server reported an error inside its answer, or sent something that is no reply.

    ``reason`` is ``server_error``, ``malformed`` (a frame that is not JSON), ``spliced`` (a second
    reply begins inside the first) or ``gap`` (a resumed stream leaves events out).

    Attributes:
        kind: One of the words of `ServerError.kind`.
        code: The server's own code for it: a number, a word, or None.
    """

    kind: str
    code: int | str | None

    def __init__(
        self, message: str = "", *, kind: str = "unknown", code: int | str | None = None, **facts: Any
    ) -> None:
        super().__init__(message, **facts)
        self.kind = kind
        self.code = code


class WireOptionError(ValueError):
    """An option means nothing for the wire of a reply.

    It is raised by the call if that names the wire, and else by the frame that the wire is detected from. The source
    is released then.

    Attributes:
        option: The name of the option.
        wire: The name of the wire.
    """

    option: str
    wire: str

    def __init__(self, message: str = "", *, option: str = "", wire: str = "") -> None:
        super().__init__(message)
        self.option = option
        self.wire = wire
