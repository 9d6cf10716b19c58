"""A client of Ollama: chat, generate, and pull with a progress bar. It needs httpx, rich and ndstream.

python examples/clients/ollama_client.py pull llama3.2
python examples/clients/ollama_client.py chat llama3.2 "Why is the sky blue?"
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ndstream import llm

Message = dict[str, Any]


class OllamaError(Exception):
    """The server refused a request; the message is its own."""


class Ollama:
    """A client of one Ollama server.

    Args:
        url: The server's address.
        timeout: How many seconds to wait for the next bytes; a model that is loaded first takes a while.

    Raises:
        OllamaError: From each method, if the server refuses the request.
        ndstream.llm.ReplyError: From each iteration, if the reply is cut or reports an error.
    """

    def __init__(self, url: str = "http://localhost:11434", timeout: float = 300) -> None:
        self._http = httpx.Client(base_url=url, timeout=httpx.Timeout(10, read=timeout))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Ollama:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def _asked(self, path: str, request: dict[str, Any]) -> Iterator[llm.Reply]:
        """The streamed reply to a request; leaving the context closes it."""
        with self._http.stream("POST", path, json=request) as response:
            if response.is_error:
                text = response.read().decode(errors="replace")
                raise OllamaError(f"{response.status_code}: {text}")
            reply = llm.reply(response)
            assert isinstance(reply, llm.Reply)
            with reply:
                yield reply

    @contextmanager
    def chat(self, model: str, messages: Sequence[Message], **options: Any) -> Iterator[llm.Reply]:
        """A chat's reply: iterate over its deltas, then read ``text``, ``tool_calls`` and ``metrics``."""
        with self._asked("/api/chat", {"model": model, "messages": list(messages), **options}) as reply:
            yield reply

    @contextmanager
    def generate(self, model: str, prompt: str, **options: Any) -> Iterator[llm.Reply]:
        """The reply to a prompt without a chat's template."""
        with self._asked("/api/generate", {"model": model, "prompt": prompt, **options}) as reply:
            yield reply

    def pull(self, model: str) -> Iterator[llm.Progress]:
        """Download a model: the progress so far, each time the server tells it."""
        with self._asked("/api/pull", {"model": model}) as reply:
            for _ in reply:
                if reply.progress is not None:
                    yield reply.progress


def show_pull(client: Ollama, model: str, console: Console) -> None:
    """Download a model behind a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(model, total=None)
        for progress in client.pull(model):
            bar.update(task, description=progress.status, completed=progress.completed, total=progress.total or None)


def show_chat(client: Ollama, model: str, prompt: str, console: Console) -> None:
    """Write a reply as it comes, its thoughts dimmed, and its speed at the end."""
    with client.chat(model, [{"role": "user", "content": prompt}]) as reply:
        for delta in reply:
            console.print(delta.thinking, end="", style="dim", markup=False, highlight=False)
            console.print(delta.text, end="", markup=False, highlight=False)
        console.print()
        if reply.metrics.tokens_per_second is not None:
            console.print(f"{reply.metrics.tokens_per_second:.1f} tokens a second", style="dim")


def main(arguments: Sequence[str], url: str = "http://localhost:11434") -> int:
    console = Console()
    try:
        with Ollama(url) as client:
            match list(arguments):
                case ["pull", model]:
                    show_pull(client, model, console)
                case ["chat", model, prompt]:
                    show_chat(client, model, prompt, console)
                case _:
                    console.print(__doc__, markup=False)
                    return 2
    except (OllamaError, llm.ReplyError, httpx.HTTPError) as error:
        console.print(f"{type(error).__name__}: {error}", style="red", markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
