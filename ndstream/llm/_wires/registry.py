"""All wires, by the names that ``wire=`` takes, in the order in which they are asked whether a first frame is theirs.

The first one that matches is taken, so that a wire which asks for little comes after those that ask for more.

To add a wire: a module in this folder, named for its server, with a subclass of `Wire` that has a ``name`` and
overrides `Wire.matches`, `Wire.fold` and the properties that its frames can fill; its place in the tuple below; what
the server sends in ``tests/llm/examples.py``, from which the tests of all wires are made; a row in ``docs/llm.md``.
"""

from __future__ import annotations

from typing import Any

from ndstream.llm._wires.anthropic import Anthropic
from ndstream.llm._wires.bedrock_converse import BedrockConverse
from ndstream.llm._wires.cohere import Cohere
from ndstream.llm._wires.gemini import Gemini
from ndstream.llm._wires.gemini_interactions import GeminiInteractions
from ndstream.llm._wires.llama_cpp import LlamaCpp
from ndstream.llm._wires.lm_studio import LMStudio
from ndstream.llm._wires.ollama import OllamaChat, OllamaGenerate, OllamaProgress
from ndstream.llm._wires.openai_chat import OpenAIChat
from ndstream.llm._wires.openai_responses import OpenAIResponses
from ndstream.llm._wires.tgi import TGI
from ndstream.llm._wires.wire import Wire
from ndstream.llm._wires.workers_ai import WorkersAI

_IN_ORDER: tuple[type[Wire], ...] = (
    OpenAIChat,
    Anthropic,
    OllamaChat,
    OllamaGenerate,
    OpenAIResponses,
    Gemini,
    GeminiInteractions,
    BedrockConverse,
    Cohere,
    LMStudio,
    TGI,
    LlamaCpp,
    WorkersAI,
    OllamaProgress,
)

WIRES: dict[str, type[Wire]] = {kind.name: kind for kind in _IN_ORDER}


def wire_of(frame: Any) -> type[Wire] | None:
    """The first wire that matches this frame; None if none does, as of a heartbeat or an error."""
    if not isinstance(frame, dict):
        return None
    return next((kind for kind in _IN_ORDER if kind.matches(frame)), None)
