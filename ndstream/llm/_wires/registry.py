"""All wires, by the names that ``wire=`` takes, in the order in which they are shown a first frame."""

from __future__ import annotations

from typing import Any

from ndstream.llm._wires.anthropic import Anthropic
from ndstream.llm._wires.cohere import Cohere
from ndstream.llm._wires.gemini import Gemini
from ndstream.llm._wires.llama_cpp import LlamaCpp
from ndstream.llm._wires.lm_studio import LMStudio
from ndstream.llm._wires.ollama import OllamaChat, OllamaGenerate, OllamaProgress
from ndstream.llm._wires.openai_chat import OpenAIChat
from ndstream.llm._wires.openai_responses import OpenAIResponses
from ndstream.llm._wires.tgi import TGI
from ndstream.llm._wires.wire import Wire

_ALL: tuple[type[Wire], ...] = (
    OpenAIChat,
    Anthropic,
    OllamaChat,
    OllamaGenerate,
    OpenAIResponses,
    Gemini,
    Cohere,
    LMStudio,
    TGI,
    LlamaCpp,
    OllamaProgress,
)

WIRES: dict[str, type[Wire]] = {kind.name: kind for kind in _ALL}


def wire_of(frame: Any) -> type[Wire] | None:
    """The wire that knows this frame; None where none does, as of a heartbeat or an error."""
    if not isinstance(frame, dict):
        return None
    return next((kind for kind in _ALL if kind.matches(frame)), None)
