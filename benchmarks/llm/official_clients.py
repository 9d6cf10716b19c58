"""The official clients of LLM servers, answered from memory: what the loops of contenders may name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from importlib import import_module
from typing import Any


def at_once(texts: Callable[[], AsyncIterator[str]], expected: list[str]) -> list[str]:
    """The texts of so many replies that are read at once."""

    async def one() -> str:
        return "".join([text async for text in texts()])

    async def main() -> list[str]:
        return await asyncio.gather(*(one() for _ in expected))

    return asyncio.run(main())


async def turns(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Chunks that let all others go first, as a network does."""
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


def _transport(library: Any, chunks: Iterable[bytes], media_type: str) -> Any:
    return library.MockTransport(lambda request: _response(library, chunks, media_type))


def _response(library: Any, chunks: Any, media_type: str) -> Any:
    """A response whose body is these chunks, which a client reads as an iterable or as an async one, as they are."""

    # A library that is imported by its name has no types.
    class InMemory(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            return iter(chunks)

        def __aiter__(self) -> Any:
            return chunks

    return library.Response(200, headers={"Content-Type": media_type}, stream=InMemory())


def _openai() -> dict[str, Any]:
    openai, httpx2 = import_module("openai"), import_module("httpx2")
    options: dict[str, Any] = {"api_key": "x", "base_url": "http://localhost"}

    def client(chunks: Iterable[bytes]) -> Any:
        transport = _transport(httpx2, chunks, "text/event-stream")
        return openai.OpenAI(**options, http_client=httpx2.Client(transport=transport))

    # A thousand clients would be timed for their making; one is asked a thousand times.
    waiting: list[Any] = []
    shared: dict[str, Any] = {}

    def respond(request: Any) -> Any:
        return _response(httpx2, waiting.pop(), "text/event-stream")

    async def texts(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
        if shared.get("loop") is not asyncio.get_running_loop():
            shared["loop"] = asyncio.get_running_loop()
            transport = httpx2.MockTransport(respond)
            shared["client"] = openai.AsyncOpenAI(**options, http_client=httpx2.AsyncClient(transport=transport))
        waiting.append(chunks)
        stream = await shared["client"].chat.completions.create(model="m", messages=[], stream=True)
        async for chunk in stream:
            text = chunk.choices[0].delta.content
            if text:
                yield text

    return {"openai_client": client, "openai_texts": texts, "at_once": at_once, "turns": turns}


def _anthropic() -> dict[str, Any]:
    anthropic, httpx2 = import_module("anthropic"), import_module("httpx2")

    def client(chunks: Iterable[bytes]) -> Any:
        transport = _transport(httpx2, chunks, "text/event-stream")
        http_client = httpx2.Client(transport=transport)
        return anthropic.Anthropic(api_key="x", base_url="http://localhost", http_client=http_client)

    return {"anthropic_client": client}


def _ollama() -> dict[str, Any]:
    ollama, httpx = import_module("ollama"), import_module("httpx")

    def client(chunks: Iterable[bytes]) -> Any:
        return ollama.Client(host="http://localhost", transport=_transport(httpx, chunks, "application/x-ndjson"))

    return {"ollama_client": client}


CLIENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "openai client": _openai,
    "anthropic client": _anthropic,
    "ollama client": _ollama,
}
"""By the name that contenders ask for them by."""
