"""The client of the Model Context Protocol sees the same over our `EventSource` as over its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

import real_parts
from ndstream.dropin import EventSource

from .asgi import uvicorn

mcp = real_parts.library("mcp")
httpx2 = real_parts.library("httpx2")
servers: Any = real_parts.library("mcp.server.mcpserver")
streamable_http = real_parts.library("mcp.client.streamable_http")
EventStore: Any = real_parts.library("mcp.server.streamable_http").EventStore
EventMessage: Any = real_parts.library("mcp.server.streamable_http").EventMessage

# A decoder that splits text at the ends of lines that str has sees an event end inside of each.
WORDS = ["one\u2028line", "one\u0085line", "one\x0bline", "\U0001f600", ""]


class Events(EventStore):  # type: ignore[misc]
    """What the server sent, so that a client which lost its connection gets the rest."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.resumed_after: list[str] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        self.events.append((stream_id, message))
        return str(len(self.events) - 1)

    async def replay_events_after(self, last_event_id: str, send: Callable[[Any], Any]) -> str:
        self.resumed_after.append(last_event_id)
        stream, _ = self.events[int(last_event_id)]
        for number, (stream_id, message) in enumerate(self.events):
            if stream_id == stream and number > int(last_event_id) and message is not None:
                await send(EventMessage(message, str(number)))
        return stream


def server_of(store: Events) -> Any:
    server = servers.MCPServer("words", log_level="ERROR")

    async def say(context: Any, words: list[str], cut_before: int = -1) -> str:
        """Report each of the words as progress; then the connection is cut once, if that is wanted."""
        for number, word in enumerate(words):
            if number == cut_before:
                await context.close_sse_stream()
            await context.report_progress(number, len(words), word)
        return "".join(words)

    say.__annotations__["context"] = servers.Context
    server.add_tool(say)
    return server.streamable_http_app(event_store=store, retry_interval=1)


async def talk(url: str, mode: str, cut_before: int) -> tuple[list[str | None], str]:
    """What the client is told while the tool runs, and what it answers."""
    told: list[str | None] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        told.append(message)

    with anyio.fail_after(15):
        async with mcp.Client(url, mode=mode) as client:
            answer = await client.call_tool("say", {"words": WORDS, "cut_before": cut_before}, progress_callback=note)
    [content] = answer.content
    return told, content.text


# Under trio their own event source leaves async generators to the garbage collector, which trio warns of.
@pytest.mark.parametrize(("mode", "cut_before"), [("auto", -1), ("legacy", -1), ("legacy", 0), ("legacy", 2)])
def test_the_client_of_mcp_reads_over_our_event_source(
    monkeypatch: pytest.MonkeyPatch, mode: str, cut_before: int
) -> None:
    # Before the first word, all that the client has to go on with is an event without data.
    opened: list[EventSource] = []

    def event_source(response: Any, max_event_size: int | None = None) -> EventSource:
        opened.append(EventSource(response, max_frame_size=max_event_size))
        return opened[-1]

    seen = []
    for ours in (False, True):
        if ours:
            # For the answers to its requests, and for what it listens to and goes on with after a cut.
            monkeypatch.setattr(streamable_http, "EventSource", event_source)
            monkeypatch.setattr(httpx2, "EventSource", event_source)
        store = Events()
        with uvicorn(server_of(store), lifespan="on") as url:
            seen.append((anyio.run(talk, f"{url}/mcp", mode, cut_before), len(store.resumed_after) > 0))
    assert opened
    assert seen[0] == seen[1] == ((WORDS, "".join(WORDS)), cut_before >= 0)
