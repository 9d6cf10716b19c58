"""``ndstream`` as a process: run to its end, or watched while it runs."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ndstream

COMMAND = [sys.executable, "-m", "ndstream"]
PATIENCE = 60
"""Seconds after which a test that hangs is given up; nothing is measured with it."""


def environment(**changes: str) -> dict[str, str]:
    """The environment with the package that is under test, a terminal of a known kind and size, and usual buffers."""
    package = str(Path(ndstream.__file__).resolve().parents[1])
    known = {"PYTHONPATH": package, "TERM": "xterm", "COLUMNS": "100", "LINES": "30", "PYTHONUNBUFFERED": ""}
    return {**os.environ, **known, **changes}


def cat(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run ``ndstream cat`` to its end."""
    return run("cat", *map(str, arguments), stdin=stdin, cwd=cwd)


def run(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run ``ndstream`` to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, timeout=PATIENCE, cwd=cwd, env=environment()
    )


def run_to(target: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the command with its standard output where a shell sends it: ``>&-``, ``> /dev/full``."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {target}', "bash", *COMMAND, *arguments],
        capture_output=True,
        cwd=cwd,
        timeout=PATIENCE,
        env=environment(),
    )


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """``ndstream`` with pipes at all three ends, while it runs."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, env=environment(), bufsize=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def send(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)


def receive(process: subprocess.Popen[bytes], size: int) -> bytes:
    """Exactly so many bytes of the output; fails where they do not come though the input is still open."""
    assert process.stdout is not None
    received = b""
    while len(received) < size:
        assert select.select([process.stdout], [], [], PATIENCE)[0], f"nothing more came after {received!r}"
        more = os.read(process.stdout.fileno(), size - len(received))
        assert more, f"the output ended after {received!r}"
        received += more
    return received


def only_line(stderr: bytes) -> str:
    """What was said, which has to be one line."""
    text = stderr.decode()
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    return text.rstrip("\n")
