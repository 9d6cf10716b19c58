"""A reader is killed at random moments and started again: nothing is lost, nothing before the checkpoint comes again.

``NDSTREAM_KILL_ROUNDS=200 pytest tests/logs/test_kill_and_resume.py`` kills more often.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

import real_parts

ROUNDS = int(os.environ.get("NDSTREAM_KILL_ROUNDS", "5"))
LINES = 40_000

READER = """
import os, sys
from ndstream import logs
log, place, bad, output = sys.argv[1:]
seen = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(seen, b"start\\n")
checkpoint = logs.Checkpoint(place, interval=0)
options = {"checkpoint": checkpoint, "dead_letters": bad}
with {stream} as stream:
    for value in stream:
        os.write(seen, b"%d\\n" % value["i"])
os.write(seen, b"end\\n")
"""
CAT = """
import os, sys
from ndstream import logs
from ndstream._cli.main import main
log, place, bad, output = sys.argv[1:]
os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 1)
# As often as it can be saved: the command does so once a second.
logs.Checkpoint.due = True
os.write(1, b"start\\n")
sys.argv[1:] = ["cat", "--checkpoint", place, "--bad", bad, "--on-error", "skip", log]
try:
    main()
finally:
    os.write(1, b"end\\n")
"""
READ = "logs.read(log, **options)"
FOLLOW = "logs.follow(log, stop_after_idle=0.3, **options)"


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def content() -> bytes:
    """Lines of many lengths; each hundredth is bad, and has a number too."""
    chance = random.Random(7)
    lines = []
    for number in range(LINES):
        text = "x" * chance.choice([0, 10, 100, 300])
        lines.append(b'{"i":%d,"text":"%s"%s\n' % (number, text.encode(), b"" if number % 100 == 99 else b"}"))
    return b"".join(lines)


def members(compress: Callable[[bytes], bytes], data: bytes) -> bytes:
    """Several members in a row, whose ends are no line ends."""
    size = len(data) // 5 + 3
    return b"".join(compress(data[start : start + size]) for start in range(0, len(data), size))


def number_of(line: bytes) -> int:
    """The number in a line of the output: the number alone, or the whole record."""
    return int(orjson.loads(line)["i"] if line.startswith(b"{") else line)


def checkpointed_line(place: Path) -> int:
    if not place.exists():
        return 0
    return sum(file["line"] for file in orjson.loads(place.read_bytes())["files"])


@pytest.mark.parametrize(
    ("kind", "program"),
    [
        *((kind, READER.replace("{stream}", READ)) for kind in ("plain", "gzip", "bz2", "xz", "zstd", "lz4")),
        ("plain", READER.replace("{stream}", FOLLOW)),
        *((kind, CAT) for kind in ("plain", "gzip", "zstd")),
    ],
    ids=[*("plain", "gzip", "bz2", "xz", "zstd", "lz4"), "follow", "cat", "cat gzip", "cat zstd"],
)
def test_nothing_is_lost_and_nothing_before_the_checkpoint_comes_again(tmp_path: Path, kind: str, program: str) -> None:
    data = content()
    output_size = len(data) if program is CAT else len(b"12345\n") * LINES
    if kind == "zstd":
        zstd = real_parts.library("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")
        data = members(zstd.compress, data)
    elif kind == "lz4":
        data = members(real_parts.library("lz4.frame").compress, data)
    elif kind != "plain":
        data = members(COMPRESS[kind], data)
    log, place, bad, output = (tmp_path / name for name in ("log", "place", "bad", "output"))
    log.write_bytes(data)
    chance = random.Random(os.urandom(8))
    starts = []
    for _ in range(ROUNDS):
        starts.append(checkpointed_line(place))
        before = output.stat().st_size if output.exists() else 0
        wanted = before + chance.randrange(1, 4 * output_size // ROUNDS)
        with subprocess.Popen([sys.executable, "-c", program, log, place, bad, output]) as reader:
            while reader.poll() is None and (not output.exists() or output.stat().st_size < wanted):
                time.sleep(chance.random() * 0.002)
            reader.kill()
    starts.append(checkpointed_line(place))
    subprocess.run([sys.executable, "-c", program, log, place, bad, output], check=True)
    # The last number of a run that was killed may be torn.
    runs = [run.split(b"\n")[:-1] for run in output.read_bytes().split(b"start\n")[1:]]
    good = [number for number in range(LINES) if number % 100 != 99]
    for start, run in zip(starts, runs, strict=True):
        numbers = [number_of(line) for line in run if line != b"end"]
        # Each run goes on exactly where the checkpoint says.
        assert numbers == [number for number in good if number >= start][: len(numbers)]
    assert runs[-1][-1] == b"end"
    assert {number_of(line) for run in runs for line in run if line != b"end"} == set(good)
    assert checkpointed_line(place) == LINES
    letters = [orjson.loads(line) for line in bad.read_bytes().splitlines()]
    assert {letter["line"] - 1 for letter in letters} == set(range(99, LINES, 100))
