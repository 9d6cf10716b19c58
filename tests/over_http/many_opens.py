"""Opening and leaving, many times over: nothing may be more at the end than it was at the beginning."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, NamedTuple

import anyio

from . import leaks
from .clients import Awaiting, Blocking
from .scenarios import CONTENT_TYPES, Format, as_value, endless, stream_of, value
from .scripted_server import Framing, Lockstep, ScriptedServer

WARM_UP = 5
"""Opens before the first count: what a library makes once is no leak."""


class Count(NamedTuple):
    """What a process and its event loop hold."""

    descriptors: int
    threads: int
    tasks: int


class Leak(NamedTuple):
    """How much more there is after so many opens."""

    opens: int
    descriptors: int
    threads: int
    tasks: int
    connections: int

    def __str__(self) -> str:
        return (
            f"{self.opens} opens: {self.descriptors:+} descriptors, {self.threads:+} threads, "
            f"{self.tasks:+} tasks, {self.connections} connections open"
        )

    @property
    def none(self) -> bool:
        return not (self.descriptors > 0 or self.threads > 0 or self.tasks > 0 or self.connections > 0)


def leak(client: Blocking | Awaiting, format: Format, opens: int) -> Leak:
    """Open a response so often, take one value, leave it, and count what stays while the session lasts."""
    framing: Framing = "chunked" if client.speaks == "http" else "close"
    with ScriptedServer() as server, leaks.nothing_left(client.complains):
        url = server.url(
            endless(format, Lockstep(server, ticks=client.ticks)), framing=framing, content_type=CONTENT_TYPES[format]
        )
        if isinstance(client, Blocking):
            return _leak_blocking(client, format, opens, url, server)
        return anyio.run(_leak_awaiting, client, format, opens, url, server, backend=client.backend)


def _compare(before: Count, after: Count, opens: int, server: ScriptedServer) -> Leak:
    return Leak(
        opens,
        after.descriptors - before.descriptors,
        after.threads - before.threads,
        after.tasks - before.tasks,
        server.open,
    )


def _count(tasks: int) -> Count:
    held = leaks.held()
    return Count(held.descriptors, held.threads, tasks)


def _leak_blocking(client: Blocking, format: Format, opens: int, url: str, server: ScriptedServer) -> Leak:
    with client.session() as open:

        def once() -> None:
            with stream_of(client, format, open(url)) as stream:
                assert as_value(next(stream)) == value(0)

        for _ in range(WARM_UP):
            once()
        server.wait(lambda: server.open == 0)
        before = leaks.settles(lambda: _count(0), Count(0, 0, 0), patience=0.05)
        for _ in range(opens):
            once()
        server.wait(lambda: server.open == 0)
        return _compare(before, leaks.settles(lambda: _count(0), before), opens, server)


async def _leak_awaiting(client: Awaiting, format: Format, opens: int, url: str, server: ScriptedServer) -> Leak:
    # A reader that cannot close its connection leaves that to the one who opened it, at the session's end.
    async with client.session() as open:

        async def once() -> None:
            async with stream_of(client, format, await open(url)) as stream:
                assert as_value(await stream.__anext__()) == value(0)

        async def settled(most: Count, patience: float) -> Count:
            for _ in range(int(patience / 0.01)):
                if leaks.no_more(_count(_tasks(client)), most) and server.open == 0:
                    break
                await anyio.sleep(0.01)
            return _count(_tasks(client))

        for _ in range(WARM_UP):
            await once()
        before = await settled(Count(0, 0, 0), 0.05)
        for _ in range(opens):
            await once()
        return _compare(before, await settled(before, 3), opens, server)


def _tasks(client: Awaiting) -> int:
    if client.backend == "trio":
        trio: Any = import_module("trio")
        living: int = trio.lowlevel.current_statistics().tasks_living
        return living
    return len(asyncio.all_tasks())
