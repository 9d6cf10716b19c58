"""What holds for all tests."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest

from inputs import strategies  # noqa: F401  (loads the profiles of Hypothesis, which set no time limit for an example)
from llm.engine import engine
from time_limit import pytest_runtest_call, pytest_runtest_setup, pytest_runtest_teardown

__all__ = ["engine", "pytest_runtest_call", "pytest_runtest_setup", "pytest_runtest_teardown"]

# A shell starts what it runs in the background with Ctrl-C ignored, and the commands under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Set aside what tests and libraries are made of, or those that collect garbage would look at it each time."""
    _set_aside()


@pytest.fixture(scope="module", autouse=True)
def what_a_file_of_tests_left() -> Iterator[None]:
    """The same with the libraries that its tests were the first to import, and what is kept of each test."""
    yield
    _set_aside()


def _set_aside() -> None:
    gc.collect()
    gc.freeze()
