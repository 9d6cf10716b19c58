"""What a reply took: as the server measured it, and as it was seen from here. The two are never mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Times:
    """When things came, in seconds since the reply was made, by the reader's own clock.

    Attributes:
        first_byte: The first byte, which a heartbeat or a comment may be.
        first_payload: The first frame.
        first_text: The first visible text.
        end: The end of the stream.
    """

    first_byte: float | None = None
    first_payload: float | None = None
    first_text: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Metrics:
    """What a server measured; None if it does not say.

    Attributes:
        source: Which of the server's fields these are from, such as ``timings``; empty for none.
        load_seconds: How long the model took to load.
        prompt_tokens: How many tokens the prompt has.
        prompt_seconds: How long reading it took.
        output_tokens: How many tokens were generated.
        output_seconds: How long that took.
        total_seconds: How long all of it took.
        first_token_seconds: How long until the first token.
        tokens_per_second: The speed of generating, the server's own figure if it gives one.

    Example:
        >>> Metrics.of("example", output_tokens=30, output_seconds=1.5).tokens_per_second
        20.0
    """

    source: str = ""
    load_seconds: float | None = None
    prompt_tokens: int | None = None
    prompt_seconds: float | None = None
    output_tokens: int | None = None
    output_seconds: float | None = None
    total_seconds: float | None = None
    first_token_seconds: float | None = None
    tokens_per_second: float | None = None

    @classmethod
    def of(cls, source: str, **figures: Any) -> Metrics:
        """Metrics of what a server wrote; figures that are no number are left out."""
        known = {name: number for name, value in figures.items() if (number := number_of(value)) is not None}
        for name in ("prompt_tokens", "output_tokens"):
            # Cohere counts tokens in floats.
            if name in known:
                known[name] = int(known[name])
        if "tokens_per_second" not in known and known.get("output_seconds", 0) > 0 and "output_tokens" in known:
            known["tokens_per_second"] = known["output_tokens"] / known["output_seconds"]
        return cls(source if known else "", **known)


def number_of(value: Any, scale: float = 1) -> Any:
    """The value times the scale, where it is a number; else None.

    Example:
        >>> number_of(2_500_000_000, 1e-9), number_of("2")
        (2.5, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or abs(value) > 1e300:
        return None
    return value if scale == 1 else value * scale
