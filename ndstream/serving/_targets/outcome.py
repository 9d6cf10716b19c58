"""How a relayed reply ended, in the words that every target is told in, whatever the upstream's wire."""

from __future__ import annotations

from dataclasses import dataclass

from ndstream.llm import Answer, FinishReason, Tokens


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
        return cls(reason, answer.tokens)


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
