"""What is asked of every client: how its response is ended, what must have come out, and that it is released.

A cell is a script for the server, what the program does with the values, and what must be true then. The
program is written twice, in `reading` for clients that block and in `awaiting_values` for those that are
awaited; all else is said once.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

import ndstream

from .clients import Client
from .scripted_server import Framing, Lockstep, Reply, Script, ScriptedServer

Format = Literal["ndjson", "sse"]
FORMATS: tuple[Format, ...] = ("ndjson", "sse")
Program = Literal["reads", "leaves", "raises", "drops", "is cancelled"]

WHOLE = 6
"""Frames in a body."""
CUT = 3
"""Frames before what goes wrong."""
TAKEN = 2
"""Frames that a program takes which does not want more."""

CONTENT_TYPES = {"ndjson": "application/x-ndjson", "sse": "text/event-stream; charset=utf-8"}


class Skipped(Exception):
    """The cell says nothing of this client; why."""


class Unwanted(Exception):
    """What a program raises in the body of its loop."""


def value(number: int) -> dict[str, Any]:
    """A value whose text holds all that text-minded readers take for line ends."""
    return {"number": number, "text": "à\u2028b\u0085c\x0b d\u2029\U0001f600"}


def frame(format: Format, number: int) -> bytes:
    payload = orjson.dumps(value(number))
    return payload + b"\n" if format == "ndjson" else b"id: %d\r\ndata: %b\r\n\r\n" % (number, payload)


def values(count: int) -> list[dict[str, Any]]:
    return [value(number) for number in range(count)]


def size(format: Format, count: int) -> int:
    """How many bytes so many frames are."""
    return sum(len(frame(format, number)) for number in range(count))


@dataclass
class Seen:
    """What a program saw of a stream.

    Attributes:
        values: What came out, as JSON values.
        error: What ended it, other than its end.
        closed: Whether the stream said it was closed when the loop was over.
        offset: Where its decoder then stood.
    """

    values: list[Any] = field(default_factory=list)
    error: BaseException | None = None
    closed: bool = False
    offset: int | None = None


@dataclass(frozen=True)
class Cell:
    """One question to a client.

    Attributes:
        script: Makes the server's script, given the format and a lockstep of the client's.
        program: What is done with the values.
        framing: How the body is framed where the client speaks HTTP.
        coding: The content coding, where the client must accept one.
        cut: Whether the stream is cut, and a TruncatedError is to say so.
        http: Whether this can be asked of HTTP alone.
        prefetch: How many chunks are read ahead.
    """

    name: str
    script: Callable[[Format, Lockstep], Script]
    program: Program = "reads"
    framing: Framing = "chunked"
    coding: str | None = None
    cut: bool = False
    http: bool = False
    prefetch: int = 0

    def url(self, client: Client, format: Format, server: ScriptedServer, lockstep: Lockstep) -> str:
        framing = self.framing if client.speaks == "http" else "close"
        return server.url(self.script(format, lockstep), framing=framing, content_type=CONTENT_TYPES[format])

    def releases(self, client: Client) -> bool:
        """Whether the connection has to go, while the client's session lasts."""
        return client.releases and (self.cut or self.program != "reads" or not client.pools)

    def refuse(self, client: Client) -> None:
        """Say why the cell is skipped, where it is."""
        if client.missing:
            raise Skipped(f"{client.missing} is not installed")
        if self.http and client.speaks == "raw":
            raise Skipped("only HTTP tells this apart from an end")
        if self.name in client.leaves:
            raise Skipped(client.leaves[self.name])

    def judge(self, client: Client, format: Format, server: ScriptedServer, seen: Seen) -> None:
        """Hold what was seen against what must be."""
        wanted = values({"reads": CUT if self.cut else WHOLE}.get(self.program, TAKEN))
        assert server.withheld == 0, f"{server.withheld} frame withheld, {len(seen.values)} came"
        assert seen.values == wanted, f"{len(seen.values)} values of {len(wanted)}, {seen.error!r}"
        if self.cut:
            assert isinstance(seen.error, ndstream.TruncatedError), f"cut, and what came is {seen.error!r}"
            assert seen.error.offset == size(format, CUT), f"offset {seen.error.offset} of {size(format, CUT)}"
        elif self.program == "raises":
            assert isinstance(seen.error, Unwanted), f"{seen.error!r}"
        else:
            assert seen.error is None, f"{seen.error!r}"
        assert seen.closed, "the stream does not say that it is closed"


