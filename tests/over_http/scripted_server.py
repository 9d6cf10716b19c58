"""A server that puts exactly the bytes of a script on the wire, when the script says so, and counts.

A script is a coroutine that is given the reply it is to write. The server runs in a thread of its own, on
the loopback and a port of the system's choice, so that a blocking client can be held in lockstep with it.
Whatever goes wrong, no reply lasts longer than `PATIENCE`: a client that waits in vain gets an error,
and its test a failure, instead of a hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Awaitable, Callable
from importlib import import_module
from types import TracebackType
from typing import Any, Literal, TypeAlias

PATIENCE = 6.0
"""Seconds after which a reply is given up. Nothing is measured with it."""

Framing: TypeAlias = Literal["chunked", "length", "close"]
Script: TypeAlias = "Callable[[Reply], Awaitable[None]]"


class ScriptedServer:
    """The server; a context manager.

    Attributes:
        accepted: How many connections there have been.
        open: How many of them the client has not closed yet.
        requests: The head of each request, in order.
        withheld: How many frames no client acknowledged in time.
        given_up: How many replies lasted longer than the server's patience.
    """

    def __init__(self) -> None:
        self.accepted = self.open = self.withheld = self.given_up = 0
        self.requests: list[bytes] = []
        self.loop = asyncio.new_event_loop()
        self.changed = threading.Condition()
        self.scripts: dict[bytes, tuple[Script, Framing, str]] = {}
        self.connections: set[Connection] = set()
        self._names = itertools.count()
        self._thread = threading.Thread(target=self.loop.run_forever, name="wire", daemon=True)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        started = self.loop.create_server(lambda: Connection(self), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(started, self.loop).result(PATIENCE)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(PATIENCE)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for connection in list(self.connections):
            connection.transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def url(self, script: Script, *, framing: Framing = "chunked", content_type: str = "text/plain") -> str:
        """Where the script's reply is to be had, as often as wanted."""
        name = str(next(self._names))
        self.scripts[name.encode()] = script, framing, content_type
        return f"http://127.0.0.1:{self.port}/{name}"

    def wait(self, condition: Callable[[], bool]) -> bool:
        """Whether the condition comes true, of what the server counts, before it is too late."""
        with self.changed:
            return self.changed.wait_for(condition, PATIENCE)

    def count(self, *, accepted: int = 0, open: int = 0, withheld: int = 0, given_up: int = 0) -> None:
        with self.changed:
            self.accepted += accepted
            self.open += open
            self.withheld += withheld
            self.given_up += given_up
            self.changed.notify_all()


