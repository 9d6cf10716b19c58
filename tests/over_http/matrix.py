"""The matrix as a table, the promptness in figures, and what many opens leave: ``python -m tests.over_http.matrix``.

--only NAME     the clients with this in their name
--cell NAME     the cells with this in theirs
--opens N       open and leave each library's response so often, and count what stays
--why           say why a cell was skipped
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import time
from collections.abc import Sequence
from statistics import median

import anyio

from . import many_opens, scripted_server
from .async_clients import AWAITING
from .clients import Awaiting, Blocking
from .programs import ask, awaiting_values, reading
from .scenarios import CELLS, CONTENT_TYPES, FORMATS, Cell, Skipped, in_lockstep
from .sync_clients import BLOCKING

CLIENTS: Sequence[Blocking | Awaiting] = [*BLOCKING, *AWAITING]
PROMPT_FRAMES = 200


def label(client: Blocking | Awaiting) -> str:
    return f"{client.name} ({'sync' if isinstance(client, Blocking) else 'async'})"


def main() -> None:
    parser = argparse.ArgumentParser(description="Every HTTP library by what can happen to its response.")
    parser.add_argument("--only", default="", metavar="NAME", help="the clients with this in their name")
    parser.add_argument("--cell", default="", metavar="NAME", help="the cells with this in their name")
    parser.add_argument("--opens", type=int, default=0, metavar="N", help="open and leave each response so often")
    parser.add_argument("--why", action="store_true", help="say why cells were skipped")
    arguments = parser.parse_args()
    clients = [client for client in CLIENTS if arguments.only in label(client)]
    gc.collect()
    gc.freeze()
    # What libraries log of connections that were cut on purpose.
    logging.lastResort = None
    if arguments.opens:
        sys.exit(not show_opens(clients, arguments.opens))
    good = show_matrix(clients, [cell for cell in CELLS if arguments.cell in cell.name], arguments.why)
    if not arguments.cell:
        show_promptness(clients)
    sys.exit(not good)


def show_matrix(clients: Sequence[Blocking | Awaiting], cells: Sequence[Cell], why: bool) -> bool:
    """Print a line a client, NDJSON and SSE in each cell; whether all is well."""
    remarks = []
    counts = {"ok": 0, "skip": 0, "FAIL": 0}
    print(f"{'NDJSON/SSE':32}" + "".join(f"{cell.name:>15}" for cell in cells))
    for client in clients:
        print(f"{label(client):32}", end="")
        for cell in cells:
            told = []
            for format in FORMATS:
                try:
                    ask(client, format, cell)
                    told.append("ok")
                except Skipped as reason:
                    told.append("skip")
                    if why:
                        remarks.append(f"skip: {label(client)}, {format}, {cell.name}: {reason}")
                except Exception as error:
                    told.append("FAIL")
                    remarks.append(f"FAIL: {label(client)}, {format}, {cell.name}: {type(error).__name__}: {error}")
                counts[told[-1]] += 1
            print(f"{told[0] if told[0] == told[1] else '/'.join(told):>15}", end="", flush=True)
        print(f"  {client.version}")
    print("\n" + ", ".join(f"{count} {kind}" for kind, count in counts.items()))
    print(*remarks, sep="\n")
    return not counts["FAIL"]


def show_promptness(clients: Sequence[Blocking | Awaiting]) -> None:
    print(f"\nFrom the server's write to the value in hand, {PROMPT_FRAMES} frames in lockstep, in microseconds")
    print(f"{'':32}{'median':>10}{'longest':>10}")
    for client in clients:
        if client.missing:
            continue
        took = latencies(client)
        print(f"{label(client):32}{median(took) / 1000:>10.0f}{max(took) / 1000:>10.0f}", flush=True)


def latencies(client: Blocking | Awaiting) -> list[int]:
    """How long each frame took from the server's write to the value, in nanoseconds."""
    cell = Cell("promptly", in_lockstep(None, PROMPT_FRAMES))
    with scripted_server.ScriptedServer() as server:
        lockstep = scripted_server.Lockstep(server)
        framing: scripted_server.Framing = "chunked" if client.speaks == "http" else "close"
        url = server.url(cell.script("sse", lockstep), framing=framing, content_type=CONTENT_TYPES["sse"])

        async def run() -> None:
            assert isinstance(client, Awaiting)
            async with client.session() as open:
                await awaiting_values(client, "sse", await open(url), cell, lockstep)

        if isinstance(client, Awaiting):
            anyio.run(run, backend=client.backend)
        else:
            with client.session() as open:
                reading(client, "sse", open(url), cell, lockstep)
        return [taken - sent for sent, taken in zip(lockstep.sent, lockstep.taken, strict=False)]


def show_opens(clients: Sequence[Blocking | Awaiting], number: int) -> bool:
    good = True
    for client in clients:
        if client.missing:
            print(f"{label(client):32}{client.missing} is not installed")
            continue
        if client.stays:
            print(f"{label(client):32}skip  {client.stays}")
            continue
        began = time.perf_counter()
        try:
            left = many_opens.leak(client, "ndjson", number)
            told, well = str(left), left.none
        except Exception as error:
            told, well = f"{type(error).__name__}: {error}", False
        good = good and well
        print(f"{label(client):32}{'ok' if well else 'FAIL':6}{told}, {time.perf_counter() - began:.1f} s", flush=True)
    return good


if __name__ == "__main__":
    main()
