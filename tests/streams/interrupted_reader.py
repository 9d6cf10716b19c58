"""A program that SIGINT interrupts while a task awaits the next value, once a round; see `test_async_interrupts`.

    python interrupted_reader.py asyncio|trio LAYER going_on|leaving ROUNDS

Each round reads a socket that a thread writes to. That thread also sends the signal, to the process as Ctrl-C does,
at a random moment within the stream, however slow the machine is. SIGINT is blocked outside of the reading, so that
it is raised by nothing else. A round prints what it saw, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import trio

import ndstream

VALUES = list(range(400))
LINES = b"".join(b"%d\n" % value for value in VALUES)
DOCUMENT = b'{\n"values": [\n%b]}\n' % b",\n".join(b"%d" % value for value in VALUES)
INTERRUPTS = (KeyboardInterrupt, asyncio.CancelledError)


class Source:
    """What a socket receives; it keeps what it gave, and how often it was closed."""

    def __init__(self, receive: Callable[[int], Awaitable[bytes]]) -> None:
        self.receive = receive
        self.given = b""
        self.closed = 0

    def __aiter__(self) -> Source:
        return self

    # Trio raises KeyboardInterrupt in what awaits here, and between two instructions of this nothing.
    @trio.lowlevel.enable_ki_protection
    async def __anext__(self) -> bytes:
        chunk = await self.receive(50)
        if not chunk:
            raise StopAsyncIteration
        self.given += chunk
        return chunk

    async def aclose(self) -> None:
        self.closed += 1


async def generator(source: Source) -> AsyncIterator[bytes]:
    """The same as a source that an interrupt ends."""
    try:
        async for chunk in source:
            yield chunk
    finally:
        await source.aclose()


class Body(httpx.AsyncByteStream):
    def __init__(self, source: Source) -> None:
        self.source = source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.source

    async def aclose(self) -> None:
        await self.source.aclose()


def response(source: Source) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": "application/json"}, stream=Body(source))


LAYERS: dict[str, Callable[[Source], Any]] = {
    "lines": ndstream.ndjson,
    "generator": lambda source: ndstream.ndjson(generator(source)),
    "detected": ndstream.stream,
    "json": lambda source: ndstream.stream(response(source)),
    "prefetch": lambda source: ndstream.ndjson(source, prefetch=2),
    "idle_timeout": lambda source: ndstream.ndjson(source, idle_timeout=60),
}


class Reading:
    """One round: what was got, and what came out of it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.values: list[Any] = []
        self.interrupts = 0
        self.error: Exception | None = None

    async def go_on(self, stream: Any) -> None:
        """Read to the end, going on after an interrupt."""
        while True:
            try:
                self.allow_interrupts()
                async for value in stream:
                    self.values.append(value)
                block_interrupts()
                return
            except INTERRUPTS:
                block_interrupts()
                self.note_interrupt()
            except ndstream.StreamError as error:
                block_interrupts()
                self.error = error
                return

    async def leave(self, stream: Any) -> None:
        """Read, and let an interrupt pass out of ``async with``."""
        try:
            async with stream:
                self.allow_interrupts()
                async for value in stream:
                    self.values.append(value)
                block_interrupts()
        except INTERRUPTS:
            block_interrupts()
            self.note_interrupt()

    def allow_interrupts(self) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        self.begun.set()

    def note_interrupt(self) -> None:
        self.interrupts += 1
        task = None if sys.version_info < (3, 11) or trio_runs() else asyncio.current_task()
        if task is not None and sys.version_info >= (3, 11):
            task.uncancel()

    async def wait_for_interrupt(self) -> None:
        """Wait for a signal that comes after the end of the reading."""
        while not self.interrupts and signal.sigtimedwait({signal.SIGINT}, 0.01) is None:
            try:
                # It may have come already, and be delivered at the next checkpoint.
                await (trio.sleep(0) if trio_runs() else asyncio.sleep(0))
            except INTERRUPTS:
                self.note_interrupt()


def trio_runs() -> bool:
    return trio.lowlevel.in_trio_run()


def block_interrupts() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def write(connection: socket.socket, data: bytes, reads: threading.Event) -> None:
    """Write the data, and interrupt its reader once."""
    chance = random.Random()
    chunks = [data[start : start + 53] for start in range(0, len(data), 53)]
    reads.wait()
    # After an interrupt the reader closes its end.
    with connection, suppress(OSError):
        moment = chance.randrange(len(chunks) - 2)
        for number, chunk in enumerate(chunks):
            if number == moment:
                time.sleep(chance.uniform(0, 1e-4))
                os.kill(os.getpid(), signal.SIGINT)
            connection.sendall(chunk)
            time.sleep(chance.uniform(0, 1e-4))


async def reading(open_stream: Callable[[Source], Any], data: bytes, going_on: bool) -> None:
    ours, theirs = socket.socketpair()
    seen = Reading()
    threading.Thread(target=write, args=(theirs, data, seen.begun), daemon=True).start()
    if trio_runs():
        ours.setblocking(False)
        connection = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
        source = Source(connection.receive_some)
        close = connection.aclose
    else:
        reader, writer = await asyncio.open_connection(sock=ours)
        source = Source(reader.read)

        async def close() -> None:
            writer.close()

    stream = open_stream(source)
    await (seen.go_on(stream) if going_on else seen.leave(stream))
    await seen.wait_for_interrupt()
    more = [value async for value in stream]
    report = {
        "values": seen.values,
        "more": more,
        "error": seen.error and type(seen.error).__name__,
        "cause": seen.error and type(seen.error.__cause__).__name__,
        "interrupts": seen.interrupts,
        "given": source.given.decode(),
        "closed": source.closed,
        "stream_closed": stream.closed,
    }
    print(json.dumps(report), flush=True)
    await close()


def main(library: str, layer: str, way: str, rounds: str) -> None:
    block_interrupts()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    data = DOCUMENT if layer == "json" else LINES
    for _ in range(int(rounds)):
        if library == "trio":
            trio.run(reading, LAYERS[layer], data, way == "going_on")
        else:
            asyncio.run(reading(LAYERS[layer], data, way == "going_on"))


if __name__ == "__main__":
    main(*sys.argv[1:])