class Connection(asyncio.Protocol):
    """One connection: its requests one after another, each answered by its script."""

    transport: asyncio.Transport

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.received = bytearray()
        self.task: asyncio.Task[None] | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.connections.add(self)
        self.server.count(accepted=1, open=1)

    def connection_lost(self, error: Exception | None) -> None:
        if self.task is not None:
            self.task.cancel()
        self.server.connections.discard(self)
        self.server.count(open=-1)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.answer()

    def answer(self) -> None:
        """Take up the next request, if all of it is here and the one before it is answered."""
        head, separator, rest = bytes(self.received).partition(b"\r\n\r\n")
        if not separator or self.task is not None:
            return
        fields = dict(line.lower().partition(b":")[::2] for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", b"0"))
        if len(rest) >= length:
            self.received[:] = rest[length:]
            self.server.requests.append(head)
            self.task = asyncio.get_running_loop().create_task(self.reply(head, fields))

    async def reply(self, head: bytes, fields: dict[bytes, bytes]) -> None:
        # What a client adds to the path that it was given says nothing here.
        script, framing, content_type = self.server.scripts[head.split(b" ", 2)[1].split(b"/")[1]]
        reply = Reply(self, fields, framing, content_type)
        try:
            await asyncio.wait_for(script(reply), PATIENCE)
        except (asyncio.TimeoutError, ConnectionError) as error:
            self.server.count(given_up=not isinstance(error, ConnectionError))
            self.transport.abort()
        self.task = None
        self.answer()


class Reply:
    """What a script writes: the head, the body in the framing and coding asked for, and the end, or none.

    Attributes:
        offers: The content codings that the request accepts.
        closes: Whether the connection ends with this reply.
    """

    def __init__(self, connection: Connection, fields: dict[bytes, bytes], framing: Framing, content_type: str) -> None:
        self.connection = connection
        self.framing = framing
        self.content_type = content_type
        offers = fields.get(b"accept-encoding", b"").decode()
        self.offers = {offer.partition(";")[0].strip() for offer in offers.split(",")} - {"", "identity"}
        self.closes = framing == "close" or fields.get(b"connection", b"").strip() == b"close"
        self.encode: Callable[[bytes], bytes] = bytes
        self.finish: Callable[[], bytes] = bytes

    async def raw(self, data: bytes) -> None:
        """Put these bytes on the wire as they are."""
        await self.connection.writable.wait()
        self.connection.transport.write(data)

    async def begin(self, *, coding: str | None = None, length: int | None = None) -> None:
        """Send the head.

        Args:
            coding: The content coding of the body; each part of it is flushed.
            length: What to say in Content-Length, true or not, where that is the framing.
        """
        lines = ["HTTP/1.1 200 OK", f"Content-Type: {self.content_type}"]
        if coding is not None:
            self.encode, self.finish = encoder(coding)
            lines.append(f"Content-Encoding: {coding}")
        if self.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
        elif self.framing == "length":
            lines.append(f"Content-Length: {length}")
        if self.closes:
            lines.append("Connection: close")
        await self.raw("\r\n".join([*lines, "", ""]).encode())

    async def part(self, data: bytes) -> None:
        """Send a part of the body by itself, so that the client can have it at once."""
        await self._coded(self.encode(data))

    async def _coded(self, data: bytes) -> None:
        if self.framing == "chunked" and data:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        await self.raw(data)

    async def end(self) -> None:
        """End the body as it should be ended."""
        await self._coded(self.finish())
        if self.framing == "chunked":
            await self.raw(b"0\r\n\r\n")
        if self.closes:
            self.cut()

    def cut(self) -> None:
        """Close the connection behind what was sent: an end where there should be none."""
        self.connection.transport.close()

    def reset(self) -> None:
        """Reset the connection."""
        raw = self.connection.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.transport.abort()

    async def hold(self) -> None:
        """Send no more, until the client goes."""
        await asyncio.Event().wait()


class Lockstep:
    """Lets the server wait until the client has what was sent.

    The client acknowledges from its thread; the script awaits that. Where it is withheld, the server
    gives up the reply before its patience with the script is at an end, and counts it.

    Attributes:
        sent: When each frame was put on the wire, in nanoseconds of the clock.
        taken: When the client had it.
        ticks: Whether an endless reply says now and then that it is alive.
    """

    def __init__(self, server: ScriptedServer, *, ticks: bool = False) -> None:
        self.server = server
        self.ticks = ticks
        self.arrived = asyncio.Semaphore(0)
        self.sent: list[int] = []
        self.taken: list[int] = []

    def acknowledge(self) -> None:
        self.taken.append(time.perf_counter_ns())
        with contextlib.suppress(RuntimeError):
            self.server.loop.call_soon_threadsafe(self.arrived.release)

    async def acknowledged(self, reply: Reply) -> None:
        try:
            await asyncio.wait_for(self.arrived.acquire(), PATIENCE / 2)
        except asyncio.TimeoutError:
            self.server.count(withheld=1)
            reply.reset()


def encoder(coding: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """Something that codes parts of a body so that each can be decoded by itself, and what ends it."""
    if coding == "gzip":
        gzip = zlib.compressobj(wbits=31)
        return lambda data: gzip.compress(data) + gzip.flush(zlib.Z_SYNC_FLUSH), gzip.flush
    if coding == "zstd":
        module: Any = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
        zstd = module.ZstdCompressor()
        return lambda data: zstd.compress(data, zstd.FLUSH_BLOCK), zstd.flush
    if coding == "br":
        brotli: Any = import_module("brotli").Compressor()
        return lambda data: brotli.process(data) + brotli.flush(), brotli.finish
    raise ValueError(f"no encoder for {coding}")
