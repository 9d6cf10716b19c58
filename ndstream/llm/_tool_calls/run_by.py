"""Which calls the server runs by itself."""

from __future__ import annotations

RUN_BY_SERVER = frozenset(
    {
        # Anthropic and Bedrock.
        "server_tool_use", "mcp_tool_use",
        # OpenAI's Responses.
        "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call",
        "mcp_list_tools",
        # Gemini's Interactions.
        "google_search_call", "google_maps_call", "url_context_call", "code_execution_call", "mcp_server_tool_call",
        "retrieval_call", "processing_call",
        # LM Studio.
        "tool_call",
    }
)  # fmt: skip
