"""A plugin of pytest for a mutant that takes part in the import of its module: runs the tests that a file names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mutants.session import Reports, run_and_tell


def pytest_runtestloop(session: pytest.Session) -> None:
    items = {item.nodeid: item for item in session.items}
    names = Path(os.environ["MUTANT_TESTS"]).read_text().split("\n")
    reports = Reports()
    session.config.pluginmanager.register(reports)
    run_and_tell(reports, [items[name] for name in names], int(os.environ["MUTANT_PIPE"]))
