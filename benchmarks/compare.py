"""Compare ndstream with the floor and with other libraries, and with what it promises.

    python -m benchmarks.compare                 all of it; writes RESULTS.md and results.svg here
    python -m benchmarks.compare --only ndjson   the rows with that in their name; writes nothing
    python -m benchmarks.compare --quick         short streams and one round, to check that it works

Before a contender is timed, all that it gets out of the stream is compared with what is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks.core import comparisons
from benchmarks.harness import machine, probes, report, rounds, shapes
from benchmarks.harness.contenders import missing, timed, values
from benchmarks.harness.report import Line, Table
from benchmarks.harness.rounds import Loop, Times
from benchmarks.harness.rows import Row
from benchmarks.llm import replies
from benchmarks.sources import http_libraries

HERE = Path(__file__).parent
GIB = 1024 * shapes.MIB


def main() -> None:
    arguments = parse()
    if arguments.worker:
        work(arguments)
        return
    began = time.perf_counter()
    tables = []
    for row in all_rows(0.01 if arguments.quick else 1):
        if arguments.only in row.key:
            tables.append(compare(row, arguments))
            report.show(tables[-1], judged=not arguments.quick)
    for name, probe in (
        (http_libraries.BY_PARTS, partial(http_libraries.table, http_libraries.BY_PARTS)),
        (http_libraries.BY_FRAME, partial(http_libraries.table, http_libraries.BY_FRAME)),
        ("memory", memory),
        ("import", import_time),
    ):
        if arguments.only in name:
            tables.append(probe(arguments.quick))
            report.show(tables[-1], judged=not arguments.quick)
    if not tables:
        raise SystemExit(f"No row has {arguments.only!r} in its name.")
    minutes = (time.perf_counter() - began) / 60
    if arguments.quick:
        print("\nAll contenders get the same values. In so short a time they show no more than that.")
        return
    report.show_verdict(tables)
    if not arguments.only:
        from benchmarks.harness import chart

        head = report.head("Results", "bench", "benchmarks.compare", minutes, machine.facts())
        picture = "![The cost of an event, and of a line](results.svg)"
        (HERE / "RESULTS.md").write_text(report.page(head, tables, picture=picture, method=METHOD))
        chart.draw(tables, HERE / "results.svg")


def all_rows(scale: float = 1.0) -> list[Row]:
    """The rows of all parts, in order."""
    return [*comparisons.all_rows(scale), *replies.all_rows(scale)]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare ndstream with the floor and with other libraries.")
    parser.add_argument("--quick", action="store_true", help="short streams, one round: a check, no figures")
    parser.add_argument("--only", default="", metavar="NAME", help="only the rows with this in their name")
    parser.add_argument("--processes", type=int, metavar="N", help="repeat each row so often (2 to 15 times)")
    parser.add_argument(
        "--seconds", type=float, default=0.8, metavar="S", help="how long the rounds of each take, about (0.8)"
    )
    parser.add_argument("--no-ballast", action="store_true", help="leave the allocators as they are")
    parser.add_argument("--worker", metavar="ROW", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(row: Row, arguments: argparse.Namespace) -> Table:
    """A row's table, from one process after another."""
    if arguments.quick:
        runs = [measure(row, 0, 0)]
    else:
        runs = [in_a_process(row, seed, arguments) for seed in range(arguments.processes or row.processes)]
    return report.table(row, runs)


def in_a_process(row: Row, seed: int, arguments: argparse.Namespace) -> dict[str, Times]:
    options = ["--worker", row.key, "--seed", str(seed), "--seconds", str(arguments.seconds)]
    if arguments.no_ballast:
        options.append("--no-ballast")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.compare", *options],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": str(seed + 1)},
    )
    return {name: Times(**times) for name, times in json.loads(done.stdout).items()}


def work(arguments: argparse.Namespace) -> None:
    """Be one of a row's processes."""
    rounds.pin()
    # Of another size in each process, so that memory lies elsewhere.
    ballast = None if arguments.no_ballast else rounds.Ballast((32 + 5 * arguments.seed) * shapes.MIB)
    (row,) = (row for row in all_rows() if row.key == arguments.worker)
    measured = measure(row, arguments.seconds, arguments.seed)
    del ballast
    print(json.dumps({name: asdict(times) for name, times in measured.items()}))


