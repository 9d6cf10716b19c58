"""One spelling of why a reply finished, over the words of all servers.

A word that no server is known to use is ``other``: it is never taken for a good end.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "error", "other"]

# Words are compared without case, and with "-" and " " as "_". Each is listed with a server that uses it.
_WORDS: dict[FinishReason, str] = {
    # OpenAI, Ollama, Gemini; Anthropic and Bedrock; Cohere; TGI; llama.cpp; Responses and Interactions.
    "stop": "stop end_turn stop_sequence complete eos_token eos word completed done",
    # OpenAI, Ollama; Anthropic, Bedrock, Gemini, Cohere; Anthropic; Responses; Interactions; llama.cpp; vLLM.
    "length": "length max_tokens model_context_window_exceeded max_output_tokens incomplete budget_exceeded limit "
    "model_length max_length context_length_exceeded",
    # OpenAI; OpenAI of old; Anthropic and Bedrock; Cohere; Interactions.
    "tool_calls": "tool_calls function_call tool_use tool_call requires_action",
    # OpenAI; Gemini; Bedrock; Qwen; Cohere.
    "content_filter": "content_filter safety recitation blocklist prohibited_content spii image_safety language "
    "image_prohibited_content image_recitation jailbreak model_armor "
    "guardrail_intervened content_filtered data_inspection_failed sensitive error_toxic",
    # Anthropic.
    "refusal": "refusal",
    # OpenRouter; Zhipu; DeepSeek; vLLM; Cohere; Gemini; Bedrock; Responses and Interactions.
    "error": "error network_error insufficient_system_resource abort aborted timeout error_limit user_cancel "
    "malformed_function_call malformed_response malformed_model_output malformed_tool_use "
    "unexpected_tool_call too_many_tool_calls missing_thought_signature failed cancelled canceled",
}
# The server stopped here, the model did not: what it was writing has no end.
_CUTS = frozenset({"length", "content_filter", "error"})
_REASONS: dict[str, FinishReason] = {word: reason for reason, words in _WORDS.items() for word in words.split()}
_PROMPT_BLOCKED = "prompt_blocked:"


def finish_reason_of(word: str) -> FinishReason:
    """The common spelling of a server's word for why it finished.

    Args:
        word: The server's own word, such as ``end_turn``.

    Example:
        >>> finish_reason_of("end_turn"), finish_reason_of("MAX_TOKENS"), finish_reason_of("surprise")
        ('stop', 'length', 'other')
    """
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    if plain.startswith(_PROMPT_BLOCKED):
        return "content_filter"
    return _REASONS.get(plain, "other")


def cuts_output(word: str) -> bool:
    """Whether a server that gives this reason may have stopped in the middle of what the model was writing.

    Example:
        >>> cuts_output("max_tokens"), cuts_output("tool_use")
        (True, False)
    """
    return finish_reason_of(word) in _CUTS
