"""The programs that the scenarios run: for clients that block, and for those that are awaited."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import anyio

from . import leaks
from .clients import AsyncOpen, Awaiting, Blocking, Open
from .scenarios import (
    CONTENT_TYPES,
    TAKEN,
    WHOLE,
    Cell,
    Format,
    Seen,
    Skipped,
    Unwanted,
    answered,
    as_value,
    endless,
    stream_of,
    values,
)
from .scripted_server import PATIENCE, Framing, Lockstep, ScriptedServer


def ask(client: Blocking | Awaiting, format: Format, cell: Cell) -> None:
    """Ask a client a cell's question.

    Raises:
        Skipped: It cannot be asked.
        AssertionError: The answer is wrong.
    """
    cell.refuse(client)
    if cell.program == "is cancelled" and isinstance(client, Blocking):
        raise Skipped("nothing that blocks can be cancelled")
    if cell.program == "drops" and isinstance(client, Awaiting) and client.backend == "trio":
        raise Skipped("trio does not let an async generator be closed by dropping it")
    with ScriptedServer() as server, leaks.nothing_left(client.complains):
        if isinstance(client, Blocking):
            _ask_blocking(client, format, cell, server)
        else:
            anyio.run(_ask_awaiting, client, format, cell, server, backend=client.backend)
        assert server.given_up == 0, "it waited for the server, which gave up"
        gone = server.wait(lambda: server.open == 0)
        assert gone, f"{server.open} connections open behind the session"


def _check_offer(cell: Cell, server: ScriptedServer) -> None:
    """Skip, where the client did not say that it decodes this."""
    if cell.coding is not None and b"accept-encoding" not in server.requests[0].lower():
        raise Skipped("it does not accept compressed bodies")
    if cell.coding is not None:
        offered = server.requests[0].lower().partition(b"accept-encoding:")[2].partition(b"\r\n")[0]
        if cell.coding.encode() not in offered:
            raise Skipped(f"it does not accept {cell.coding}")


def _check_released(server: ScriptedServer) -> None:
    released = server.wait(lambda: server.open == 0)
    assert released, f"{server.open} connections open while the session lasts"


class Closings:
    """Counts how often ndstream calls the method that releases a response, where that can be watched.

    Libraries call it as well: some whenever a body is at its end, some whenever their iterator is closed.
    """

    def __init__(self, response: Any, method: str) -> None:
        self.count = 0
        self.watched = ""
        self.response = response
        original = getattr(response, method, None)

        def watched(*arguments: Any, **options: Any) -> Any:
            self.count += sys._getframe(1).f_globals["__name__"].startswith("ndstream")
            return original(*arguments, **options)  # type: ignore[misc]

        # Not to be watched are objects without a dictionary, such as sockets and pipes.
        if callable(original) and hasattr(response, "__dict__"):
            with suppress(AttributeError):
                setattr(response, method, watched)
                self.watched = method

    def check(self) -> None:
        """Hold the count against the one time that it has to be, and look no longer."""
        assert not self.watched or self.count == 1, f"released {self.count} times"
        if self.watched:
            delattr(self.response, self.watched)
        # Some libraries close a pooled connection only once nobody holds a response that came over it.
        self.response = None


def _ask_blocking(client: Blocking, format: Format, cell: Cell, server: ScriptedServer) -> None:
    lockstep = Lockstep(server, ticks=client.ticks)
    with client.session() as open:
        # Held beyond the stream, so that it is not its own destructor that releases it.
        response = open(cell.url(client, format, server, lockstep))
        closings = Closings(response, client.closes)
        seen = reading(client, format, response, cell, lockstep)
        _check_offer(cell, server)
        cell.judge(client, format, server, seen)
        if cell.releases(client):
            _check_released(server)
        closings.check()
        del response
        if cell.name == "whole" and client.pools:
            _reuse(client, format, open, server)


def reading(client: Blocking, format: Format, response: Any, cell: Cell, lockstep: Lockstep) -> Seen:
    """Do with a response what the cell's program does."""
    seen = Seen()

    def take(stream: Any) -> None:
        for item in stream:
            seen.values.append(as_value(item))
            lockstep.acknowledge()
            if cell.program != "reads" and len(seen.values) == TAKEN:
                if cell.program == "raises":
                    raise Unwanted
                break

    stream = stream_of(client, format, response, cell.prefetch)
    try:
        if cell.program in ("reads", "drops"):
            # No `with`: the end of the iteration, or of the stream's life, has to be enough.
            take(stream)
        else:
            with stream:
                take(stream)
    except Exception as error:
        seen.error = error
        # Its frames hold the stream.
        error.__traceback__ = None
    seen.closed = stream.closed or cell.program == "drops"
    return seen


