"""The openai and anthropic clients as their users run them, with their own decoder or with ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any, Literal, NamedTuple, TypeAlias

import anyio

from ndstream.dropin import ClientDecoder

from .scripted_server import PATIENCE, Reply, ScriptedServer

Ours: TypeAlias = "bool | dict[str, Any]"
"""Whether it is our decoder, and with which options."""
Call = Literal["chat", "responses", "messages"]

QUESTION = [{"role": "user", "content": "?"}]


class Told(NamedTuple):
    """What a user of the client gets: the events, and what ended them, if not their end."""

    events: list[dict[str, Any]]
    error: Exception | None


def told(call: Call, chunks: list[bytes], *, ours: Ours, framing: Any = "chunked", ends: str = "end") -> Told:
    """Let a client ask for a stream that arrives in these chunks."""
    with ScriptedServer() as server, _client(call, server, chunks, ours, framing, ends, "") as client:
        events: list[dict[str, Any]] = []
        try:
            for event in _create(client, call):
                events.append(event.model_dump())
        except Exception as error:
            return Told(events, error)
        return Told(events, None)


def told_async(call: Call, chunks: list[bytes], *, ours: Ours, framing: Any = "chunked", ends: str = "end") -> Told:
    """The same through the client that is awaited."""

    async def run(server: ScriptedServer) -> Told:
        events: list[dict[str, Any]] = []
        with _client(call, server, chunks, ours, framing, ends, "Async") as client:
            async with client:
                try:
                    async for event in await _create(client, call):
                        events.append(event.model_dump())
                except Exception as error:
                    return Told(events, error)
        return Told(events, None)

    with ScriptedServer() as server:
        return anyio.run(run, server)


def _create(client: Any, call: Call) -> Any:
    if call == "chat":
        return client.chat.completions.create(model="m", messages=QUESTION, stream=True)
    if call == "responses":
        return client.responses.create(model="m", input="?", stream=True)
    return client.messages.create(model="m", messages=QUESTION, max_tokens=9, stream=True)


def _client(
    call: Call,
    server: ScriptedServer,
    chunks: list[bytes],
    ours: Ours,
    framing: Any,
    ends: str,
    prefix: str,
) -> AbstractContextManager[Any]:
    async def script(reply: Reply) -> None:
        await reply.begin(length=sum(map(len, chunks)))
        for chunk in chunks:
            await reply.part(chunk)
        if ends == "end":
            await reply.end()
        else:
            reply.cut()

    name = "anthropic" if call == "messages" else "openai"
    library: Any = import_module(name)
    kind = getattr(library, prefix + ("Anthropic" if name == "anthropic" else "OpenAI"))
    if ours is not False:
        kind = with_our_decoder(kind, **({} if ours is True else ours))
    made = getattr(library, f"Default{prefix}HttpxClient")(trust_env=False)
    client = kind(
        api_key="none",
        base_url=server.url(script, framing=framing, content_type="text/event-stream"),
        max_retries=0,
        timeout=PATIENCE,
        http_client=made,
    )

    @contextmanager
    def closing() -> Iterator[Any]:
        try:
            yield client
        finally:
            if not prefix:
                client.close()

    return closing()


def with_our_decoder(kind: Any, **options: Any) -> Callable[..., Any]:
    """The subclass that docs/drop-in.md shows."""

    class Client(kind):  # type: ignore[misc]
        def _make_sse_decoder(self) -> ClientDecoder:
            return ClientDecoder(**options)

    return Client
