"""``ndstream`` as a call in this process: for what needs no process of its own, and a tenth of the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ndstream._cli.main import _run


def called(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """The exit status, and what was written to standard output and to standard error."""
    status = _run([str(argument) for argument in arguments])
    return (status, *capfd.readouterr())
