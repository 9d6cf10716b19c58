"""What holds for all tests."""

from __future__ import annotations

import gc
import signal

from llm.engine import engine
from time_limit import pytest_runtest_call, pytest_runtest_setup, pytest_runtest_teardown

__all__ = ["engine", "pytest_runtest_call", "pytest_runtest_setup", "pytest_runtest_teardown"]

# A shell starts what it runs in the background with Ctrl-C ignored, and the commands under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Set aside what tests and libraries are made of, or those that collect garbage would look at it each time."""
    # Plugins of Hypothesis look for what refers to them, which they would not find among what is set aside.
    import hypothesis  # noqa: F401

    gc.collect()
    gc.freeze()
