"""The page on logs: each of its examples prints what the page says."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import real_parts
from processes.commands import environment

PAGE = (Path(__file__).parents[2] / "docs" / "logs.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the examples read."""
    (tmp_path / "app.log").write_bytes(b'{"n":3}\n{"n":4}\n')
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(b'{"n":1}\n{"n":2}\n', mtime=0))
    # Stored without compression, so that its size does not depend on the library.
    compressor = zlib.compressobj(0, wbits=31)
    cut = compressor.compress(b'{"n":1}\n{"n":2}\n{"n') + compressor.flush(zlib.Z_SYNC_FLUSH)
    (tmp_path / "cut.log.gz").write_bytes(cut)
    (tmp_path / "pod").mkdir()
    older = b'2026-01-01T00:00:00Z stdout P {"a":\n2026-01-01T00:00:01Z stderr F {"b":2}\n'
    (tmp_path / "pod" / "0.log.20260101-000059.gz").write_bytes(gzip.compress(older))
    (tmp_path / "pod" / "0.log").write_bytes(b"2026-01-01T00:00:02Z stdout F 1}\n")
    (tmp_path / "access.log").write_bytes(
        b'{"level":"info","http":{"path":"/a","bytes":10}}\n{"level":"error","http":{"path":"/b","bytes":20}}\n'
    )
    (tmp_path / "orders.log").write_bytes(
        b"".join(
            b'{"ts":"2026-01-01T00:00:%sZ","order":%d}\n' % (second, number)
            for number, second in enumerate((b"00.000", b"05.250", b"10.000"), 1)
        )
    )
    return tmp_path


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_page_on_logs_prints_what_it_says(number: int, folder: Path) -> None:
    program, expected = EXAMPLES[number]
    if "import dask" in program:
        real_parts.library("dask")
    ran = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    assert ran.stdout == expected


COMMANDS = [
    (command, said)
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for command, said in re.findall(r"(?m)^\$ (.*)\n((?:(?!\$ ).*\n)*)", block)
]


def test_the_commands_of_the_page_on_logs_say_in_their_order_what_it_says(folder: Path) -> None:
    (folder / "dirty.log").write_bytes(b'{"n":1}\n{"n":NaN}\n{"n":3}\n{"n"')
    command = folder / "bin" / "ndstream"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m ndstream "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    for line, expected in COMMANDS:
        ran = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env=environment(PATH=path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ran.stdout == expected, line
    assert len(COMMANDS) > 10


def test_every_example_of_the_page_on_logs_says_what_it_prints() -> None:
    assert PAGE.count("```python") == len(EXAMPLES) >= 5


def test_every_reason_of_a_damaged_file_is_on_the_page() -> None:
    from ndstream.logs import LogFileError, LogFileTruncatedError

    documented = f"{LogFileError.__doc__}{LogFileTruncatedError.__doc__}"
    reasons = re.findall(r"``(\w+)``: ", documented)
    assert len(reasons) == 8
    assert [reason for reason in reasons if f"`{reason}`" not in PAGE] == []
