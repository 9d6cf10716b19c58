"""A server that is killed a hundred times: each event comes once, and in order."""

from __future__ import annotations

import asyncio
import random
import sys

import pytest

from ndstream import Event, EventSource

from ..servers import free_port
from .clients import ASYNC, SYNC
from .counting_server import CountingServer, counting_server

KILLS = 100
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


class Reader:
    """Kills the server after some events, and starts it again, at once or when a connection was refused."""

    def __init__(self, server: CountingServer) -> None:
        self.server = server
        self.chance = random.Random(7)
        self.numbers: list[int] = []
        self.refused = 0
        self.left = 5
        self._starts_at_once = True
        self._down = False

    def take(self, event: Event) -> bool:
        """Take an event. Returns whether the server was killed often enough."""
        assert event.data == f"event\n{event.id}"
        self.numbers.append(int(event.id))
        self.left -= 1
        if self.left == 0 and not self._down:
            self.server.kill()
            self._down = True
            self._starts_at_once = self.chance.random() < 0.5
        return self.server.kills == KILLS

    def note(self, source: EventSource) -> None:
        if source.state != "waiting":
            return
        assert self._down, "a connection was lost although the server lives"
        self.refused += source.attempt > 1
        if self._starts_at_once or source.attempt > 1:
            self.server.start()
            self._down = False
            self.left = self.chance.randint(1, 40)

    def check(self) -> None:
        assert self.numbers == list(range(1, len(self.numbers) + 1))
        assert self.refused > 10


@pytest.mark.parametrize("client", ["httpx", "requests"])
def test_each_event_comes_once_over_a_sync_client(client: str) -> None:
    port = free_port()
    with counting_server(port) as server, SYNC[client](f"http://127.0.0.1:{port}/") as connect:
        reader = Reader(server)
        with EventSource(connect, delay=lambda attempt, retry: 0.0, on_state_change=reader.note) as source:
            for event in source:
                if reader.take(event):
                    break
            source.close()
        reader.check()


@pytest.mark.parametrize("client", ["aiohttp"])
def test_each_event_comes_once_over_an_async_client(client: str) -> None:
    async def main() -> None:
        port = free_port()
        with counting_server(port) as server:
            reader = Reader(server)
            async with ASYNC[client](f"http://127.0.0.1:{port}/") as connect:
                source = EventSource(connect, delay=lambda attempt, retry: 0.0, on_state_change=reader.note)
                async with source:
                    async for event in source:
                        if reader.take(event):
                            break
            reader.check()

    asyncio.run(main())
