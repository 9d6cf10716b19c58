"""All targets, by the names that ``to=`` takes."""

from __future__ import annotations

from ndstream.serving._targets.ag_ui import AGUITarget
from ndstream.serving._targets.anthropic import AnthropicTarget
from ndstream.serving._targets.ollama_chat import OllamaChatTarget
from ndstream.serving._targets.openai_chat import OpenAIChatTarget
from ndstream.serving._targets.target import Target
from ndstream.serving._targets.text import TextTarget
from ndstream.serving._targets.ui import UITarget

TARGETS: dict[str, type[Target]] = {
    target.name: target
    for target in (OpenAIChatTarget, AnthropicTarget, OllamaChatTarget, UITarget, AGUITarget, TextTarget)
}
