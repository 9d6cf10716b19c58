"""What ndstream costs on top of each HTTP library's own bytes, from a real server on the loopback.

Three loops a library, over the same response: its bytes alone; the lines split and decoded as one does by
hand; ndstream. They take turns as all contenders do. The server runs in a thread of the same process, and
its time is not counted, nor is any other thread's.

    python -m benchmarks.sources.http_libraries --worker "http, 64 KiB"      one process's figures, as JSON
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import orjson

import ndstream
from benchmarks.harness import rounds, shapes
from benchmarks.harness.report import Line, Table
from benchmarks.harness.rounds import Loop, Times, ratio

# The servers and clients are those of the tests.
sys.path.append(str(Path(__file__).parents[2] / "tests"))

from over_http.async_clients import AWAITING
from over_http.clients import Awaiting, Blocking
from over_http.scripted_server import Reply, ScriptedServer
from over_http.sync_clients import BLOCKING

BY_PARTS, BY_FRAME = "http, 64 KiB", "http, a frame"
TITLES = {
    BY_PARTS: "HTTP libraries: `token_lines` over the loopback, 64 KiB a part, beyond the library's own bytes",
    BY_FRAME: "HTTP libraries: `token_lines` over the loopback, a line a part, beyond the library's own bytes",
}
LINES = {BY_PARTS: 8000, BY_FRAME: 1000}
"""Single lines come slowly, and what they cost does not depend on how many there are."""
PROCESSES = 3
SECONDS = 0.8

LOOPS = ("bytes", "by hand", "ndstream")


def table(key: str, quick: bool) -> Table:
    """The figures of all libraries that are installed."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.sources.http_libraries",
        "--worker",
        key,
        *(["--quick"] if quick else []),
    ]
    runs = []
    for _ in range(1 if quick else PROCESSES):
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[2])
        runs.append(
            {
                name: {loop: Times(**times) for loop, times in each.items()}
                for name, each in json.loads(done.stdout).items()
            }
        )
    lines = tuple(_line(client, runs) for client in _clients())
    return Table(key, TITLES[key], "line", lines, "the library's bytes, split by hand, and orjson")


def _clients() -> list[Blocking | Awaiting]:
    # Trio's cost a chunk is the same whatever stands on it.
    return [*BLOCKING, *(client for client in AWAITING if client.backend == "asyncio")]


def _label(client: Blocking | Awaiting) -> str:
    return f"{client.name}, {'sync' if isinstance(client, Blocking) else 'async'}"


def _line(client: Blocking | Awaiting, runs: list[dict[str, dict[str, Times]]]) -> Line:
    name = _label(client)
    if name not in runs[0]:
        return Line(name, "not installed")
    more = median(_per_line(run[name]["ndstream"]) - _per_line(run[name]["bytes"]) for run in runs)
    ratios = sorted(ratio(run[name]["ndstream"], run[name]["by hand"]) for run in runs)
    middle = median(ratios)
    told = f"{middle:.3f} x ({ratios[0]:.3f} to {ratios[-1]:.3f})"
    return Line(name, f"{more:+,.0f} ns", told, nanoseconds=more, times_reference=middle)


def _per_line(times: Times) -> float:
    return median(times.nanoseconds) / times.units


def measure(key: str, quick: bool) -> dict[str, dict[str, Times]]:
    """One process's times of each loop of each library."""
    shape = shapes.token_lines(100 if quick else LINES[key])
    parts = list(shape.pieces) if key == BY_FRAME else shapes.cut(shape.data, 64 * shapes.KIB)
    measured: dict[str, dict[str, Times]] = {}
    with ScriptedServer() as server:
        for client in _clients():
            if not client.missing:
                made = (
                    _blocking(client, server, parts)
                    if isinstance(client, Blocking)
                    else _awaiting(client, server, parts)
                )
                with made as (run, check):
                    for loop in LOOPS[1:]:
                        if check(loop) != shape.values:
                            raise SystemExit(f"{client.name}, {loop}: not the values that are in the stream")
                    turns = {loop: Loop(run(loop), len(shape.values)) for loop in LOOPS}
                    measured[_label(client)] = rounds.take_turns(turns, 0 if quick else SECONDS, seed=len(measured))
    return measured


def _url(client: Blocking | Awaiting, server: ScriptedServer, parts: list[bytes]) -> str:
    async def script(reply: Reply) -> None:
        await reply.begin(length=sum(map(len, parts)))
        for part in parts:
            await reply.part(part)
        await reply.end()

    return server.url(script, framing="chunked" if client.speaks == "http" else "close")


Run = Callable[[str], Callable[[], object]]
Check = Callable[[str], "list[Any]"]


@contextlib.contextmanager
def _blocking(client: Blocking, server: ScriptedServer, parts: list[bytes]) -> Iterator[tuple[Run, Check]]:
    url = _url(client, server, parts)
    with client.session() as open:

        def alone() -> None:
            with contextlib.closing(open(url)) as response:
                for _ in client.chunks(response):
                    pass

        def by_hand() -> None:
            rest = b""
            with contextlib.closing(open(url)) as response:
                for chunk in client.chunks(response):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        orjson.loads(line)

        def ours() -> None:
            for _ in ndstream.ndjson(open(url)):
                pass

        def check(loop: str) -> list[Any]:
            if loop == "ndstream":
                return list(ndstream.ndjson(open(url)))
            with contextlib.closing(open(url)) as response:
                return [orjson.loads(line) for line in b"".join(client.chunks(response)).splitlines()]

        yield {"bytes": alone, "by hand": by_hand, "ndstream": ours}.__getitem__, check


@contextlib.contextmanager
def _awaiting(client: Awaiting, server: ScriptedServer, parts: list[bytes]) -> Iterator[tuple[Run, Check]]:
    url = _url(client, server, parts)
    loop = asyncio.new_event_loop()
    session = client.session()
    open = loop.run_until_complete(session.__aenter__())

    async def alone() -> None:
        async with _closing(await open(url)) as response:
            async for _ in client.chunks(response):
                pass

    async def by_hand() -> None:
        rest = b""
        async with _closing(await open(url)) as response:
            async for chunk in client.chunks(response):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    orjson.loads(line)

    async def ours() -> None:
        source: Any = await open(url)
        async for _ in ndstream.ndjson(source):
            pass

    async def values(loop: str) -> list[Any]:
        source: Any = await open(url)
        if loop == "ndstream":
            return [value async for value in ndstream.ndjson(source)]
        async with _closing(source) as response:
            chunks = [chunk async for chunk in client.chunks(response)]
        return [orjson.loads(line) for line in b"".join(chunks).splitlines()]

    each = {"bytes": alone, "by hand": by_hand, "ndstream": ours}
    try:
        yield (
            lambda name: lambda: loop.run_until_complete(each[name]()),
            lambda name: loop.run_until_complete(values(name)),
        )
    finally:
        loop.run_until_complete(session.__aexit__(None, None, None))
        loop.close()


@contextlib.asynccontextmanager
async def _closing(response: Any) -> AsyncIterator[Any]:
    """Release what each library releases in its own way."""
    try:
        yield response
    finally:
        close = getattr(response, "aclose", None) or getattr(response, "close", None)
        closed: Any = close() if close is not None else None
        if hasattr(closed, "__await__"):
            await closed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--worker", choices=TITLES, required=True)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    rounds.pin()
    ballast = None if arguments.quick else rounds.Ballast()
    measured = measure(arguments.worker, arguments.quick)
    del ballast
    print(json.dumps({name: {loop: vars(times) for loop, times in each.items()} for name, each in measured.items()}))


if __name__ == "__main__":
    main()
