"""Compare the ways to read a log: time on the clock, time of the processor, memory.

    python -m benchmarks.logs             200 MB (whole commands 1 GB, memory 2 GB), five rounds; writes RESULTS.md here
    python -m benchmarks.logs --quick     2 MB, one round: a check that all get the same sum, no figures

Contenders take turns, each in a process of its own. Imports are not timed, except those of whole commands. A ratio is
the median over the rounds of one contender's time in units of the reference's; memory is the most that the process held
beyond what it held with its imports done, and of a whole command all that it held.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness import machine, report
from benchmarks.logs import contenders, whole_commands
from benchmarks.logs.corpus import MB, corpus, idle_files, repeated

OURS = (
    "read", "read_inline", "read_unwrapped", "read_typed", "read_fields", "read_selected",
    "read_one_worker", "read_two_workers", "follow_idle",
)  # fmt: skip
IMPORTS = {
    "orjson_loop": "orjson",
    "orjson_loop_isal": "isal.igzip",
    "msgspec_lines": "msgspec",
    "duckdb": "duckdb",
    "polars": "polars",
    "pyarrow": "pyarrow.json",
    "pandas": "pandas",
    **dict.fromkeys(("dask_read_json", "dask_read_dataframe"), "dask.dataframe"),
    **dict.fromkeys(OURS, "ndstream.logs"),
}
LIBRARIES = ("orjson", "isal", "msgspec", "duckdb", "polars", "pyarrow", "pandas", "dask")
COMMANDS = {"jq": ("jq",), "jq_compact": ("jq",), "ripgrep_jq": ("rg", "jq")}
ALL_LINES = ("read_typed", "read_fields", "msgspec_lines", "duckdb", "polars", "pyarrow", "pandas", "jq")


@dataclass(frozen=True)
class Limit:
    """What is promised: this contender's wall or CPU time, at most so many times the reference's."""

    contender: str
    measure: str
    ratio: float


@dataclass(frozen=True)
class Row:
    title: str
    form: str
    reference: str
    others: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    times: int = 1
    """How many times the log is read in a row: large inputs show what small ones hide."""
    rounds: int | None = None


ROWS = (
    Row(
        "plain, all lines",
        "plain",
        "orjson_loop",
        ("read", *ALL_LINES),
        (Limit("read", "wall", 0.95),),
    ),
    Row(
        "gzip, all lines",
        "gzip",
        "orjson_loop",
        ("read", "read_inline", "orjson_loop_isal", "duckdb", "polars", "pandas"),
        (Limit("read", "wall", 0.62), Limit("read", "cpu", 0.70)),
    ),
    Row("zstd, all lines", "zstd", "read_inline", ("read", "duckdb", "polars", "pandas")),
    Row(
        "plain, one line in a hundred",
        "plain",
        "read",
        ("read_selected", "ripgrep_jq"),
        (Limit("read_selected", "cpu", 1 / 10),),
    ),
    Row(
        "plain, one typed field",
        "plain",
        "read",
        ("read_typed", "read_fields"),
        (Limit("read_typed", "cpu", 1 / 2.5),),
    ),
    Row(
        "plain, four fields to a frame of Dask",
        "plain",
        "dask_read_json",
        ("dask_read_dataframe",),
        (Limit("dask_read_dataframe", "cpu", 1 / 3),),
    ),
    Row(
        "cat, start-up included",
        "plain",
        "decode_alone",
        ("cat",),
        (Limit("cat", "wall", 1.05),),
        times=5,
    ),
    Row("cat against jq", "plain", "jq_compact", ("cat",), (Limit("cat", "wall", 1 / 5),), times=5, rounds=1),
    Row(
        "cat with two workers, start-up included",
        "plain",
        "cat",
        ("cat_two_workers",),
        (Limit("cat_two_workers", "wall", 1 / 1.7),),
        times=5,
    ),
    Row(
        "two workers that are warm",
        "plain",
        "read_one_worker",
        ("read_two_workers",),
        (Limit("read_two_workers", "wall", 1 / 1.9),),
    ),
    *(
        Row(f"memory, {form}", form, "read", (), times=10, rounds=1)
        for form in ("plain", "gzip", "zstd", "lz4", "bz2", "xz")
    ),
    *(Row(f"memory, {form}", form, "read_unwrapped", (), times=10, rounds=1) for form in ("docker", "cri")),
)
MAX_IDLE_SHARE = 0.03
IDLE_FILES = 1000
MAX_MEMORY = 32 * 2**20


@dataclass(frozen=True)
class Run:
    """One contender, once."""

    total: int
    wall: float
    cpu: float
    memory: int


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the ways to read a log.")
    parser.add_argument("--quick", action="store_true", help="2 MB, one round: a check, no figures")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=200, metavar="MB")
    parser.add_argument("--folder", type=Path, help="where the logs are made and kept; by default they are not kept")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the rows with this in their title")
    parser.add_argument("--work", nargs=2, metavar=("CONTENDER", "PATH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    began = time.perf_counter()
    size = (2 if options.quick else options.size) * MB
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        met = [
            compare(
                row,
                corpus(folder, size, row.form) if row.times == 1 else repeated(folder, size, row.form, row.times),
                1 if options.quick else row.rounds or options.rounds,
                not options.quick,
            )
            for row in ROWS
            if options.only in row.title
        ]
        if options.only in "idle" and not options.quick:
            met.append(idle(folder))
    if not options.quick and not options.only:
        write_results((time.perf_counter() - began) / 60, f"{sum(met)} of {len(met)}")
    if not options.quick and not all(met):
        raise SystemExit("Not all limits are met.")


_said: list[str] = []


def say(line: str) -> None:
    """Print a line, and keep it for the results."""
    print(line, flush=True)
    _said.append(line)


def write_results(minutes: float, met: str) -> None:
    """Write what was printed, and on which machine that was."""
    head = report.head("Ways to read a log", "bench-logs", "benchmarks.logs", minutes, machine.facts(LIBRARIES))
    (Path(__file__).parent / "RESULTS.md").write_text(
        f"{head}\nLimits are met in {met} tables.\n\n"
        "Seconds on the clock and of processors are medians of the rounds; a ratio is the median of the ratios of each "
        "round. MiB is the most memory beyond what the process held with its imports done.\n\n"
        "```text" + "\n".join(_said) + "\n```\n"
    )


def compare(row: Row, path: Path, rounds: int, judged: bool) -> bool:
    """Print a row's table; whether its limits are met."""
    names = [name for name in (row.reference, *row.others) if not missing(name)]
    if row.reference not in names:
        say(f"\n{row.title}: left out, since {row.reference} is not here")
        return not judged
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            runs[name].append(in_a_process(name, path))
    selected = {name for name in names if name in ("read_selected", "ripgrep_jq")}
    for group in (selected, set(names) - selected):
        totals = {name: runs[name][0].total for name in group}
        assert len(set(totals.values())) <= 1, f"{row.title}: the sums differ: {totals}"
    say(f"\n{row.title}: {path.stat().st_size / MB:,.0f} MB, in units of {row.reference}")
    say(f"{'':18} {'wall s':>8} {'CPU s':>8} {'wall x':>8} {'CPU x':>8} {'MiB':>6}")
    for name in names:
        wall, cpu = (median(getattr(run, kind) for run in runs[name]) for kind in ("wall", "cpu"))
        memory = max(run.memory for run in runs[name]) / 2**20
        wall_ratio, cpu_ratio = (ratio(runs, name, row.reference, kind) for kind in ("wall", "cpu"))
        say(f"{name:18} {wall:8.2f} {cpu:8.2f} {wall_ratio:8.3f} {cpu_ratio:8.3f} {memory:6.0f}")
    met = True
    for limit in row.limits if judged else ():
        measured = ratio(runs, limit.contender, row.reference, limit.measure)
        verdict = "met" if measured <= limit.ratio else "MISSED"
        met = met and measured <= limit.ratio
        say(f"  {limit.contender}, {limit.measure}: {measured:.3f} x, promised at most {limit.ratio:.3f} x: {verdict}")
    for name in names if judged else ():
        if name.startswith("read") and max(run.memory for run in runs[name]) > MAX_MEMORY:
            met = False
            say(f"  {name} held more than {MAX_MEMORY / 2**20:.0f} MiB: MISSED")
    return met


