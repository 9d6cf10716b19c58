"""What a chat completion took, by its usage and its server's own measurements."""

from __future__ import annotations

from typing import Any

from ndstream.llm._lenient_readers import dict_of
from ndstream.llm._metrics import Metrics, number_of
from ndstream.llm._tokens import Tokens, count_of, first_of, sum_of

_MILLISECOND = 1e-3


def tokens_of(usage: dict[str, Any]) -> Tokens:
    """The token counts in the words of all wires."""
    prompt = dict_of(usage.get("prompt_tokens_details"))
    return Tokens.of(
        input=usage.get("prompt_tokens"),
        # OpenAI, DeepSeek, Moonshot.
        cached_input=first_of(
            prompt.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"), usage.get("cached_tokens")
        ),
        output=_output_tokens(usage),
        reasoning=_reasoning_tokens(usage),
        total=usage.get("total_tokens"),
    )


def metrics_of(usage: dict[str, Any], timings: Any) -> Metrics:
    """What the server measured: llama.cpp in its timings, Groq in the usage."""
    tokens = {"prompt_tokens": usage.get("prompt_tokens"), "output_tokens": _output_tokens(usage)}
    if isinstance(timings, dict):
        # Their prompt_n leaves out what was cached.
        return Metrics.of(
            "timings",
            prompt_tokens=tokens["prompt_tokens"] or timings.get("prompt_n"),
            prompt_seconds=number_of(timings.get("prompt_ms"), _MILLISECOND),
            output_tokens=timings.get("predicted_n"),
            output_seconds=number_of(timings.get("predicted_ms"), _MILLISECOND),
            tokens_per_second=timings.get("predicted_per_second"),
        )
    return Metrics.of(
        "usage",
        **tokens,
        prompt_seconds=usage.get("prompt_time"),
        output_seconds=usage.get("completion_time"),
        total_seconds=usage.get("total_time"),
    )


def _reasoning_tokens(usage: dict[str, Any]) -> Any:
    details = dict_of(usage.get("completion_tokens_details"))
    return first_of(details.get("reasoning_tokens"), usage.get("reasoning_tokens"))


def _output_tokens(usage: dict[str, Any]) -> Any:
    """The tokens that were generated, those of reasoning included: xAI leaves them out, as its total tells."""
    output, reasoning = usage.get("completion_tokens"), _reasoning_tokens(usage)
    with_reasoning = sum_of(output, reasoning)
    is_apart = sum_of(usage.get("prompt_tokens"), with_reasoning) == count_of(usage.get("total_tokens"))
    return with_reasoning if is_apart else output
