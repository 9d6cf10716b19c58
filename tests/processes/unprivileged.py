"""Somebody who may not read or write everything: what tests of permissions run as, also if they are run by root."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes.commands import PATIENCE, environment

NOBODY = 65534

PROGRAM = f"""
import importlib, os, pkgutil, sys
import ndstream
# Nobody may be unable to read these later.
for module in pkgutil.walk_packages(ndstream.__path__, "ndstream."):
    if module.name.startswith(("ndstream._cli.cat", "ndstream._cli.check", "ndstream.logs")):
        importlib.import_module(module.name)
for name in ("ndstream._cli.value_output", "ndstream._cli.main", "rich.progress", "encodings.idna"):
    importlib.import_module(name)
if os.geteuid() == 0:
    os.setegid({NOBODY})
    os.seteuid({NOBODY})
ndstream._cli.main.main()
"""


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be nobody, if this is root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that everybody may read and write; those of pytest are private."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


def run_unprivileged(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run ``ndstream`` to its end, as nobody if this is root."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, timeout=PATIENCE, cwd=cwd, env=environment()
    )
