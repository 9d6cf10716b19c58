"""All wires, by the names that ``wire=`` takes, in the order in which they are shown a first frame."""

from __future__ import annotations

from typing import Any

from ndstream.llm._ollama import OllamaChat, OllamaGenerate, OllamaProgress
from ndstream.llm._openai_chat import OpenAIChat
from ndstream.llm._wire import Wire

WIRES: dict[str, type[Wire]] = {
    kind.name: kind
    for kind in (
        OpenAIChat,
        OllamaChat,
        OllamaGenerate,
        OllamaProgress,
    )
}


def wire_of(frame: Any) -> type[Wire] | None:
    """The wire that knows this frame; None where none does, as of a heartbeat or an error."""
    if not isinstance(frame, dict):
        return None
    return next((kind for kind in WIRES.values() if kind.knows(frame)), None)
