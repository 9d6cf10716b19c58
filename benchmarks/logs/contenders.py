"""Who reads the log, all to the same end: the sum of ``http.bytes``, of all lines or of those of level error.

Each is a function from a path to the sum. Libraries are imported inside, so that each process loads one.
"""

from __future__ import annotations

import gzip
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

NEEDLE = '"level":"error"'


def orjson_loop(path: Path) -> int:
    """The loop that people write by hand."""
    from orjson import loads

    total = 0
    opener: Any = gzip.open if path.suffix == ".gzip" else open
    with opener(path, "rb") as file:
        for line in file:
            total += loads(line)["http"]["bytes"]
    return total


def orjson_loop_isal(path: Path) -> int:
    """The same loop over the fastest gzip for Python."""
    from orjson import loads

    igzip: Any = import_module("isal.igzip")
    total = 0
    with igzip.open(path) as file:
        for line in file:
            total += loads(line)["http"]["bytes"]
    return total


def read(path: Path) -> int:
    """Each line, decoded whole."""
    from ndstream import logs

    total = 0
    for value in logs.read(path):
        total += value["http"]["bytes"]
    return total


def read_inline(path: Path) -> int:
    """The same, without reading ahead."""
    from ndstream import logs

    total = 0
    for value in logs.read(path, prefetch=0):
        total += value["http"]["bytes"]
    return total


def read_unwrapped(path: Path) -> int:
    """Each line of a container, without its envelope."""
    from ndstream import logs

    unwrap: Any = path.suffix.removeprefix(".")
    total = 0
    for record in logs.read(path, unwrap=unwrap):
        total += record.value["http"]["bytes"]
    return total


def read_typed(path: Path) -> int:
    """One typed field of each line, by a struct of msgspec as ``loads=``."""
    import msgspec

    from ndstream import logs

    inner = msgspec.defstruct("HTTP", [("bytes", int)], gc=False)
    outer: Any = msgspec.defstruct("Line", [("http", inner)], gc=False)
    total = 0
    for value in logs.read(path, loads=msgspec.json.Decoder(outer).decode):
        total += value.http.bytes
    return total


def read_fields(path: Path) -> int:
    """One typed field of each line, by ``fields=``."""
    from ndstream import logs

    total = 0
    for row in logs.read(path, fields={"bytes": ("http.bytes", int)}):
        total += row.bytes
    return total


def read_selected(path: Path) -> int:
    """The lines that hold the needle."""
    from ndstream import logs

    total = 0
    for value in logs.read(path, contains=NEEDLE):
        total += value["http"]["bytes"]
    return total


def msgspec_lines(path: Path) -> int:
    import msgspec

    inner = msgspec.defstruct("HTTP", [("bytes", int)], gc=False)
    outer: Any = msgspec.defstruct("Line", [("http", inner)], gc=False)
    return sum(line.http.bytes for line in msgspec.json.Decoder(outer).decode_lines(path.read_bytes()))


def duckdb(path: Path) -> int:
    library: Any = import_module("duckdb")
    compression = {".gzip": ", compression='gzip'", ".zstd": ", compression='zstd'"}.get(path.suffix, "")
    columns = "columns={http: 'STRUCT(bytes BIGINT)'}"
    query = f"select sum(http.bytes) from read_ndjson('{path}', {columns}{compression})"
    [(total,)] = library.sql(query).fetchall()
    return int(total)


def polars(path: Path) -> int:
    library: Any = import_module("polars")
    frame = library.scan_ndjson(path)
    return int(frame.select(library.col("http").struct.field("bytes").sum()).collect(engine="streaming").item())


def pyarrow(path: Path) -> int:
    compute: Any = import_module("pyarrow.compute")
    json: Any = import_module("pyarrow.json")
    table = json.read_json(path, read_options=json.ReadOptions(block_size=8 << 20))
    return int(compute.sum(compute.struct_field(table["http"], "bytes")).as_py())


def pandas(path: Path) -> int:
    library: Any = import_module("pandas")
    compression: Any = {".gzip": "gzip", ".zstd": "zstd"}.get(path.suffix)
    total = 0
    for frame in library.read_json(path, lines=True, chunksize=20_000, compression=compression):
        total += sum(value["bytes"] for value in frame["http"])
    return total


def jq(path: Path) -> int:
    return int(_output("jq", "-n", "reduce inputs as $line (0; . + $line.http.bytes)", str(path)))


def ripgrep_jq(path: Path) -> int:
    with subprocess.Popen(["rg", "-F", "--no-filename", NEEDLE, str(path)], stdout=subprocess.PIPE) as found:
        total = _output("jq", "-n", "reduce inputs as $line (0; . + $line.http.bytes)", stdin=found.stdout)
    return int(total)


def _output(*command: str, stdin: Any = None) -> str:
    return subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=True).stdout


def read_two_workers(path: Path) -> int:
    """Two processes that are warm, each of which reads and sums up splits."""
    from ndstream import logs

    return sum(_pool(2).map(_sum_of_split, logs.splits(path, 8 * 2**20)))


def read_one_worker(path: Path) -> int:
    """The same with one."""
    from ndstream import logs

    return sum(_pool(1).map(_sum_of_split, logs.splits(path, 8 * 2**20)))


_pools: dict[int, ProcessPoolExecutor] = {}


def _pool(size: int) -> ProcessPoolExecutor:
    """A pool whose processes have imported what they need."""
    if size not in _pools:
        _pools[size] = ProcessPoolExecutor(size)
        list(_pools[size].map(_sum_of_split, [None] * 4 * size))
    return _pools[size]


def _sum_of_split(split: Any) -> int:
    from ndstream import logs

    if split is None:
        time.sleep(0.05)
        return 0
    return sum(value["http"]["bytes"] for value in logs.read(split))


WARM_UP: dict[str, Callable[[], object]] = {
    "read_one_worker": lambda: _pool(1),
    "read_two_workers": lambda: _pool(2),
}
"""What happens before a contender is timed."""


def follow_idle(folder: Path) -> int:
    """A thousand files at rest, followed for 20 seconds."""
    from ndstream import logs

    return sum(1 for _ in logs.follow(*sorted(folder.iterdir()), start="end", stop_after_idle=20))


Contender = Callable[[Path], int]


def dask_read_json(path: Path) -> int:
    """Four fields of each line to a frame, in Dask's own way: it makes all columns, nested ones as dictionaries."""
    import dask
    import dask.dataframe
    import pandas

    def four(part: Any) -> Any:
        nested = {name: [http[name] for http in part["http"]] for name in ("path", "status", "bytes")}
        return pandas.DataFrame({"level": part["level"], **nested}, index=part.index)

    options: Any = {"lines": True, "blocksize": _DASK_BLOCK}
    meta = {"level": object, "path": object, "status": int, "bytes": int}
    # As strings, dictionaries would be of no use.
    with dask.config.set({"dataframe.convert-string": False}):
        frame = dask.dataframe.read_json(path, **options).map_partitions(four, meta=meta)
        return int(frame["bytes"].sum().compute(scheduler="sync"))


def dask_read_dataframe(path: Path) -> int:
    """The same four fields, declared."""
    from ndstream import logs

    fields = {
        "level": ("level", str),
        "path": ("http.path", str),
        "status": ("http.status", int),
        "bytes": ("http.bytes", int),
    }
    frame = logs.read_dataframe(path, fields=fields, size=_DASK_BLOCK).frame
    return int(frame["bytes"].sum().compute(scheduler="sync"))


_DASK_BLOCK = 8 * 2**20
