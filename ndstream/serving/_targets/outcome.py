"""How a relayed reply ended, in the words that every target is told in, whatever the upstream's wire."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import orjson

from ndstream.llm import Answer, FinishReason, Tokens

MAX_COUNT = 2**53
"""From here on not every whole number is a number of JavaScript."""


@dataclass(frozen=True)
class Summary:
    """What a complete reply ended with.

    Attributes:
        finish_reason: Why the model stopped, in the words of all wires.
        tokens: The token counts; each is None if the server does not say.
    """

    finish_reason: FinishReason
    tokens: Tokens

    @property
    def input_tokens(self) -> int | None:
        """Tokens of the prompt."""
        return self.tokens.input

    @property
    def output_tokens(self) -> int | None:
        """Tokens that were generated, reasoning included."""
        return self.tokens.output

    @classmethod
    def of(cls, answer: Answer) -> Summary:
        """The summary of a reply that has ended."""
        reason = answer.finish_reason
        if reason is None:
            # Some servers never say it.
            asks = any(call.run_by == "client" for call in answer.tool_calls)
            reason = "tool_calls" if asks else "stop"
        return cls(reason, plausible_tokens(answer))


def plausible_tokens(answer: Answer) -> Tokens:
    """The token counts of a reply, without those that JavaScript and most parsers cannot hold."""
    counts = asdict(answer.tokens)
    return Tokens(**{name: count for name, count in counts.items() if count is not None and count < MAX_COUNT})


def named_counts(tokens: Tokens) -> dict[str, int]:
    """The counts that are known, by the names that the AI SDK and AG-UI give them."""
    counts = {
        "inputTokens": tokens.input,
        "outputTokens": tokens.output,
        "totalTokens": tokens.total,
        "reasoningTokens": tokens.reasoning,
        "cachedInputTokens": tokens.cached_input,
    }
    return {name: count for name, count in counts.items() if count is not None}


@dataclass(frozen=True)
class Failure:
    """Why a stream ends without being complete.

    Attributes:
        message: What the client is told. It holds no text of exceptions unless that was asked for.
        kind: ``truncated`` if the upstream's bytes ended too soon, ``shutdown`` if this server stops, else one of
            the kinds of `ndstream.llm.ServerError`: ``overloaded``, ``rate_limit``, ``timeout``, ``server`` ...
        code: The upstream's own code, if it gave one.
    """

    message: str
    kind: str = "server"
    code: int | str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.message, str):
            raise TypeError(f"the message of a failure must be a str, not {type(self.message).__name__}")
        # Text of an exception may hold what no client can be sent, and the failure has to be told all the same.
        object.__setattr__(self, "message", self.message.encode(errors="replace").decode())

    @property
    def refusal(self) -> Refusal:
        """What to answer instead of a stream that did not begin."""
        return Refusal("application/json", orjson.dumps({"error": {"message": self.message, "type": self.kind}}))


class Refusal(NamedTuple):
    """The body of an answer whose status says that there is no stream."""

    content_type: str
    body: bytes
