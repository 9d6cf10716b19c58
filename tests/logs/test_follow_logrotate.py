"""Following while logrotate rotates and a writer writes: what logrotate keeps comes out, all of it and once."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
import textwrap
from pathlib import Path

import orjson
import pytest

import ndstream
import real_parts
from ndstream import logs

ROTATIONS = 25
LINES_PER_SECOND = 30_000
SECONDS = 4

# A process of its own, as services are. It stops by itself.
WRITER = """
import os, sys, time
path, append, pid_file, reopen = sys.argv[1], sys.argv[2] == "append", sys.argv[3], sys.argv[4] == "reopen"
def opened():
    return os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else 0), 0o644)
file, number, started = opened(), 0, time.monotonic()
inode = os.fstat(file).st_ino
while time.monotonic() - started < {seconds}:
    for _ in range(100):
        os.write(file, b'{{"i":%d,"text":"some words that make it as long as a line is"}}\\n' % number)
        number += 1
    if reopen:
        try:
            changed = os.stat(path).st_ino != inode
        except FileNotFoundError:
            changed = True
        if changed:
            os.close(file)
            file = opened()
            inode = os.fstat(file).st_ino
    time.sleep(max(0, started + number / {rate} - time.monotonic()))
print(number)
"""


def rotate_under_load(
    tmp_path: Path, options: str, *, append: bool = True, reopen: bool
) -> tuple[list[int], int, Path]:
    """Follow while it is written and rotated.

    Returns:
        The numbers that were followed, how many were written, and the log.
    """
    errors: list[ndstream.StreamError] = []
    logrotate = real_parts.command("logrotate", "logrotate")
    folder = tmp_path / "logs"
    folder.mkdir()
    folder.chmod(0o755)
    log = folder / "app.log"
    log.touch()
    config = tmp_path / "logrotate.conf"
    config.write_text(f"{log} {{\n  rotate 100\n  size 1\n  missingok\n{textwrap.indent(options, '  ')}\n}}\n")
    config.chmod(0o644)
    script = WRITER.format(seconds=SECONDS, rate=LINES_PER_SECOND)
    mode = ["append" if append else "plain", "-", "reopen" if reopen else "keep"]
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script, str(log), *mode], stdout=pipe) as writer:
        rotate = f"{logrotate} -f -s {tmp_path}/state {config}"
        rotation = f"for i in $(seq {ROTATIONS}); do sleep {SECONDS / ROTATIONS}; {rotate}; done"
        with logs.follow(log, stop_after_idle=2.0, rotate_wait=1.0, on_error=errors.append) as stream:
            # What was rotated before the log is first looked at would be no part of it.
            seen = [next(stream)["i"]]
            with subprocess.Popen(["sh", "-c", rotation]):
                seen += [value["i"] for value in stream]
        output = writer.communicate(timeout=10 * SECONDS)[0]
    # A line that was being written at a cut is gone but for its beginning.
    assert {error.reason for error in errors} <= (set() if reopen else {"unfinished"})
    return seen, int(output), log


def kept(log: Path) -> list[int]:
    """The numbers in the log and in all that logrotate made of it, the oldest first."""
    files = sorted(log.parent.glob("app.log*"), key=lambda path: -int((path.suffixes[1:] or [".0"])[0][1:]))
    lines = []
    for path in files:
        content = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
        lines += content.replace(b"\0", b"").splitlines()
    numbers = []
    for line in lines:
        # logrotate may copy the half of a line that is being written.
        with contextlib.suppress(orjson.JSONDecodeError):
            numbers.append(orjson.loads(line)["i"])
    return numbers


@pytest.mark.parametrize("options", ["create", "create\ncompress\ndelaycompress", "create\ndateext\ndateformat -%s"])
def test_no_line_is_lost_by_renaming_under_load(tmp_path: Path, options: str) -> None:
    seen, written, _ = rotate_under_load(tmp_path, options, reopen=True)
    assert len(seen) == written
    assert sorted(seen) == list(range(written))


def test_all_that_logrotate_keeps_comes_out_of_copytruncate(tmp_path: Path) -> None:
    seen, written, log = rotate_under_load(tmp_path, "copytruncate", reopen=False)
    # logrotate itself loses what is written between its copy and its cut; some of that was followed before the cut.
    assert set(kept(log)) - set(seen) == set()
    assert len(seen) == len(set(seen))
    assert len(seen) <= written
    assert seen == sorted(seen)


def test_a_writer_that_leaves_a_hole_at_each_cut_is_followed(tmp_path: Path) -> None:
    seen, _, log = rotate_under_load(tmp_path, "copytruncate", append=False, reopen=False)
    assert set(kept(log)) - set(seen) == set()
    assert len(seen) == len(set(seen))