def measure(row: Row, seconds: float, seed: int) -> dict[str, Times]:
    """The times of each contender that can take part, all of which got the right values."""
    loops = {}
    for entry in row.entries:
        if entry.case is None or missing(entry.contender):
            continue
        case = entry.case()
        if values(entry.contender, case) != case.expected:
            raise SystemExit(f"{row.key}: {entry.name} does not get the values that are in the stream")
        loops[entry.name] = Loop(timed(entry.contender, case), case.units)
    return rounds.take_turns(loops, seconds, seed, settle=row.settle)


def memory(quick: bool) -> Table:
    """The most memory that long streams take, and what decoding takes of it."""
    size = 16 * shapes.MIB if quick else 2 * GIB
    limit = 2 * probes.LARGEST / shapes.MIB + 4
    streams = {
        "ndjson": shapes.token_lines(3000).data,
        "sse": shapes.openai_events(3000).data.removesuffix(b"data: [DONE]\n\n"),
    }
    lines = []
    for format, small in streams.items():
        peak = probes.peak_memory(format, "payloads", small, size)
        lines.append(Line.of_amount(f"ndstream, {format}, loads=bytes", peak, "MiB", limit))
    for format, small in streams.items():
        peak = probes.peak_memory(format, "values", small, size)
        lines.append(Line.of_amount(f"ndstream, {format}", peak, "MiB"))
    peak = probes.peak_memory("alone", "values", b"", 0)
    lines.append(Line.of_amount("orjson.loads of the largest frame, alone", peak, "MiB"))
    title = f"Peak memory above the idle process: {size / GIB:g} GiB, the largest frame 8 MiB"
    return Table("memory", title, "", tuple(lines))


def import_time(quick: bool) -> Table:
    took = probes.import_milliseconds(1 if quick else 20)
    line = Line.of_amount("import ndstream", took, "ms", 15)
    return Table("import", "Import time beyond `import orjson`", "", (line,))


METHOD = """
## How it is measured

- The *floor* is a user's own loop at best: `orjson.loads` of payloads that were split beforehand. Peers with
  a JSON decoder of their own are given orjson instead, unless their name says otherwise.
- Each contender's loop is first run to collect what it gets, which must equal what is in the stream;
  then the same loop, collecting nothing, is timed (`contenders.py`, `loops.py`). The streams are in
  `shapes.py`, always the same bytes.
- A stream is 1 MiB, which is more than a processor's own cache leaves room for. That costs the floor more
  than it costs a decoder: its payloads lie apart, and are not read in one go. So there are tables of shorter
  streams, repeated as often as makes up for it, which stay in the cache; there the floor is at its fastest,
  and the budgets are at their hardest.
- The contenders of a table take turns in one process, in an order that is drawn anew for each round. Each
  turn is two runs, of which the second is timed. Contenders are compared within the round; the median
  over the rounds is the process's ratio. This is done in 15 processes where budgets are near 1 (in 2 for
  streams of twice the size, in 5 elsewhere), each with its own hash seed and its memory elsewhere: where
  code and data happen to lie changes ratios by up to 5 %. The table gives the median process, and in
  brackets the range of the middle half of them.
- Time is processor time: nothing here waits, and what other processes take meanwhile is not a contender's.
- Before the rounds everything runs once, then `gc.collect()` and `gc.freeze()`. The garbage collector stays
  on, and the process keeps to one processor.
- In a process that does nothing else, a loop's few live objects can be alone in an arena of Python's
  allocator, or at the top of malloc's heap. Either is then returned to the system and asked for again, over
  and over, at the cost of whichever contender is unlucky. A real program has other objects that prevent
  it. So the process holds some MiB of small objects, one in every 64 KiB, with room between them for all
  contenders, and tells malloc to keep its memory (`rounds.py`). The page faults of every round are
  counted, and told on the screen where there are any; `--no-ballast` shows the difference.
- HTTP libraries: the time is what ndstream takes beyond the library's own bytes alone, read to the end; the
  ratio is all of ndstream's loop in units of the same bytes, split at LF by hand, with `orjson.loads`. The server
  is in the same process, on another thread, whose time is not counted. Three processes; in brackets the range.
  By hand, requests and urllib3 are read by what waits for whole HTTP chunks; `docs/http.md` tells why ndstream is not.
- n/a: the library has no way to do it. BytesIO and `decode_lines` need all bytes at once; that is timed,
  but it is no streaming.
- Memory is the most that a process had resident while a stream went through it, above what it had before.
  `loads=bytes` is the decoder alone. What it takes to make a value is orjson's, and measured beside it.
"""


if __name__ == "__main__":
    main()