def ratio(runs: dict[str, list[Run]], name: str, reference: str, kind: str) -> float:
    """The median of one contender's time in units of the reference's, round by round."""
    rounds = zip(runs[name], runs[reference], strict=True)
    return float(median(getattr(one, kind) / getattr(other, kind) for one, other in rounds))


def missing(name: str) -> bool:
    """Whether a contender lacks its library or command; then it does not take part."""
    module = IMPORTS.get(name)
    if module is not None and find_spec(module.partition(".")[0]) is None:
        return True
    if name in whole_commands.COMMANDS and shutil.which(whole_commands.COMMANDS[name][0]) is None:
        return True
    return any(shutil.which(command) is None for command in COMMANDS.get(name, ()))


def idle(folder: Path) -> bool:
    """Print what following files costs at which nothing happens; whether that is little enough."""
    run = in_a_process("follow_idle", idle_files(folder, IDLE_FILES))
    share = run.cpu / run.wall
    met = share <= MAX_IDLE_SHARE
    say(
        f"\n{IDLE_FILES:,} followed idle files: {share:.1%} of a processor, promised at most {MAX_IDLE_SHARE:.0%}: "
        f"{'met' if met else 'MISSED'}"
    )
    return met


def in_a_process(name: str, path: Path) -> Run:
    if name in whole_commands.COMMANDS:
        return Run(0, *whole_commands.run(name, path))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.logs", "--work", name, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed on {path.name}:\n{done.stderr}")
    return Run(**json.loads(done.stdout))


def work(name: str, path: str) -> None:
    """Be one contender."""
    if name in IMPORTS:
        import_module(IMPORTS[name])
    contender: contenders.Contender = getattr(contenders, name)
    if name in contenders.WARM_UP:
        contenders.WARM_UP[name]()
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    before = max(resource.getrusage(kind).ru_maxrss for kind in kinds)
    began, cpu_began = time.perf_counter(), _cpu(kinds)
    total = contender(Path(path))
    wall, cpu = time.perf_counter() - began, _cpu(kinds) - cpu_began
    # In KiB on Linux.
    memory = (max(resource.getrusage(kind).ru_maxrss for kind in kinds) - before) * 1024
    print(json.dumps({"total": total, "wall": wall, "cpu": cpu, "memory": memory}))


def _cpu(kinds: tuple[int, ...]) -> float:
    usages: list[Any] = [resource.getrusage(kind) for kind in kinds]
    return float(sum(usage.ru_utime + usage.ru_stime for usage in usages))


if __name__ == "__main__":
    main()