def answered(code: str | None, count: int = WHOLE) -> Callable[[Format, Lockstep], Script]:
    """All frames, in the content coding; refused where the client would not decode it."""

    def make(format: Format, lockstep: Lockstep) -> Script:
        async def script(reply: Reply) -> None:
            coding = code if code in reply.offers else None
            await reply.begin(coding=coding, length=None if coding else size(format, count))
            for number in range(count):
                await reply.part(frame(format, number))
            await reply.end()

        return script

    return make


def in_lockstep(code: str | None, count: int = WHOLE) -> Callable[[Format, Lockstep], Script]:
    """Each frame once the client has the one before it."""

    def make(format: Format, lockstep: Lockstep) -> Script:
        async def script(reply: Reply) -> None:
            await reply.begin(coding=code if code in reply.offers else None)
            for number in range(count):
                lockstep.sent.append(time.perf_counter_ns())
                await reply.part(frame(format, number))
                await lockstep.acknowledged(reply)
            await reply.end()

        return script

    return make


def inside_one_chunk(format: Format, lockstep: Lockstep) -> Script:
    """Each frame once the client has the one before it, although all of them are one chunk of HTTP."""

    async def script(reply: Reply) -> None:
        await reply.begin()
        await reply.raw(b"%x\r\n" % size(format, WHOLE))
        for number in range(WHOLE):
            await reply.raw(frame(format, number))
            await lockstep.acknowledged(reply)
        await reply.raw(b"\r\n")
        await reply.end()

    return script


def endless(format: Format, lockstep: Lockstep) -> Script:
    """Some frames, and then nothing for as long as the client stays, or nothing but separators."""

    async def script(reply: Reply) -> None:
        await reply.begin(length=10**9)
        for number in range(CUT):
            await reply.part(frame(format, number))
        while lockstep.ticks:
            await asyncio.sleep(0.005)
            await reply.part(b"\n" if format == "ndjson" else b":\n")
        await reply.hold()

    return script


def ending(how: Literal["cut", "reset"], *, inside: bool = True) -> Callable[[Format, Lockstep], Script]:
    """Some frames, part of one where that is asked for, and an end that is none."""

    def make(format: Format, lockstep: Lockstep) -> Script:
        async def script(reply: Reply) -> None:
            await reply.begin(length=10**6)
            for number in range(CUT):
                await reply.part(frame(format, number))
            if how == "reset":
                # A reset takes what the client has not read yet with it.
                for _ in range(CUT):
                    await lockstep.acknowledged(reply)
            if inside:
                await reply.part(frame(format, CUT)[:9])
            getattr(reply, how)()

        return script

    return make


CELLS = [
    Cell("whole", answered(None)),
    Cell("promptly", in_lockstep(None)),
    Cell("in one chunk", inside_one_chunk, http=True),
    Cell("leave", endless, "leaves"),
    Cell("exception", endless, "raises"),
    Cell("drop", endless, "drops"),
    Cell("cancel", endless, "is cancelled"),
    Cell("leave ahead", endless, "leaves", prefetch=2),
    Cell("cancel ahead", endless, "is cancelled", prefetch=2),
    Cell("cut inside", ending("cut"), cut=True),
    Cell("cut between", ending("cut", inside=False), cut=True, http=True),
    Cell("short length", ending("cut", inside=False), framing="length", cut=True, http=True),
    Cell("closed inside", ending("cut"), framing="close", cut=True),
    Cell("reset", ending("reset"), cut=True),
    *(Cell(code, in_lockstep(code), coding=code, http=True) for code in ("gzip", "zstd", "br")),
]


def by_the_library_itself() -> bool:
    """Whether ndstream is given the library's own iterator, to tell its faults from ours."""
    return bool(os.environ.get("OVER_HTTP_OWN"))


def stream_of(client: Any, format: Format, response: Any, prefetch: int = 0) -> Any:
    """The stream that is under test: ndstream, given the response."""
    source = client.chunks(response) if by_the_library_itself() else response
    return (ndstream.ndjson if format == "ndjson" else ndstream.sse)(source, prefetch=prefetch)


def as_value(item: Any) -> Any:
    return item.json() if isinstance(item, ndstream.Event) else item
