"""The log that is read: access-log lines of about 400 bytes, always the same, made once and kept in a folder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import orjson

MB = 1_000_000
LEVELS = ("info",) * 99 + ("error",)
PATHS = ("/api/v1/items", "/static/app.js", "/login", "/api/v1/users", "/health")
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "curl/8.5.0", "python-httpx/0.28.1")

COMPRESS = {
    "gzip": ("gzip", "-6", "-c"),
    "zstd": ("zstd", "-q", "-3", "-c"),
    "lz4": ("lz4", "-q", "-c"),
    "bz2": ("bzip2", "-c"),
    "xz": ("xz", "-6", "-T2", "-c"),
}
"""By the commands that people use, at their default levels."""


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "docker": lambda line: orjson.dumps({"log": line.decode(), "stream": "stdout", "time": _TIME}) + b"\n",
    "cri": lambda line: f"{_TIME} stdout F ".encode() + line,
}
"""The envelopes that container runtimes put lines in."""
_TIME = "2026-01-01T00:00:59.480951123Z"


def corpus(folder: Path, size: int, form: str = "plain") -> Path:
    """The path of the log in one form: plain, compressed by the command that people use, or as containers write it."""
    path = folder / f"access-{size // MB}MB.log"
    if not path.exists():
        _write(path, size)
    if form == "plain":
        return path
    archive = path.with_name(f"{path.name}.{form}")
    if not archive.exists() and form in CONTAINERS:
        with path.open("rb") as lines, archive.open("wb") as file:
            file.writelines(map(CONTAINERS[form], lines))
    elif not archive.exists():
        with archive.open("wb") as file:
            subprocess.run([*COMPRESS[form], str(path)], stdout=file, check=True)
    return archive


def repeated(folder: Path, size: int, form: str, times: int) -> Path:
    """The log so many times in a row: of an archive its members, as ``cat`` would put them."""
    once = corpus(folder, size, form)
    path = once.with_name(f"{times}x-{once.name}")
    if not path.exists():
        with path.open("wb") as file:
            for _ in range(times):
                with once.open("rb") as part:
                    shutil.copyfileobj(part, file, 2**20)
    return path


def idle_files(folder: Path, count: int) -> Path:
    """A folder of so many small logs, to which nobody writes."""
    path = folder / f"idle-{count}"
    path.mkdir(exist_ok=True)
    for number in range(count):
        (path / f"{number}.log").write_bytes(b'{"a":1}\n')
    return path


def _write(path: Path, size: int) -> None:
    chance = Random(1)
    written = 0
    with path.open("wb") as file:
        while written < size:
            written += file.write(_line(chance))


def _line(chance: Random) -> bytes:
    below = chance.randrange
    value = {
        "@timestamp": f"2026-01-01T00:{below(60):02}:{below(60):02}.{below(1000):03}Z",
        "level": chance.choice(LEVELS),
        "message": "request served",
        "service": {"name": "web", "version": "1.4.2", "node": f"node-{below(20)}"},
        "http": {
            "method": "GET",
            "path": f"{chance.choice(PATHS)}/{below(10**6)}",
            "status": chance.choice((200, 200, 200, 304, 404, 500)),
            "bytes": below(10**5),
            "duration_ms": below(10**6) / 1000,
        },
        "client": {"ip": f"10.{below(256)}.{below(256)}.{below(256)}", "agent": chance.choice(AGENTS)},
        "trace": {"id": f"{chance.getrandbits(128):032x}"},
    }
    return orjson.dumps(value) + b"\n"