def _reuse(client: Blocking, format: Format, open: Open, server: ScriptedServer) -> None:
    """The connection went back to its pool, and only once: else two replies at a time would share it."""
    whole = _url(client, format, server, answered(None))
    held = _url(client, format, server, endless)
    assert [as_value(item) for item in stream_of(client, format, open(whole))] == values(WHOLE)
    assert server.accepted == 1, f"{server.accepted} connections for two requests, one after the other"
    with stream_of(client, format, open(held)) as first:
        next(first)
        assert [as_value(item) for item in stream_of(client, format, open(whole))] == values(WHOLE)
    assert server.accepted == 2, f"{server.accepted} connections for two requests at once"
    left = server.wait(lambda: server.open == 1)
    assert left, f"{server.open} connections open, of which one is in the pool"


def _url(client: Blocking | Awaiting, format: Format, server: ScriptedServer, make: Any) -> str:
    framing: Framing = "length" if client.speaks == "http" else "close"
    return server.url(
        make(format, Lockstep(server, ticks=client.ticks)), framing=framing, content_type=CONTENT_TYPES[format]
    )


async def _ask_awaiting(client: Awaiting, format: Format, cell: Cell, server: ScriptedServer) -> None:
    lockstep = Lockstep(server, ticks=client.ticks)
    with anyio.fail_after(3 * PATIENCE):
        async with client.session() as open:
            response = await open(cell.url(client, format, server, lockstep))
            closings = Closings(response, client.closes)
            seen = await awaiting_values(client, format, response, cell, lockstep)
            _check_offer(cell, server)
            cell.judge(client, format, server, seen)
            if cell.releases(client):
                await anyio.to_thread.run_sync(_check_released, server)
            closings.check()
            del response
            if cell.name == "whole" and client.pools:
                await _reuse_awaiting(client, format, open, server)


async def awaiting_values(client: Awaiting, format: Format, response: Any, cell: Cell, lockstep: Lockstep) -> Seen:
    """The same as `reading`, awaited."""
    seen = Seen()
    arrived = anyio.Event()

    async def take(stream: Any) -> None:
        async for item in stream:
            seen.values.append(as_value(item))
            lockstep.acknowledge()
            if cell.program != "reads" and len(seen.values) == TAKEN:
                if cell.program == "is cancelled":
                    arrived.set()
                    # One more frame is there; behind it there is nothing to do but to wait.
                    continue
                if cell.program == "raises":
                    raise Unwanted
                break

    async def leave(stream: Any) -> None:
        async with stream:
            await take(stream)

    stream = stream_of(client, format, response, cell.prefetch)
    try:
        if cell.program == "is cancelled":
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(leave, stream)
                await arrived.wait()
                await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
            del seen.values[TAKEN:]
        elif cell.program in ("reads", "drops"):
            await take(stream)
        else:
            await leave(stream)
    except Exception as error:
        seen.error = error
        error.__traceback__ = None
    seen.closed = stream.closed or cell.program == "drops"
    return seen


async def _reuse_awaiting(client: Awaiting, format: Format, open: AsyncOpen, server: ScriptedServer) -> None:
    whole = _url(client, format, server, answered(None))
    held = _url(client, format, server, endless)
    got = [as_value(item) async for item in stream_of(client, format, await open(whole))]
    assert got == values(WHOLE)
    assert server.accepted == 1, f"{server.accepted} connections for two requests, one after the other"
    async with stream_of(client, format, await open(held)) as first:
        await first.__anext__()
        got = [as_value(item) async for item in stream_of(client, format, await open(whole))]
        assert got == values(WHOLE)
    assert server.accepted == 2, f"{server.accepted} connections for two requests at once"
    left = await anyio.to_thread.run_sync(server.wait, lambda: server.open == 1)
    assert left, f"{server.open} connections open, of which one is in the pool"
