"""What the type of a call says: who runs it, and whether its arguments are JSON.

A type that is not known is taken for the client's: a call that waits for a result which never comes is worse than one
that is looked at for nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from ndstream.llm._lenient_readers import dict_of

FREE_TEXT = frozenset({"custom", "custom_tool_call", "code_interpreter_call", "image_generation_call"})
"""Calls whose arguments are text: a custom tool's input, code, and the prompt of an image."""

_RUN_BY_SERVER = frozenset(
    {
        # Anthropic and Bedrock.
        "server_tool_use", "mcp_tool_use",
        # OpenAI's Responses.
        "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
        # Gemini's Interactions.
        "google_search_call", "google_maps_call", "url_context_call", "code_execution_call", "mcp_server_tool_call",
        "retrieval_call", "processing_call",
        # LM Studio.
        "tool_call",
    }
)  # fmt: skip


def run_by(kind: str | None, extra: dict[str, Any]) -> Literal["client", "server"]:
    """Who runs a call.

    Args:
        kind: Its type.
        extra: What else is known of it. Some tools of Responses run on either side, and the call says where.
    """
    if kind == "tool_search_call":
        return "server" if extra.get("execution") == "server" else "client"
    if kind == "shell_call":
        in_container = str(dict_of(extra.get("environment")).get("type")).startswith("container")
        return "server" if in_container else "client"
    return "server" if kind in _RUN_BY_SERVER else "client"
