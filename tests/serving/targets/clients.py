"""The official clients of each target, and what each makes of a stream, in one form."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import real_parts

FOLDER = Path(__file__).resolve().parents[1] / "clients"
PATIENCE = 300


@dataclass
class Found:
    """What a client made of a stream.

    Attributes:
        text: The text, as far as it came.
        thinking: The thoughts, as far as they came.
        calls: The name and the decoded arguments of each tool call that the client would run.
        finish: The finish reason, in the format's own word.
        input: Tokens of the prompt.
        output: Tokens that were generated.
        error: What the client raised, as text.
    """

    text: str = ""
    thinking: str = ""
    calls: list[list[Any]] = field(default_factory=list)
    finish: str | None = None
    input: int | None = None
    output: int | None = None
    error: str | None = None


def without_certificates() -> Any:
    """An HTTP client as the official clients make it, which does not spend most of its time on reading certificates."""
    return real_parts.library("httpx2").Client(verify=False)


def openai_python(url: str, found: Found) -> None:
    openai = real_parts.library("openai")
    state_type = real_parts.library("openai.lib.streaming.chat").ChatCompletionStreamState
    state = state_type()
    with openai.OpenAI(api_key="k", base_url=url, max_retries=0, http_client=without_certificates()) as client:
        for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
            list(state.handle_chunk(chunk))
            for choice in chunk.choices:
                if choice.index == 0:
                    found.text += (choice.delta.content or "") + (choice.delta.refusal or "")
                    found.thinking += getattr(choice.delta, "reasoning_content", "") or ""
    completion = state.current_completion_snapshot
    choice = completion.choices[0]
    found.calls = [[call.function.name, call.function.arguments] for call in choice.message.tool_calls or ()]
    found.finish = choice.finish_reason
    if completion.usage is not None:
        found.input, found.output = completion.usage.prompt_tokens, completion.usage.completion_tokens


def anthropic_python(url: str, found: Found) -> None:
    anthropic = real_parts.library("anthropic")
    client = anthropic.Anthropic(api_key="k", base_url=url, max_retries=0, http_client=without_certificates())
    with client, client.messages.stream(model="m", messages=[], max_tokens=1) as stream:
        for event in stream:
            if event.type == "text":
                found.text += event.text
            elif event.type == "thinking":
                found.thinking += event.thinking
        message = stream.get_final_message()
    found.calls = [[block.name, block.input] for block in message.content if block.type == "tool_use"]
    found.finish = message.stop_reason
    found.input = message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0)
    found.output = message.usage.output_tokens


def ollama_python(url: str, found: Found) -> None:
    client = real_parts.library("ollama").Client(url, verify=False)
    try:
        for part in client.chat(model="m", messages=[], stream=True):
            found.text += part.message.content or ""
            found.thinking += part.message.thinking or ""
            found.calls += [
                [call.function.name, dict(call.function.arguments)] for call in part.message.tool_calls or ()
            ]
            if part.done:
                found.finish, found.input, found.output = part.done_reason, part.prompt_eval_count, part.eval_count
    finally:
        client._client.close()
    # The client takes a stream without an end for a whole one.


def in_python(read: Callable[[str, Found], None]) -> Callable[[str, Iterable[str]], list[Found]]:
    def read_all(base: str, paths: Iterable[str]) -> list[Found]:
        results = []
        for path in paths:
            found = Found()
            try:
                read(f"{base}/{path}", found)
            except Exception as error:
                found.error = f"{type(error).__name__}: {error}"
            results.append(found)
        return results

    return read_all


def in_node(script: str, package: str) -> Callable[[str, Iterable[str]], list[Found]]:
    def read_all(base: str, paths: Iterable[str]) -> list[Found]:
        real_parts.npm_package(package)
        node = real_parts.npm_package("node") / "bin" / "node"
        command = [str(node), str(FOLDER / script), base]
        names = "".join(f"{path}\n" for path in paths)
        done = subprocess.run(command, input=names, capture_output=True, text=True, timeout=PATIENCE, cwd=FOLDER)
        assert done.returncode == 0, done.stderr
        return [Found(**json.loads(line)) for line in done.stdout.split("\n") if line]

    return read_all


@dataclass(frozen=True)
class Client:
    """A client of a target.

    Attributes:
        target: The target that it reads.
        package: What it is called where it comes from.
        read_all: Reads the streams at these paths under a base URL.
    """

    target: str
    package: str
    read_all: Callable[[str, Iterable[str]], list[Found]]

    def __str__(self) -> str:
        return self.package


CLIENTS = [
    Client("openai-chat", "openai (PyPI)", in_python(openai_python)),
    Client("openai-chat", "openai (npm)", in_node("openai.mjs", "openai")),
    Client("anthropic", "anthropic (PyPI)", in_python(anthropic_python)),
    Client("anthropic", "@anthropic-ai/sdk (npm)", in_node("anthropic.mjs", "@anthropic-ai/sdk")),
    Client("ollama-chat", "ollama (PyPI)", in_python(ollama_python)),
    Client("ollama-chat", "ollama (npm)", in_node("ollama.mjs", "ollama")),
    Client("ui", "ai (npm)", in_node("ai.mjs", "ai")),
    Client("ag-ui", "@ag-ui/client (npm)", in_node("ag_ui.mjs", "@ag-ui/client")),
]

FIELDS = [one.name for one in fields(Found)]
